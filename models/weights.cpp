#include "models/weights.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "models/safetensors_header.h"

namespace emosweep::models {
namespace {

static_assert(std::endian::native == std::endian::little,
              "tensor data is written as it stands in memory");

struct Kind {
  const char* name;
  at::ScalarType type;
  std::uint64_t bytes;
};
constexpr Kind kKinds[] = {{"F64", at::kDouble, 8},
                           {"I64", at::kLong, 8},
                           {"F32", at::kFloat, 4},
                           {"F16", at::kHalf, 2},
                           {"BF16", at::kBFloat16, 2}};

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (std::int64_t d : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(d);
  return text + "]";
}

// Bytes that shape and dtype ask for; false on overflow.
bool byte_size(const TensorEntry& entry, std::uint64_t element, std::uint64_t& bytes) {
  bytes = element;
  for (std::int64_t d : entry.shape) {
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(d), &bytes)) return false;
  }
  return true;
}

const Kind& check_entry(const std::string& file, const std::string& name,
                        const TensorEntry& entry) {
  const std::string who = file + ": tensor '" + name + "' ";
  const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [&](const Kind& k) { return entry.dtype == k.name; });
  if (kind == std::end(kKinds)) {
    throw InputError(who + "is of dtype " + entry.dtype + ", expected F64, F32, F16, BF16 or I64");
  }
  std::uint64_t bytes = 0;
  if (!byte_size(entry, kind->bytes, bytes)) {
    throw InputError(who + "has the impossible shape " + shape_text(entry.shape));
  }
  if (entry.begin > entry.end || entry.end - entry.begin != bytes) {
    throw InputError(who + "takes bytes " + std::to_string(entry.begin) + " to " +
                     std::to_string(entry.end) + ", but " + entry.dtype + " of shape " +
                     shape_text(entry.shape) + " needs " + std::to_string(bytes) + " bytes");
  }
  return *kind;
}

// The data must be covered exactly: no overlap, no hole, nothing behind.
void check_cover(const std::string& file, const SafetensorsHeader& header, std::uint64_t size) {
  std::vector<std::pair<std::string, TensorEntry>> order(header.tensors.begin(),
                                                         header.tensors.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second.begin, a.second.end) < std::pair(b.second.begin, b.second.end);
  });
  std::uint64_t end = 0;
  for (const auto& [name, entry] : order) {
    if (entry.begin != end) {
      throw InputError(file + ": tensor '" + name + "' begins at byte " +
                       std::to_string(entry.begin) + " of the data, expected " +
                       std::to_string(end) + (entry.begin < end ? " (overlap)" : " (a hole)"));
    }
    end = entry.end;
  }
  if (end != size) {
    throw InputError(file + ": the tensors take " + std::to_string(end) + " bytes, but " +
                     std::to_string(size) + " follow the header: the file is " +
                     (size < end ? "truncated" : "longer than it should be"));
  }
}

}  // namespace

std::vector<std::uint8_t> write_safetensors(const NamedTensors& tensors) {
  SafetensorsHeader header;
  header.metadata = tensors.metadata;
  std::vector<std::pair<std::string, at::Tensor>> order;
  std::uint64_t end = 0;
  for (const Kind& kind : kKinds) {
    std::map<std::string, at::Tensor> of_kind;
    for (const auto& [name, tensor] : tensors.tensors) {
      if (tensor.scalar_type() == kind.type)
        of_kind.emplace(name, tensor.to(at::kCPU).contiguous());
    }
    for (const auto& [name, tensor] : of_kind) {
      EMO_CHECK(name != "__metadata__", "this name means the file's metadata");
      TensorEntry entry{kind.name, tensor.sizes().vec(), end, end + tensor.nbytes()};
      end = entry.end;
      EMO_CHECK(header.tensors.emplace(name, entry).second, "two tensors called " + name);
      order.emplace_back(name, tensor);
    }
  }
  EMO_CHECK(order.size() == tensors.tensors.size(),
            "tensors are of a dtype that is written, each name once");
  const std::string text = safetensors_header_text(header);
  std::vector<std::uint8_t> bytes(8 + text.size() + end);
  const std::uint64_t length = text.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, text.data(), text.size());
  std::uint8_t* to = bytes.data() + 8 + text.size();
  for (const auto& [name, tensor] : order) {
    if (tensor.nbytes() > 0) std::memcpy(to, tensor.const_data_ptr(), tensor.nbytes());
    to += tensor.nbytes();
  }
  return bytes;
}

NamedTensors parse_safetensors(std::span<const std::uint8_t> bytes, const std::string& file,
                               const SafetensorsLimits& limits) {
  if (bytes.size() < 8) {
    throw InputError(file + ": only " + std::to_string(bytes.size()) +
                     " bytes: truncated or no safetensors file");
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  if (length > limits.header) {
    throw InputError(file + ": a header of " + std::to_string(length) + " bytes, at most " +
                     std::to_string(limits.header) + " are read: damaged or no safetensors file");
  }
  if (length > bytes.size() - 8) {
    throw InputError(file + ": the header takes " + std::to_string(length) +
                     " bytes, the file has " + std::to_string(bytes.size() - 8) +
                     " left: truncated");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data() + 8), length);
  if (text.empty() || text.front() != '{') {
    throw InputError(file + ": the header does not begin with '{': no safetensors file");
  }
  const SafetensorsHeader header = parse_safetensors_header(text, file, limits.tensors);
  const std::span<const std::uint8_t> data = bytes.subspan(8 + length);
  NamedTensors out;
  out.metadata = header.metadata;
  // Everything is checked before anything is allocated.
  for (const auto& [name, entry] : header.tensors) check_entry(file, name, entry);
  check_cover(file, header, data.size());
  for (const auto& [name, entry] : header.tensors) {
    const Kind& kind = check_entry(file, name, entry);
    at::Tensor tensor = at::empty(entry.shape, at::TensorOptions().dtype(kind.type));
    if (tensor.nbytes() > 0) {
      std::memcpy(tensor.mutable_data_ptr(), data.data() + entry.begin, tensor.nbytes());
    }
    out.tensors.emplace_back(name, tensor);
  }
  return out;
}

NamedTensors read_safetensors(const std::filesystem::path& file, const SafetensorsLimits& limits) {
  return parse_safetensors(read_bytes(file, limits.file), file.string(), limits);
}

NamedTensors weights_of(Model& model, std::int64_t k) {
  NamedTensors out;
  for (const std::vector<Leaf>* leaves : {&model.leaves(), &model.state()}) {
    for (const Leaf& leaf : *leaves) {
      EMO_CHECK(k >= 0 && k < leaf.value.size(0), "no such trial in the pack");
      out.tensors.emplace_back(leaf.name,
                               leaf.value.detach().select(0, k).to(at::kCPU).contiguous().clone());
    }
  }
  return out;
}

void load_weights(Model& model, std::int64_t k, const NamedTensors& weights,
                  const std::string& file) {
  std::map<std::string, at::Tensor> given;
  Mistakes mistakes;
  for (const auto& [name, tensor] : weights.tensors) {
    if (!given.emplace(name, tensor).second)
      mistakes.add(file + ": tensor " + name + " stands twice");
  }
  std::vector<std::pair<at::Tensor, at::Tensor>> copies;
  for (const std::vector<Leaf>* leaves : {&model.leaves(), &model.state()}) {
    for (const Leaf& leaf : *leaves) {
      EMO_CHECK(k >= 0 && k < leaf.value.size(0), "no such trial in the pack");
      const auto found = given.find(leaf.name);
      if (found == given.end()) {
        mistakes.add(file + ": tensor " + leaf.name + " is missing");
        continue;
      }
      at::Tensor to = leaf.value.detach().select(0, k);
      const at::Tensor from = found->second;
      given.erase(found);
      if (from.sizes() != to.sizes() || from.scalar_type() != to.scalar_type()) {
        mistakes.add(file + ": tensor " + leaf.name + " is " + c10::toString(from.scalar_type()) +
                     " " + shape_text(from.sizes()) + ", the model needs " +
                     c10::toString(to.scalar_type()) + " " + shape_text(to.sizes()));
        continue;
      }
      copies.emplace_back(to, from);
    }
  }
  for (const auto& [name, tensor] : given) {
    mistakes.add(file + ": tensor " + name + " is not in the model");
  }
  mistakes.throw_if_any();  // before anything is overwritten
  for (auto& [to, from] : copies) to.copy_(from);
}

}  // namespace emosweep::models
