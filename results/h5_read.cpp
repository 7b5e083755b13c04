#include <algorithm>

#include "base/error.h"
#include "results/h5_library.h"

namespace emosweep::results::h5 {
namespace {

std::uint64_t elements(hid_t space, std::size_t element, std::size_t cap, const std::string& what) {
  const auto n = checked(H5Sget_simple_extent_npoints(space), "read the shape of", what);
  if (static_cast<std::uint64_t>(n) > cap / std::max<std::size_t>(1, element)) {
    throw RunError("'" + what + "' claims to be larger than its file");
  }
  return static_cast<std::uint64_t>(n);
}

void expect_numbers(hid_t type, const std::string& what) {
  const auto kind = H5Tget_class(type);
  if (kind != H5T_INTEGER && kind != H5T_FLOAT)
    throw RunError("'" + what + "' does not hold numbers");
}

std::size_t text_width(hid_t type, const std::string& what) {
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0) {
    throw RunError("'" + what + "' does not hold fixed-length texts");
  }
  return std::max<std::size_t>(1, H5Tget_size(type));
}

std::vector<std::string> split_texts(const std::vector<char>& bytes, std::size_t width) {
  std::vector<std::string> values;
  for (std::size_t at = 0; at + width <= bytes.size(); at += width) {
    std::string value(bytes.data() + at, width);
    value.resize(value.find_last_not_of('\0') + 1);
    values.push_back(std::move(value));
  }
  return values;
}

Handle open_attribute(hid_t object, const std::string& name) {
  return {checked(H5Aopen(object, name.c_str(), H5P_DEFAULT), "open attribute", name), H5Aclose};
}

template <class T>
std::vector<T> number_attribute(hid_t object, const std::string& name, std::size_t cap) {
  const Handle attribute = open_attribute(object, name);
  const Handle type(checked(H5Aget_type(attribute.get()), "read the type of", name), H5Tclose);
  expect_numbers(type.get(), name);
  const Handle space(checked(H5Aget_space(attribute.get()), "read the shape of", name), H5Sclose);
  std::vector<T> values(elements(space.get(), sizeof(T), cap, name));
  if (values.empty()) return values;
  checked(H5Aread(attribute.get(), memory_type<T>(), values.data()), "read attribute", name);
  return values;
}

herr_t collect_name(hid_t, const char* name, const H5L_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

template <class T>
T one(const std::vector<T>& values, const std::string& name) {
  if (values.size() != 1) throw RunError("attribute '" + name + "' does not hold one value");
  return values[0];
}

}  // namespace

bool Node::has(const std::string& name) const {
  return checked(H5Lexists(id(), name.c_str(), H5P_DEFAULT), "look for", name) > 0;
}

std::vector<std::string> Node::names() const {
  std::vector<std::string> result;
  checked(H5Literate(id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_name, &result),
          "list a group");
  std::sort(result.begin(), result.end());
  return result;
}

Node Node::open(const std::string& name) const {
  return Node(Handle(checked(H5Oopen(id(), name.c_str(), H5P_DEFAULT), "open", name), H5Oclose),
              cap_);
}

Shape Node::shape() const {
  const Handle space(checked(H5Dget_space(id()), "read a shape"), H5Sclose);
  std::vector<hsize_t> dims(
      static_cast<std::size_t>(checked(H5Sget_simple_extent_ndims(space.get()), "read a shape")));
  checked(H5Sget_simple_extent_dims(space.get(), dims.data(), nullptr), "read a shape");
  return {dims.begin(), dims.end()};
}

template <class T>
std::vector<T> Node::values() const {
  const Handle type(checked(H5Dget_type(id()), "read a type"), H5Tclose);
  expect_numbers(type.get(), "dataset");
  const Handle space(checked(H5Dget_space(id()), "read a shape"), H5Sclose);
  std::vector<T> result(elements(space.get(), sizeof(T), cap_, "dataset"));
  if (!result.empty()) {
    checked(H5Dread(id(), memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, result.data()),
            "read a dataset");
  }
  return result;
}

std::vector<std::string> Node::texts() const {
  const Handle type(checked(H5Dget_type(id()), "read a type"), H5Tclose);
  const std::size_t width = text_width(type.get(), "dataset");
  const Handle space(checked(H5Dget_space(id()), "read a shape"), H5Sclose);
  std::vector<char> bytes(elements(space.get(), width, cap_, "dataset") * width);
  if (!bytes.empty()) {
    checked(H5Dread(id(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()),
            "read a dataset");
  }
  return split_texts(bytes, width);
}

bool Node::has_attribute(const std::string& attribute) const {
  return checked(H5Aexists(id(), attribute.c_str()), "look for attribute", attribute) > 0;
}

std::int64_t Node::integer(const std::string& attribute) const {
  return one(number_attribute<std::int64_t>(id(), attribute, cap_), attribute);
}

double Node::real(const std::string& attribute) const {
  return one(number_attribute<double>(id(), attribute, cap_), attribute);
}

std::vector<std::int64_t> Node::integer_list(const std::string& attribute) const {
  return number_attribute<std::int64_t>(id(), attribute, cap_);
}

std::string Node::text(const std::string& attribute) const {
  return one(text_list(attribute), attribute);
}

std::vector<std::string> Node::text_list(const std::string& name) const {
  const Handle attribute = open_attribute(id(), name);
  const Handle type(checked(H5Aget_type(attribute.get()), "read the type of", name), H5Tclose);
  const std::size_t width = text_width(type.get(), name);
  const Handle space(checked(H5Aget_space(attribute.get()), "read the shape of", name), H5Sclose);
  std::vector<char> bytes(elements(space.get(), width, cap_, name) * width);
  if (bytes.empty()) return {};
  checked(H5Aread(attribute.get(), type.get(), bytes.data()), "read attribute", name);
  return split_texts(bytes, width);
}

template std::vector<std::int32_t> Node::values() const;
template std::vector<std::int64_t> Node::values() const;
template std::vector<std::uint64_t> Node::values() const;
template std::vector<float> Node::values() const;
template std::vector<double> Node::values() const;

}  // namespace emosweep::results::h5
