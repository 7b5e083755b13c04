// HDF5 in memory: a thin layer over the C library for files that are built or read as one image.
// Private to results/. Every failure of the library is a RunError with its innermost message;
// nothing is printed. One thread per file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace emosweep::results::h5 {

using Id = std::int64_t;  // hid_t
using Shape = std::vector<std::uint64_t>;

// An identifier of the library with the function that closes it.
class Handle {
 public:
  using Close = int (*)(Id);
  Handle() = default;
  Handle(Id id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(other.id_), close_(other.close_) { other.id_ = -1; }
  Handle& operator=(Handle&& other) noexcept;
  ~Handle() { reset(); }
  Id get() const { return id_; }
  Id release() { return std::exchange(id_, -1); }

 private:
  void reset();
  Id id_ = -1;
  Close close_ = nullptr;
};

// An open group or dataset. Datasets are chunked with Fletcher32, texts are fixed-length UTF-8
// padded with zero bytes, no times are kept. T: int32, int64, uint64, float, double.
class Node {
 public:
  Node() = default;
  explicit Node(Handle handle, std::size_t cap) : handle_(std::move(handle)), cap_(cap) {}
  Id id() const { return handle_.get(); }

  Node make_group(const std::string& name) const;
  // `shape` multiplies to values.size(); {} means one dimension.
  template <class T>
  Node write(const std::string& name, std::span<const T> values, Shape shape = {}) const;
  template <class T>
  Node write(const std::string& name, const std::vector<T>& values, Shape shape = {}) const {
    return write(name, std::span<const T>(values), std::move(shape));
  }
  Node write_texts(const std::string& name, std::span<const std::string> values) const;
  void set(const std::string& name, std::int64_t value) const;
  void set(const std::string& name, double value) const;
  void set(const std::string& name, const std::string& value) const;
  void set(const std::string& name, std::span<const std::string> values) const;
  void set(const std::string& name, std::span<const std::int64_t> values) const;

  // Reading converts number types as the library does. What claims to be larger than the file is
  // refused.
  bool has(const std::string& name) const;
  std::vector<std::string> names() const;  // links of a group, in bytewise order
  Node open(const std::string& name) const;
  Shape shape() const;  // of a dataset
  template <class T>
  std::vector<T> values() const;           // of a dataset
  std::vector<std::string> texts() const;  // of a dataset
  bool has_attribute(const std::string& attribute) const;
  std::int64_t integer(const std::string& attribute) const;
  double real(const std::string& attribute) const;
  std::string text(const std::string& attribute) const;
  std::vector<std::string> text_list(const std::string& attribute) const;
  std::vector<std::int64_t> integer_list(const std::string& attribute) const;

 private:
  Handle handle_;
  std::size_t cap_ = 0;  // most bytes that a read may ask for
};

// A dataset that grows by rows: [rows, tail...]. Rows go to the file in whole chunks; finish()
// writes the rest.
template <class T>
class Column {
 public:
  Column(const Node& parent, const std::string& name, const Shape& tail = {});
  void add(std::span<const T> values);  // whole rows
  void finish();
  std::uint64_t rows() const { return rows_ + buffer_.size() / width_; }

 private:
  void flush(std::uint64_t rows);
  Node node_;
  Shape tail_;
  std::uint64_t width_ = 1, chunk_ = 1, rows_ = 0;
  std::vector<T> buffer_;
};

// A new file in memory, "latest" format, with room for the user block.
class Writer {
 public:
  Writer();
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  const Node& root() const { return root_; }
  std::vector<std::uint8_t> finish(
      std::string_view first_line);  // sealed bytes; once, all nodes closed

 private:
  friend struct Callbacks;
  struct Image;
  std::unique_ptr<Image> image_;
  Handle file_;
  Node root_;
};

// Checked bytes (user_block.h), opened for reading where they lie: they outlive the reader.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> file);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  const Node& root() const { return root_; }

 private:
  friend struct ReadCallbacks;
  std::span<const std::uint8_t> bytes_;  // its address makes the name of the file in memory unique
  Handle file_;
  Node root_;
};

}  // namespace emosweep::results::h5
