// JSON files of the run folder: read with checks, written with stable order and layout. Private to
// results/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"

namespace emosweep::results {

using Json = nlohmann::ordered_json;  // keys stay in the order they were set

inline constexpr std::size_t kJsonCap = 1u << 30;

// Broken encodings in messages of others are replaced instead of refused.
inline std::string dumped(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}
inline std::string json_text(const Json& json) { return dumped(json, 1) + "\n"; }

inline std::int64_t integer_of(const Json& json, const char* key) {
  const Json& value = json.at(key);
  if (!value.is_number_integer()) throw InputError(std::string(key) + " is no whole number");
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) {
    throw InputError(std::string(key) + " is out of range");
  }
  return value.get<std::int64_t>();
}

inline double number_of(const Json& json, const char* key) {  // null stands for NaN
  const Json& value = json.at(key);
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!value.is_number()) throw InputError(std::string(key) + " is no number");
  return value.get<double>();
}

inline std::string text_of(const Json& json, const char* key) {
  return json.at(key).get_ref<const std::string&>();
}

inline std::vector<std::string> texts_of(const Json& json, const char* key) {
  std::vector<std::string> texts;
  for (const auto& text : json.at(key).get_ref<const Json::array_t&>()) {
    texts.push_back(text.get_ref<const std::string&>());
  }
  return texts;
}

// Reads `path`, checks its "format" and "version" 1 and gives the object to `read`. Whatever is
// wrong is an InputError that names the file.
template <class Read>
auto read_json(const std::filesystem::path& path, const std::string& format, const Read& read) {
  const std::string text = read_text(path, kJsonCap);
  try {
    const Json json = Json::parse(text);
    if (!json.is_object() || text_of(json, "format") != format) {
      throw InputError("is no " + format + " file");
    }
    if (integer_of(json, "version") != 1) {
      throw InputError("has format version " + json.at("version").dump() +
                       ", this program reads version 1");
    }
    return read(json);
  } catch (const nlohmann::json::exception& error) {
    throw InputError(path.string() + " is damaged: " + error.what());
  } catch (const Error& error) {
    throw InputError(path.string() + ": " + error.what());
  }
}

}  // namespace emosweep::results
