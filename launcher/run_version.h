// What this program is. The .cpp is a file of its own: it is compiled anew after every change of
// the tree.
#pragma once

#include <string>

namespace emosweep::launcher {

const char* source_revision();  // of the source tree, as git describes it
std::string libraries_text();   // "torch 2.11.0; hdf5 1.10.8"
std::string version_text();     // what --version prints: version, revision, libraries, devices

}  // namespace emosweep::launcher
