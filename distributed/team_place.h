// Which ranks train together.
#pragma once

#include <string>
#include <vector>

#include "distributed/world.h"

namespace emosweep::distributed {

struct TeamPlace {
  int team = 0, teams = 1;   // teams are numbered in the order of nodes
  int rank = 0, size = 1;    // of this rank in its team; rank 0 leads
  int nodes = 1;             // that the team stands on
  std::vector<int> members;  // world ranks, by rank in the team
  bool leads() const { return rank == 0; }
  std::string text() const;  // "team 1 of 4, rank 0 of 2"
};

// Fixed teams of `size` ranks, nodes filled one after the other. node_of: the node of every world
// rank. InputError with both numbers where the ranks do not divide into teams.
TeamPlace choose_team(const std::vector<int>& node_of, int rank, int size);

// Collective over the world: choose_team with every rank's own node.
TeamPlace find_team(const World& world, int size);

}  // namespace emosweep::distributed
