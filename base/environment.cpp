#include "base/environment.h"

#include <cstdlib>

namespace emosweep {
namespace {

// Of the `${` at `at`: defaults may hold variables themselves.
std::size_t closing_brace(const std::string& text, std::size_t at) {
  int open = 0;
  for (; at < text.size(); ++at) {
    if (text.compare(at, 2, "${") == 0 && ++open > 8) break;  // nobody means that
    if (text[at] == '}' && --open == 0) return at;
  }
  return std::string::npos;
}

}  // namespace

std::string expand_environment(const std::string& text, const Place& place, Mistakes& mistakes) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text.compare(at, 2, "${") != 0) {
      out += text[at++];
      continue;
    }
    const std::size_t end = closing_brace(text, at);
    const std::string inner = text.substr(at + 2, end == std::string::npos ? end : end - at - 2);
    const std::size_t colon = inner.find(":-");
    const std::string name = inner.substr(0, colon);
    const bool good = !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
                      name.find_first_not_of(
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                          "0123456789_") == std::string::npos;
    if (end == std::string::npos || !good) {
      mistakes.add(place, "'" + text + "'" + ": write ${NAME} or ${NAME:-default}");
      return "";
    }
    const char* set = std::getenv(name.c_str());
    if (set != nullptr && *set != '\0') {
      out += set;
    } else if (colon != std::string::npos) {
      const std::string fallback = inner.substr(colon + 2);
      if (!fallback.empty()) out += expand_environment(fallback, place, mistakes);
    } else {
      mistakes.add(place, "the environment variable " + name + " is not set; set it or write ${" +
                              name + ":-default}");
      return "";
    }
    at = end + 1;
  }
  if (out.empty()) mistakes.add(place, "'" + text + "'" + " expands to nothing");
  return out;
}

}  // namespace emosweep
