// The 512 bytes before the HDF5 part of a file of ours: what it is, and the SHA-256 that vouches
// for every byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace emosweep::results {

inline constexpr std::size_t kUserBlock = 512;

// `first_line` ("emosweep-record 1\n") is followed by 64 hexadecimal digits and a newline; the rest
// of the block is zero. The digest is that of the whole file with the 64 digits as zero bytes.
void seal(std::span<std::uint8_t> file, std::string_view first_line);

// "" or what is wrong: not a file of ours, another version, truncated or damaged. Nothing behind
// the block is interpreted.
std::string seal_problem(std::span<const std::uint8_t> file, std::string_view first_line);

}  // namespace emosweep::results
