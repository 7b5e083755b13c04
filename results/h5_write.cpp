#include <algorithm>

#include "base/error.h"
#include "results/h5_library.h"

namespace emosweep::results::h5 {
namespace {

constexpr std::size_t kChunkBytes = 1u << 20;    // of a dataset written whole
constexpr std::size_t kGrowingBytes = 8u << 10;  // of a growing one: small summaries stay small
constexpr unsigned kCompact = 64;                // links and attributes kept in the object's header

Handle text_type(std::size_t bytes) {
  Handle type(checked(H5Tcopy(H5T_C_S1), "copy a type"), H5Tclose);
  checked(H5Tset_size(type.get(), bytes), "set the length of a text");
  checked(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "set the padding of a text");
  checked(H5Tset_cset(type.get(), H5T_CSET_UTF8), "set the encoding of a text");
  return type;
}

struct Texts {
  std::size_t width = 1;
  std::string bytes;
};

Texts padded(std::span<const std::string> values) {
  Texts texts;
  for (const auto& value : values) {
    if (value.find('\0') != std::string::npos) throw RunError("HDF5 texts cannot hold a zero byte");
    texts.width = std::max(texts.width, value.size());
  }
  texts.bytes.assign(texts.width * values.size(), '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::copy(values[i].begin(), values[i].end(),
              texts.bytes.begin() + static_cast<long>(i * texts.width));
  }
  return texts;
}

std::uint64_t product(const Shape& shape) {
  std::uint64_t n = 1;
  for (const auto d : shape) n *= d;
  return n;
}

// Creates a dataset; a dimension of 0 stays extensible, because a fixed one cannot have chunks.
Handle create(hid_t parent, const std::string& name, hid_t type, std::size_t element,
              const Shape& shape, std::uint64_t growing_rows = 0) {
  std::vector<hsize_t> most(shape.begin(), shape.end()), chunk(shape.begin(), shape.end());
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (most[i] == 0) most[i] = H5S_UNLIMITED;
    chunk[i] = std::max<hsize_t>(1, chunk[i]);
  }
  std::uint64_t row = element;
  for (std::size_t i = 1; i < chunk.size(); ++i) row *= chunk[i];
  chunk[0] = growing_rows ? growing_rows
                          : std::min<hsize_t>(chunk[0], std::max<hsize_t>(1, kChunkBytes / row));
  const Handle creation = properties(H5P_DATASET_CREATE);
  checked(H5Pset_obj_track_times(creation.get(), false), "turn times off for", name);
  checked(H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data()),
          "set the chunks of", name);
  checked(H5Pset_fletcher32(creation.get()), "set the checksum of", name);
  checked(H5Pset_attr_phase_change(creation.get(), kCompact, kCompact - 1), "set up", name);
  const Handle space = space_of(shape, most.data());
  return {checked(H5Dcreate2(parent, name.c_str(), type, space.get(), H5P_DEFAULT, creation.get(),
                             H5P_DEFAULT),
                  "create", name),
          H5Dclose};
}

void write_attribute(hid_t object, const std::string& name, hid_t stored, hid_t memory,
                     const Handle& space, const void* data) {
  const Handle attribute(
      checked(H5Acreate2(object, name.c_str(), stored, space.get(), H5P_DEFAULT, H5P_DEFAULT),
              "create attribute", name),
      H5Aclose);
  if (H5Sget_simple_extent_npoints(space.get()) == 0) return;
  checked(H5Awrite(attribute.get(), memory, data), "write attribute", name);
}

}  // namespace

Node Node::make_group(const std::string& name) const {
  const Handle creation = properties(H5P_GROUP_CREATE);
  checked(H5Pset_obj_track_times(creation.get(), false), "turn times off for", name);
  checked(H5Pset_link_phase_change(creation.get(), kCompact, kCompact - 1), "set up", name);
  checked(H5Pset_attr_phase_change(creation.get(), kCompact, kCompact - 1), "set up", name);
  return Node(
      Handle(checked(H5Gcreate2(id(), name.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                     "create group", name),
             H5Gclose),
      cap_);
}

template <class T>
Node Node::write(const std::string& name, std::span<const T> values, Shape shape) const {
  if (shape.empty()) shape = {values.size()};
  EMO_CHECK(product(shape) == values.size(), "shape and values of '" + name + "' differ");
  Handle dataset = create(id(), name, file_type<T>(), sizeof(T), shape);
  if (!values.empty()) {
    checked(H5Dwrite(dataset.get(), memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
            "write", name);
  }
  return Node(std::move(dataset), cap_);
}

Node Node::write_texts(const std::string& name, std::span<const std::string> values) const {
  const Texts texts = padded(values);
  const Handle type = text_type(texts.width);
  Handle dataset = create(id(), name, type.get(), texts.width, {values.size()});
  if (!values.empty()) {
    checked(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.bytes.data()),
            "write", name);
  }
  return Node(std::move(dataset), cap_);
}

void Node::set(const std::string& name, std::int64_t value) const {
  const Handle space(checked(H5Screate(H5S_SCALAR), "make a shape"), H5Sclose);
  write_attribute(id(), name, H5T_STD_I64LE, H5T_NATIVE_INT64, space, &value);
}

void Node::set(const std::string& name, double value) const {
  const Handle space(checked(H5Screate(H5S_SCALAR), "make a shape"), H5Sclose);
  write_attribute(id(), name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, space, &value);
}

void Node::set(const std::string& name, const std::string& value) const {
  const Texts text = padded(std::span(&value, 1));
  const Handle type = text_type(text.width);
  const Handle space(checked(H5Screate(H5S_SCALAR), "make a shape"), H5Sclose);
  write_attribute(id(), name, type.get(), type.get(), space, text.bytes.data());
}

void Node::set(const std::string& name, std::span<const std::string> values) const {
  const Texts texts = padded(values);
  const Handle type = text_type(texts.width);
  write_attribute(id(), name, type.get(), type.get(), space_of({values.size()}),
                  texts.bytes.data());
}

void Node::set(const std::string& name, std::span<const std::int64_t> values) const {
  write_attribute(id(), name, H5T_STD_I64LE, H5T_NATIVE_INT64, space_of({values.size()}),
                  values.data());
}

template <class T>
Column<T>::Column(const Node& parent, const std::string& name, const Shape& tail) : tail_(tail) {
  width_ = product(tail);
  EMO_CHECK(width_ > 0, "rows of '" + name + "' are empty");
  chunk_ = std::max<std::uint64_t>(1, kGrowingBytes / (width_ * sizeof(T)));
  Shape shape{0};
  shape.insert(shape.end(), tail.begin(), tail.end());
  node_ = Node(create(parent.id(), name, file_type<T>(), sizeof(T), shape, chunk_), 0);
}

template <class T>
void Column<T>::add(std::span<const T> values) {
  EMO_CHECK(values.size() % width_ == 0, "part of a row");
  buffer_.insert(buffer_.end(), values.begin(), values.end());
  const std::uint64_t whole = buffer_.size() / width_ / chunk_ * chunk_;
  if (whole > 0) flush(whole);
}

template <class T>
void Column<T>::finish() {
  if (!buffer_.empty()) flush(buffer_.size() / width_);
}

template <class T>
void Column<T>::flush(std::uint64_t rows) {
  Shape shape{rows_ + rows}, block{rows};
  shape.insert(shape.end(), tail_.begin(), tail_.end());
  block.insert(block.end(), tail_.begin(), tail_.end());
  const std::vector<hsize_t> extent(shape.begin(), shape.end()), count(block.begin(), block.end());
  std::vector<hsize_t> start(extent.size(), 0);
  start[0] = rows_;
  checked(H5Dset_extent(node_.id(), extent.data()), "extend a dataset");
  const Handle target(checked(H5Dget_space(node_.id()), "read a shape"), H5Sclose);
  checked(H5Sselect_hyperslab(target.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(),
                              nullptr),
          "select rows");
  checked(H5Dwrite(node_.id(), memory_type<T>(), space_of(block).get(), target.get(), H5P_DEFAULT,
                   buffer_.data()),
          "write rows");
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<long>(rows * width_));
  rows_ += rows;
}

#define EMO_H5_WRITE(T)                                                              \
  template Node Node::write<T>(const std::string&, std::span<const T>, Shape) const; \
  template class Column<T>;
EMO_H5_WRITE(std::int32_t)
EMO_H5_WRITE(std::int64_t)
EMO_H5_WRITE(std::uint64_t)
EMO_H5_WRITE(float)
EMO_H5_WRITE(double)
#undef EMO_H5_WRITE

}  // namespace emosweep::results::h5
