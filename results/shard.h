// Which part of a plan a run works on: shard 2 of 3 of a job array, or the whole plan. It stands in
// the names of the files that each shard keeps for itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace emosweep::results {

struct Shard {
  int index = 1, count = 1;  // 1 <= index <= count; 1 of 1 is the whole plan: a plain run

  bool whole() const { return count == 1; }
  std::string text() const;  // "2/3"; "" of a plain run
  // What the names of a shard's own files hold before their extension: ".2-of-3"; "" of a plain
  // run.
  std::string mark() const;
  friend bool operator==(const Shard&, const Shard&) = default;
};

inline constexpr int kMostShards = 100'000;

// The inverse of text() with at most kMostShards shards, "1/1" included; nullopt for anything else.
std::optional<Shard> parse_shard(std::string_view text);
// The shard of a file `<stem><mark><extension>`; nullopt: the name is no such name.
std::optional<Shard> shard_of_name(std::string_view name, std::string_view stem,
                                   std::string_view extension);

}  // namespace emosweep::results
