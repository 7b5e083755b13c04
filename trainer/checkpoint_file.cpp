#include "trainer/checkpoint_file.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "results/record.h"

namespace emosweep::trainer {
namespace {

constexpr std::string_view kDigestKey = "\"sha256\":\"";
constexpr std::size_t kDigits = 64;

std::string format_text() { return "emosweep-checkpoint " + std::to_string(kCheckpointVersion); }

// Where the digits stand. Quotes within names and texts are escaped, so the first match is the key;
// it stands near the beginning, because metadata sorts before the tensors.
std::size_t digest_place(std::span<const std::uint8_t> bytes, const std::string& file) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t key = text.substr(0, 1u << 20).find(kDigestKey);
  if (key == std::string_view::npos || bytes.size() - key < kDigestKey.size() + kDigits) {
    throw InputError(file + ": no SHA-256 at its beginning: truncated or no checkpoint");
  }
  return key + kDigestKey.size();
}

std::string digest_of(std::span<const std::uint8_t> bytes, std::size_t place) {
  Sha256 hash;
  hash.add(bytes.first(place)).add(std::string(kDigits, '0')).add(bytes.subspan(place + kDigits));
  return hash.finish().hex();
}

}  // namespace

std::vector<std::uint8_t> encode_checkpoint(const Digest& trial, models::NamedTensors contents) {
  contents.metadata["format"] = format_text();
  contents.metadata["result_version"] = std::to_string(results::kResultVersion);
  contents.metadata["trial"] = trial.hex();
  contents.metadata["sha256"] = std::string(kDigits, '0');
  std::vector<std::uint8_t> bytes = models::write_safetensors(contents);
  const std::size_t place = digest_place(bytes, "a new checkpoint");
  const std::string digest = digest_of(bytes, place);
  std::copy(digest.begin(), digest.end(), bytes.begin() + static_cast<std::ptrdiff_t>(place));
  return bytes;
}

models::NamedTensors decode_checkpoint(std::span<const std::uint8_t> bytes, const std::string& file,
                                       const Digest& trial) {
  const std::size_t place = digest_place(bytes, file);
  const std::string_view stated(reinterpret_cast<const char*>(bytes.data()) + place, kDigits);
  if (digest_of(bytes, place) != stated) {
    throw InputError(file + ": its SHA-256 does not fit: truncated or damaged");
  }
  models::NamedTensors contents = models::parse_safetensors(bytes, file);
  const auto expect = [&](const std::string& key, const std::string& expected) {
    const std::string& value = contents.metadata[key];
    if (value == expected) return;
    throw InputError(file + ": " + key + " is '" + value + "', expected '" + expected + "'");
  };
  expect("format", format_text());
  expect("result_version", std::to_string(results::kResultVersion));
  expect("trial", trial.hex());
  return contents;
}

}  // namespace emosweep::trainer
