// Linked into every test binary: tests name files relative to the checkout (EMOSWEEP_SOURCE_DIR is
// "."), so that their objects are the same in every checkout and the compiler cache serves a fresh
// clone. Only this file knows the real path.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

[[gnu::constructor]] void enter_source_folder() {
  if (chdir(EMOSWEEP_REAL_SOURCE_DIR) != 0) {
    std::perror("chdir " EMOSWEEP_REAL_SOURCE_DIR);
    std::_Exit(1);
  }
}

}  // namespace
