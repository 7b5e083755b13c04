#include "models/safetensors_header.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace emosweep::models {
namespace {

using Json = nlohmann::json;

// A state machine over the parser's events: the tree library would keep the last of two equal keys
// without a word.
class HeaderReader final : public nlohmann::json_sax<Json> {
 public:
  HeaderReader(std::string file, std::size_t most) : file_(std::move(file)), most_(most) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_float(number_float_t, const string_t& text) override {
    return unexpected("the number " + text);
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_integer(number_integer_t value) override {
    return unexpected("the number " + std::to_string(value));  // only negative ones come here
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (at_ == At::shape) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        fail("a dimension of " + std::to_string(value));
      }
      if (entry_.shape.size() == kDimensions) fail("more than 16 dimensions");
      entry_.shape.push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (at_ == At::offsets && offsets_ < 2) {
      (offsets_++ == 0 ? entry_.begin : entry_.end) = value;
      return true;
    }
    return unexpected("the number " + std::to_string(value));
  }

  bool string(string_t& value) override {
    if (at_ == At::metadata && !key_.empty()) {
      header_.metadata[std::exchange(key_, "")] = value;
      return true;
    }
    if (at_ == At::tensor && key_ == "dtype") {
      entry_.dtype = value;
      key_.clear();
      return true;
    }
    return unexpected("a text");
  }

  bool start_object(std::size_t) override {
    if (at_ == At::start) {
      at_ = At::top;
    } else if (at_ == At::top && name_ == "__metadata__") {
      at_ = At::metadata;
    } else if (at_ == At::top) {
      at_ = At::tensor;
      entry_ = {};
      seen_.clear();
    } else {
      return unexpected("an object");
    }
    return true;
  }

  bool key(string_t& value) override {
    if (at_ == At::top) {
      if (names_.count(value) > 0) throw InputError(file_ + ": tensor " + value + " stands twice");
      if (names_.size() > most_) throw InputError(file_ + ": more tensors than allowed");
      names_[value] = 1;
      name_ = value;
      return true;
    }
    if (at_ == At::metadata) {
      if (value.empty()) fail("an empty key");
      if (header_.metadata.count(value) > 0) fail("the key " + value + " twice");
      key_ = value;
      return true;
    }
    if (value != "dtype" && value != "shape" && value != "data_offsets") {
      fail("the unknown key " + value);
    }
    if (seen_.count(value) > 0) fail("the key " + value + " twice");
    seen_[value] = 1;
    key_ = value;
    return true;
  }

  bool start_array(std::size_t) override {
    if (at_ != At::tensor || (key_ != "shape" && key_ != "data_offsets")) {
      return unexpected("an array");
    }
    at_ = key_ == "shape" ? At::shape : At::offsets;
    offsets_ = 0;
    return true;
  }

  bool end_array() override {
    if (at_ == At::offsets && offsets_ != 2) fail("data_offsets that are not two numbers");
    at_ = At::tensor;
    key_.clear();
    return true;
  }

  bool end_object() override {
    if (at_ == At::tensor) {
      if (seen_.size() != 3) fail("not all of dtype, shape and data_offsets");
      header_.tensors[name_] = entry_;
      at_ = At::top;
    } else if (at_ == At::metadata) {
      at_ = At::top;
    } else {
      at_ = At::end;
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    throw InputError(file_ + ": the header is no JSON from byte " + std::to_string(position) +
                     " on: the file is damaged or no safetensors file");
  }

 private:
  enum class At { start, top, metadata, tensor, shape, offsets, end };
  static constexpr std::size_t kDimensions = 16;

  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(file_ + ": header of tensor '" + name_ + "' has " + what);
  }
  bool unexpected(const std::string& what) const { fail(what + " where it does not belong"); }

  std::string file_, name_, key_;
  std::size_t most_;
  SafetensorsHeader header_;
  TensorEntry entry_;
  std::map<std::string, int> names_, seen_;
  int offsets_ = 0;
  At at_ = At::start;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& file,
                                           std::size_t most) {
  HeaderReader reader(file, most);
  Json::sax_parse(json.begin(), json.end(), &reader);
  return reader.take();
}

std::string safetensors_header_text(const SafetensorsHeader& header) {
  Json json = Json::object();
  for (const auto& [name, entry] : header.tensors) {
    json[name] = {{"dtype", entry.dtype},
                  {"shape", entry.shape},
                  {"data_offsets", std::vector<std::uint64_t>{entry.begin, entry.end}}};
  }
  if (!header.metadata.empty()) json["__metadata__"] = header.metadata;
  std::string text = json.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace emosweep::models
