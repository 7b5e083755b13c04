// The c10d store behind a RunStore. Inside distributed/ and its tests only: c10d's headers are
// heavy.
#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "distributed/run_store.h"

namespace emosweep::distributed {

struct RunStore::Backend {
  c10::intrusive_ptr<c10d::Store> store;
};

}  // namespace emosweep::distributed
