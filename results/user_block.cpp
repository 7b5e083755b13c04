#include "results/user_block.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/hash.h"

namespace emosweep::results {
namespace {

constexpr std::size_t kDigits = 64;

std::string digits_of(std::span<const std::uint8_t> file, std::size_t at) {
  const std::array<std::uint8_t, kDigits> zeros{};
  Sha256 hash;
  hash.add(file.first(at))
      .add(std::span<const std::uint8_t>(zeros))
      .add(file.subspan(at + kDigits));
  return hash.finish().hex();
}

std::string text_of(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

void seal(std::span<std::uint8_t> file, std::string_view first_line) {
  EMO_CHECK(file.size() >= kUserBlock && first_line.size() + kDigits + 1 <= kUserBlock,
            "no room for the user block");
  std::fill_n(file.begin(), kUserBlock, std::uint8_t{0});
  std::copy(first_line.begin(), first_line.end(), file.begin());
  file[first_line.size() + kDigits] = '\n';
  const std::string digits = digits_of(file, first_line.size());
  std::copy(digits.begin(), digits.end(), file.begin() + static_cast<long>(first_line.size()));
}

std::string seal_problem(std::span<const std::uint8_t> file, std::string_view first_line) {
  const std::string_view kind = first_line.substr(0, first_line.rfind(' ') + 1);
  const std::string name(kind.substr(0, kind.size() - 1));
  if (file.size() < kUserBlock) {
    return "is truncated: " + std::to_string(file.size()) + " bytes, " + name +
           " begins with a block of 512";
  }
  const std::string head = text_of(file.first(first_line.size()));
  if (head != first_line) {
    if (head.substr(0, kind.size()) != kind) return "is no " + name + " file";
    std::string version = text_of(file.subspan(kind.size(), 8));
    version = version.substr(0, version.find_first_not_of("0123456789"));
    return "has format version '" + version + "', this program reads version " +
           std::string(first_line.substr(kind.size(), first_line.size() - kind.size() - 1));
  }
  // Compared as text, so that a changed digit's case counts as damage too.
  if (text_of(file.subspan(first_line.size(), kDigits)) != digits_of(file, first_line.size())) {
    return "is damaged or truncated: its SHA-256 is not the one in its first block";
  }
  return "";
}

}  // namespace emosweep::results
