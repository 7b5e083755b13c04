// What a checkpoint holds, by name. Saving and loading are one function of every part, so that they
// cannot differ:  void archive(Archive& a) { a.tensor("optimizer.first", first_); ... }
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "models/model.h"
#include "models/weights.h"

namespace emosweep::trainer {

// A checkpoint whose contents do not fit what is trained. Another one, or none, is used instead.
class CheckpointError : public Error {
 public:
  using Error::Error;
};

// While it saves, it notes values; while it loads, it puts the noted ones into the same places, bit
// for bit. Loading throws CheckpointError where a name is missing or its dtype, shape or length
// differs. Names are used once.
class Archive {
 public:
  Archive() = default;                                 // saves
  explicit Archive(const models::NamedTensors& from);  // loads
  bool loading() const { return loading_; }

  // A tensor of one shape and dtype, float32, float64 or int64, on any device. Saving keeps a
  // handle, no copy: write the file before training goes on. Loading copies into the tensor's own
  // memory.
  void tensor(const std::string& name, at::Tensor value);
  void leaves(const std::string& prefix, std::vector<models::Leaf>& leaves);

  void number(const std::string& name, double& value);
  void number(const std::string& name, std::int64_t& value);
  void values(const std::string& name, std::vector<double>& values);  // the length is given
  void values(const std::string& name, std::vector<std::int64_t>& values);
  void list(const std::string& name, std::vector<double>& values);  // any length
  void texts(const std::string& name, std::vector<std::string>& texts);

  // What was noted, or what is loaded from.
  const models::NamedTensors& contents() const { return contents_; }

 private:
  at::Tensor find(const std::string& name, at::ScalarType type) const;
  template <typename T>
  void vector(const std::string& name, std::vector<T>& values, bool any_length);

  bool loading_ = false;
  models::NamedTensors contents_;
};

}  // namespace emosweep::trainer
