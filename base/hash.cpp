#include "base/hash.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace emosweep {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Digest::hex() const {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string Digest::brief() const { return hex().substr(0, 12); }

Digest Digest::from_hex(std::string_view text) {
  Digest out;
  bool good = text.size() == 2 * out.bytes.size();
  for (std::size_t i = 0; good && i < out.bytes.size(); ++i) {
    const int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
    good = high >= 0 && low >= 0;
    out.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  if (!good) {
    throw InputError("'" + std::string(text.substr(0, 80)) + "' is no digest: 64 hex digits are");
  }
  return out;
}

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  bool finished = false;
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  EMO_CHECK(state_->context && EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1,
            "libcrypto gives no SHA-256");
}

Sha256::~Sha256() = default;

Sha256& Sha256::add(std::span<const std::uint8_t> bytes) {
  EMO_CHECK(!state_->finished, "a finished digest takes no more bytes");
  EMO_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1,
            "libcrypto refuses bytes");
  return *this;
}

Sha256& Sha256::add(std::string_view text) {
  return add(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Sha256& Sha256::add_sized(std::string_view text) {
  std::array<std::uint8_t, 8> size{};  // little endian on every machine
  for (std::size_t i = 0; i < size.size(); ++i) {
    size[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(text.size()) >> (8 * i));
  }
  return add(size).add(text);
}

Digest Sha256::finish() {
  EMO_CHECK(!state_->finished, "a digest is finished once");
  state_->finished = true;
  Digest out;
  unsigned size = 0;
  EMO_CHECK(
      EVP_DigestFinal_ex(state_->context, out.bytes.data(), &size) == 1 && size == out.bytes.size(),
      "libcrypto gives no digest");
  return out;
}

Digest sha256(std::string_view text) { return Sha256().add(text).finish(); }

Digest sha256(std::span<const std::uint8_t> bytes) { return Sha256().add(bytes).finish(); }

Digest sha256_file(const std::filesystem::path& path) {
  const auto failed = [&path](int error) {
    return InputError("cannot read " + path.string() + ": " + std::strerror(error));
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw failed(errno);
  Sha256 hash;
  std::vector<std::uint8_t> buffer(1u << 18);
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      ::close(fd);
      throw failed(error);
    }
    if (got == 0) break;
    hash.add(std::span(buffer.data(), static_cast<std::size_t>(got)));
  }
  ::close(fd);
  return hash.finish();
}

}  // namespace emosweep
