#include "distributed/team_place.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "base/error.h"

namespace emosweep::distributed {

namespace {
constexpr double kAgreeSeconds = 120;
}

std::string TeamPlace::text() const {
  return "team " + std::to_string(team) + " of " + std::to_string(teams) + ", rank " +
         std::to_string(rank) + " of " + std::to_string(size);
}

TeamPlace choose_team(const std::vector<int>& node_of, int rank, int size) {
  const int ranks = static_cast<int>(node_of.size());
  EMO_CHECK(size >= 1 && rank >= 0 && rank < ranks, "a team has at least one rank");
  if (ranks % size != 0) {
    throw InputError(std::to_string(ranks) + (ranks == 1 ? " rank does" : " ranks do") +
                     " not form teams of " + std::to_string(size) + " (ranks_per_trial): start " +
                     std::to_string((ranks / size + 1) * size) +
                     (ranks > size ? " or " + std::to_string(ranks / size * size) : "") +
                     " ranks, or change ranks_per_trial");
  }
  std::vector<int> order(node_of.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return node_of[static_cast<std::size_t>(a)] < node_of[static_cast<std::size_t>(b)];
  });
  const int place = static_cast<int>(std::find(order.begin(), order.end(), rank) - order.begin());
  TeamPlace mine;
  mine.team = place / size;
  mine.teams = ranks / size;
  mine.rank = place % size;
  mine.size = size;
  std::set<int> nodes;
  for (int r = 0; r < size; ++r) {
    mine.members.push_back(order[static_cast<std::size_t>(mine.team * size + r)]);
    nodes.insert(node_of[static_cast<std::size_t>(mine.members.back())]);
  }
  mine.nodes = static_cast<int>(nodes.size());
  return mine;
}

TeamPlace find_team(const World& world, int size) {
  std::vector<int> node_of;
  for (const std::string& node :
       gather(std::to_string(world.node), "nodes of the ranks", in_seconds(kAgreeSeconds))) {
    node_of.push_back(std::stoi(node));
  }
  return choose_team(node_of, world.rank, size);
}

}  // namespace emosweep::distributed
