// SHA-256 (FIPS 180-4, by OpenSSL's libcrypto) and the digest type that names trials, tables and
// splits.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace emosweep {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};
  auto operator<=>(const Digest&) const = default;
  std::string hex() const;                        // 64 lower-case digits
  std::string brief() const;                      // the first 12, for people
  static Digest from_hex(std::string_view text);  // InputError unless 64 hex digits
};

// Incremental; an object is used by one thread.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  Sha256& add(std::span<const std::uint8_t> bytes);
  Sha256& add(std::string_view text);
  Sha256& add_sized(
      std::string_view text);  // its length first, so that ("ab","c") and ("a","bc") differ
  Digest finish();             // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest sha256(std::string_view text);
Digest sha256(std::span<const std::uint8_t> bytes);
Digest sha256_file(const std::filesystem::path& path);  // InputError names the file

}  // namespace emosweep
