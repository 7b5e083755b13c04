// What the .cpp files of the HDF5 layer share. The only header that includes hdf5.h.
#pragma once

#include <hdf5.h>

#include <string>
#include <string_view>
#include <type_traits>

#include "results/h5.h"

namespace emosweep::results::h5 {

static_assert(std::is_same_v<hid_t, Id>);

[[noreturn]] void fail(
    const std::string& what);  // RunError with the innermost message of the library

// For every call of the library: a negative result is a failure to `what`.
template <class Result>
Result checked(Result result, const char* what, std::string_view name = "") {
  if (result < 0) fail(name.empty() ? what : std::string(what) + " '" + std::string(name) + "'");
  return result;
}

Handle properties(hid_t kind);
Handle space_of(const Shape& shape, const hsize_t* most = nullptr);

template <class T>
hid_t memory_type() {
  if constexpr (std::is_same_v<T, std::int32_t>) return H5T_NATIVE_INT32;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_NATIVE_INT64;
  if constexpr (std::is_same_v<T, std::uint64_t>) return H5T_NATIVE_UINT64;
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
}

template <class T>
hid_t file_type() {
  if constexpr (std::is_same_v<T, std::int32_t>) return H5T_STD_I32LE;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_STD_I64LE;
  if constexpr (std::is_same_v<T, std::uint64_t>) return H5T_STD_U64LE;
  if constexpr (std::is_same_v<T, float>) return H5T_IEEE_F32LE;
  if constexpr (std::is_same_v<T, double>) return H5T_IEEE_F64LE;
}

}  // namespace emosweep::results::h5
