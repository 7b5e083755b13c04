#pragma once

namespace emosweep::launcher {

// Of the source tree that this program was built from, as git describes it. A file of its own: it
// is compiled anew after every change of the tree.
const char* source_revision();

}  // namespace emosweep::launcher
