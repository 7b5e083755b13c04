#include "results/h5.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "results/h5_library.h"
#include "results/record.h"
#include "results/user_block.h"

namespace emosweep::results {

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

}  // namespace emosweep::results

namespace emosweep::results::h5 {
namespace {

herr_t first_message(unsigned, const H5E_error2_t* error, void* text) {
  *static_cast<std::string*>(text) = std::string(error->func_name ? error->func_name : "?") + ": " +
                                     (error->desc ? error->desc : "");
  return 1;  // the innermost is the cause; stop here
}

// The error stack belongs to the thread, so this is done by whoever opens a file.
void quiet() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

Handle memory_access(std::size_t increment) {
  Handle access = properties(H5P_FILE_ACCESS);
  checked(H5Pset_libver_bounds(access.get(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST),
          "set the format");
  checked(H5Pset_fapl_core(access.get(), increment, false), "choose memory");
  return access;
}

// The library takes two open files of one name for the same file.
std::string name_of(const void* address) {
  return "emosweep-memory-" + std::to_string(reinterpret_cast<std::uintptr_t>(address));
}

Node root_of(hid_t file, std::size_t cap) {
  return Node(Handle(checked(H5Gopen2(file, "/", H5P_DEFAULT), "open the root"), H5Gclose), cap);
}

constexpr std::size_t kEndOfFile = 28;  // of the end-of-file address in a superblock of version 3

struct Free {
  void operator()(std::uint8_t* bytes) const { std::free(bytes); }
};

}  // namespace

// The memory of a file that is being written: given out, grown and taken back through the library's
// callbacks. Fresh bytes are zero, so that the same content gives the same file.
struct Writer::Image {
  std::unique_ptr<std::uint8_t, Free> bytes;
  std::size_t size = 0;
  bool closed = false;

  void* resize(std::size_t wanted) {
    void* grown = std::realloc(bytes.get(), std::max<std::size_t>(1, wanted));
    if (!grown) return nullptr;
    static_cast<void>(bytes.release());
    bytes.reset(static_cast<std::uint8_t*>(grown));
    if (wanted > size) std::memset(bytes.get() + size, 0, wanted - size);
    size = wanted;
    return grown;
  }
};

// They are C functions of the library's types, so they stay out of the header.
struct Callbacks {
  static Writer::Image& of(void* image) { return *static_cast<Writer::Image*>(image); }
  static void* allocate(std::size_t size, H5FD_file_image_op_t, void* image) {
    return of(image).resize(size);
  }
  static void* copy(void* to, const void* from, std::size_t size, H5FD_file_image_op_t, void*) {
    return std::memcpy(to, from, size);
  }
  static void* resize(void*, std::size_t size, H5FD_file_image_op_t, void* image) {
    return of(image).resize(size);
  }
  static herr_t release(void*, H5FD_file_image_op_t operation, void* image) {
    of(image).closed = operation == H5FD_FILE_IMAGE_OP_FILE_CLOSE;
    return 0;
  }
  static void* share(void* image) { return image; }
  static herr_t leave(void*) { return 0; }
};

void fail(const std::string& what) {
  std::string message;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_message, &message);
  H5Eclear2(H5E_DEFAULT);
  throw RunError("HDF5 cannot " + what + (message.empty() ? "" : " (" + message + ")"));
}

Handle properties(hid_t kind) { return {checked(H5Pcreate(kind), "make properties"), H5Pclose}; }

Handle space_of(const Shape& shape, const hsize_t* most) {
  const std::vector<hsize_t> dims(shape.begin(), shape.end());
  return {
      checked(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), most), "make a shape"),
      H5Sclose};
}

Handle& Handle::operator=(Handle&& other) noexcept {
  if (this != &other) {
    reset();
    id_ = other.id_;
    close_ = other.close_;
    other.id_ = -1;
  }
  return *this;
}

void Handle::reset() {
  if (id_ >= 0 && close_) close_(id_);
  id_ = -1;
}

Writer::Writer() : image_(std::make_unique<Image>()) {
  quiet();
  const Handle access = memory_access(256u << 10);
  H5FD_file_image_callbacks_t callbacks{Callbacks::allocate, Callbacks::copy,  Callbacks::resize,
                                        Callbacks::release,  Callbacks::share, Callbacks::leave,
                                        image_.get()};
  checked(H5Pset_file_image_callbacks(access.get(), &callbacks), "own the memory of a file");
  checked(H5Pset_fclose_degree(access.get(), H5F_CLOSE_SEMI), "set how a file closes");
  const Handle creation = properties(H5P_FILE_CREATE);
  checked(H5Pset_userblock(creation.get(), kUserBlock), "reserve the user block");
  checked(H5Pset_obj_track_times(creation.get(), false), "turn times off");
  file_ = Handle(
      checked(H5Fcreate(name_of(image_.get()).c_str(), H5F_ACC_TRUNC, creation.get(), access.get()),
              "create a file in memory"),
      H5Fclose);
  root_ = root_of(file_.get(), 0);
}

Writer::~Writer() {
  root_ = Node();
  file_ = Handle();
}

std::vector<std::uint8_t> Writer::finish(std::string_view first_line) {
  root_ = Node();
  // Only a closed file is complete: H5Fget_file_image clears a flag of the superblock, but not in
  // its checksum.
  checked(H5Fclose(file_.release()), "finish a file");
  EMO_CHECK(image_->closed, "a part of the file is still open");
  // The superblock is written last; its end-of-file address counts the user block.
  std::uint64_t size = 0;
  for (std::size_t i = 8; i-- > 0;) {
    size = size << 8 | image_->bytes.get()[kUserBlock + kEndOfFile + i];
  }
  EMO_CHECK(size > kUserBlock + kEndOfFile && size <= image_->size, "the file has no end");
  std::vector<std::uint8_t> bytes(image_->bytes.get(), image_->bytes.get() + size);
  image_->bytes.reset();
  seal(bytes, first_line);
  return bytes;
}

// The library would copy a file's bytes three times; a file that is only read may lie where it is.
struct ReadCallbacks {
  static void* bytes_of(void* reader) {  // the C interface takes no const; nothing is written
    return const_cast<std::uint8_t*>(static_cast<Reader*>(reader)->bytes_.data());
  }
  static void* allocate(std::size_t size, H5FD_file_image_op_t, void* reader) {
    return size == static_cast<Reader*>(reader)->bytes_.size() ? bytes_of(reader) : nullptr;
  }
  static void* copy(void* to, const void* from, std::size_t, H5FD_file_image_op_t, void*) {
    return to == from ? to : nullptr;
  }
  static void* resize(void*, std::size_t, H5FD_file_image_op_t, void*) { return nullptr; }
  static herr_t release(void*, H5FD_file_image_op_t, void*) { return 0; }
  static void* share(void* reader) { return reader; }
  static herr_t leave(void*) { return 0; }
};

Reader::Reader(std::span<const std::uint8_t> file) : bytes_(file) {
  quiet();
  const Handle access = memory_access(64u << 10);
  H5FD_file_image_callbacks_t callbacks{ReadCallbacks::allocate,
                                        ReadCallbacks::copy,
                                        ReadCallbacks::resize,
                                        ReadCallbacks::release,
                                        ReadCallbacks::share,
                                        ReadCallbacks::leave,
                                        this};
  checked(H5Pset_file_image_callbacks(access.get(), &callbacks), "lend the bytes of a file");
  checked(H5Pset_file_image(access.get(), ReadCallbacks::bytes_of(this), file.size()),
          "take the bytes of a file");
  file_ = Handle(
      checked(H5Fopen(name_of(&bytes_).c_str(), H5F_ACC_RDONLY, access.get()), "open the file"),
      H5Fclose);
  root_ = root_of(file_.get(), file.size());
}

}  // namespace emosweep::results::h5
