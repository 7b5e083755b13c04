#include "results/shard.h"

#include <charconv>

namespace emosweep::results {
namespace {

// Digits alone, without leading zeros, so that a shard has one name only.
std::optional<int> number(std::string_view digits) {
  int value = 0;
  const char* end = digits.data() + digits.size();
  const auto [read, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || read != end || digits.front() < '1' || digits.front() > '9')
    return {};
  return value;
}

std::optional<Shard> parse_with(std::string_view text, std::string_view separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return {};
  const auto index = number(text.substr(0, at));
  const auto count = number(text.substr(at + separator.size()));
  if (!index || !count || *index > *count || *count > kMostShards) return {};
  return Shard{*index, *count};
}

}  // namespace

std::string Shard::text() const {
  return whole() ? "" : std::to_string(index) + "/" + std::to_string(count);
}

std::string Shard::mark() const {
  return whole() ? "" : "." + std::to_string(index) + "-of-" + std::to_string(count);
}

std::optional<Shard> parse_shard(std::string_view text) { return parse_with(text, "/"); }

std::optional<Shard> shard_of_name(std::string_view name, std::string_view stem,
                                   std::string_view extension) {
  if (name.size() < stem.size() + extension.size() || !name.starts_with(stem) ||
      !name.ends_with(extension)) {
    return {};
  }
  name.remove_prefix(stem.size());
  name.remove_suffix(extension.size());
  if (name.empty()) return Shard{};
  if (!name.starts_with('.')) return {};
  const auto shard = parse_with(name.substr(1), "-of-");
  return shard && !shard->whole() ? shard : std::nullopt;
}

}  // namespace emosweep::results
