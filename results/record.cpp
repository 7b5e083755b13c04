#include "results/record.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/files.h"
#include "results/h5.h"
#include "results/user_block.h"

namespace emosweep::results {
namespace {

constexpr std::string_view kFirstLine = "emosweep-record 1\n";

struct Named {
  std::vector<std::string> names;
  std::vector<double> values;
};

Named split(const NamedValues& pairs) {
  Named named;
  for (const auto& [name, value] : pairs) {
    named.names.push_back(name);
    named.values.push_back(value);
  }
  return named;
}

void write_named(const h5::Node& parent, const std::string& name, const NamedValues& pairs) {
  const Named named = split(pairs);
  parent.write(name, named.values).set("names", named.names);
}

NamedValues read_named(const h5::Node& parent, const std::string& name) {
  const h5::Node node = parent.open(name);
  const auto names = node.text_list("names");
  const auto values = node.values<double>();
  if (names.size() != values.size()) throw RunError("'" + name + "' has other names than values");
  NamedValues pairs;
  for (std::size_t i = 0; i < names.size(); ++i) pairs.emplace_back(names[i], values[i]);
  return pairs;
}

// One row a curve, the short ones padded with NaN.
void write_curves(const h5::Node& parent, const std::vector<Curve>& curves) {
  std::size_t epochs = 0;
  for (const auto& curve : curves) epochs = std::max(epochs, curve.values.size());
  std::vector<std::string> names;
  std::vector<std::int64_t> lengths;
  std::vector<double> values(curves.size() * epochs, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; i < curves.size(); ++i) {
    names.push_back(curves[i].name);
    lengths.push_back(static_cast<std::int64_t>(curves[i].values.size()));
    std::copy(curves[i].values.begin(), curves[i].values.end(),
              values.begin() + static_cast<long>(i * epochs));
  }
  const h5::Node node = parent.write("curves", values, {curves.size(), epochs});
  node.set("names", names);
  node.set("lengths", lengths);
}

std::vector<Curve> read_curves(const h5::Node& parent) {
  const h5::Node node = parent.open("curves");
  const auto names = node.text_list("names");
  const auto lengths = node.integer_list("lengths");
  const auto shape = node.shape();
  const auto values = node.values<double>();
  if (shape.size() != 2 || shape[0] != names.size() || shape[0] != lengths.size()) {
    throw RunError("'curves' has other names than rows");
  }
  std::vector<Curve> curves;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (lengths[i] < 0 || static_cast<std::uint64_t>(lengths[i]) > shape[1]) {
      throw RunError("curve '" + names[i] + "' is longer than its row");
    }
    const auto first = values.begin() + static_cast<long>(i * shape[1]);
    curves.push_back({names[i], {first, first + lengths[i]}});
  }
  return curves;
}

// Sizes of what a target's kind asks for; what it has not is empty.
void check_sizes(const TargetResult& target) {
  const TargetSpec& spec = target.spec;
  const bool values = spec.kind == TargetKind::regression, multi = spec.kind == TargetKind::multi;
  const auto o = static_cast<std::size_t>(target_outputs(spec)),
             w = static_cast<std::size_t>(target_width(spec)),
             g = static_cast<std::size_t>(target_blocks(spec)),
             c = static_cast<std::size_t>(block_classes(spec));
  const std::size_t n = target.sample.size(), labels = values ? 0 : n * o,
                    real = values ? n * o : 0;
  if (target.truth.size() != labels || target.predicted.size() != labels ||
      target.true_value.size() != real || target.predicted_value.size() != real ||
      (!target.probability.empty() && (values || target.probability.size() != n * w))) {
    throw RunError("the predictions of target '" + spec.name + "' have unequal lengths");
  }
  const std::size_t v = target.validation.sample.size();
  if (target.validation.truth.size() != v * o || target.validation.probability.size() != v * w ||
      (values && v > 0)) {
    throw RunError("the validation predictions of target '" + spec.name + "' have unequal lengths");
  }
  if (!target.train_mean.empty() && target.train_mean.size() != (values ? o : 0)) {
    throw RunError("target '" + spec.name + "' has other training means than one a value");
  }
  if (target.thresholds.size() != (multi ? o : 0)) {
    throw RunError("target '" + spec.name + "' has other thresholds than one a label");
  }
  if (target.confusion.size() != g * c * c || target.train_counts.size() != g * c) {
    throw RunError("the counts of target '" + spec.name + "' do not fit its " +
                   (spec.kind == TargetKind::single ? "" : std::to_string(g) + " x ") +
                   std::to_string(c) + " classes");
  }
}

// [n] of a single label, else [n, per row].
h5::Shape rows_of(const TargetSpec& spec, std::uint64_t n) {
  if (spec.kind == TargetKind::single) return {};
  return {n, static_cast<std::uint64_t>(target_outputs(spec))};
}

void write_target(const h5::Node& parent, const std::string& name, const TargetResult& target) {
  check_sizes(target);
  const TargetSpec& spec = target.spec;
  const auto g = static_cast<std::uint64_t>(target_blocks(spec)),
             c = static_cast<std::uint64_t>(block_classes(spec)),
             w = static_cast<std::uint64_t>(target_width(spec));
  const std::uint64_t n = target.sample.size();
  const h5::Node node = parent.make_group(name);
  node.set("name", spec.name);
  node.set("kind", std::string(target_kind_name(spec.kind)));
  node.set("outputs", spec.outputs);
  node.set("classes", spec.classes);
  node.write("sample", target.sample);
  if (spec.kind == TargetKind::regression) {
    node.write("true_value", target.true_value, rows_of(spec, n));
    node.write("predicted_value", target.predicted_value, rows_of(spec, n));
    if (!target.train_mean.empty()) node.write("train_mean", target.train_mean);
    return;
  }
  node.write("truth", target.truth, rows_of(spec, n));
  node.write("predicted", target.predicted, rows_of(spec, n));
  if (!target.probability.empty()) node.write("probability", target.probability, {n, w});
  if (const auto& validation = target.validation; !validation.sample.empty()) {
    const std::uint64_t v = validation.sample.size();
    node.write("validation_sample", validation.sample);
    node.write("validation_truth", validation.truth, rows_of(spec, v));
    node.write("validation_probability", validation.probability, {v, w});
  }
  if (spec.kind == TargetKind::single) {
    node.write("confusion", target.confusion, {c, c});
    node.write("train_counts", target.train_counts);
    return;
  }
  if (!target.thresholds.empty()) node.write("thresholds", target.thresholds);
  node.write("confusion", target.confusion, {g, c, c});
  node.write("train_counts", target.train_counts, {g, c});
}

// -1, unknown, stands where an aspect's truth is not known.
void check_labels(const TargetSpec& spec, const std::vector<std::int32_t>& labels, bool truth) {
  const std::int64_t classes = block_classes(spec);
  const std::int32_t least = truth && spec.kind == TargetKind::aspects ? -1 : 0;
  for (const auto k : labels) {
    if (k < least || k >= classes) throw RunError("a prediction names a class that is not there");
  }
}

TargetResult read_target(const h5::Node& node) {
  TargetResult target;
  target.spec = {node.text("name"), target_kind_of(node.text("kind")), node.text_list("outputs"),
                 node.text_list("classes")};
  target.sample = node.open("sample").values<std::int64_t>();
  if (target.spec.kind == TargetKind::regression) {
    target.true_value = node.open("true_value").values<double>();
    target.predicted_value = node.open("predicted_value").values<double>();
    if (node.has("train_mean")) target.train_mean = node.open("train_mean").values<double>();
    check_sizes(target);
    return target;
  }
  target.truth = node.open("truth").values<std::int32_t>();
  target.predicted = node.open("predicted").values<std::int32_t>();
  if (node.has("probability")) target.probability = node.open("probability").values<float>();
  if (node.has("validation_sample")) {
    target.validation = {node.open("validation_sample").values<std::int64_t>(),
                         node.open("validation_truth").values<std::int32_t>(),
                         node.open("validation_probability").values<float>()};
  }
  if (node.has("thresholds")) target.thresholds = node.open("thresholds").values<double>();
  target.confusion = node.open("confusion").values<std::int64_t>();
  target.train_counts = node.open("train_counts").values<std::int64_t>();
  check_sizes(target);
  check_labels(target.spec, target.truth, true);
  check_labels(target.spec, target.predicted, false);
  check_labels(target.spec, target.validation.truth, true);
  for (const auto n : target.confusion) {
    if (n < 0) throw RunError("a count of the confusion matrix is negative");
  }
  return target;
}

void write_result(const h5::Node& node, const TrialRecord& record) {
  const Outcome& result = record.result;
  node.set("id", record.id.hex());
  node.set("result_version", std::int64_t{kResultVersion});
  node.set("instructions", record.instructions);
  node.set("weights_sha256", record.weights_sha256);
  node.set("best_epoch", result.best_epoch);
  node.set("epochs", result.epochs);
  node.set("train_rows", result.train_rows);
  node.set("validation_rows", result.validation_rows);
  node.set("test_rows", result.test_rows);
  node.set("warnings", result.warnings);
  node.write_texts("canonical", std::span(&record.canonical, 1));
  write_curves(node, result.curves);
  write_named(node, "validation", result.validation);
  write_named(node, "test", result.test);
  const h5::Node targets = node.make_group("targets");
  targets.set("count", static_cast<std::int64_t>(result.targets.size()));
  for (std::size_t i = 0; i < result.targets.size(); ++i) {
    write_target(targets, std::to_string(i), result.targets[i]);
  }
}

void read_result(const h5::Node& node, TrialRecord& record) {
  Outcome& result = record.result;
  if (node.integer("result_version") != kResultVersion) {
    throw RunError("its result has version " + std::to_string(node.integer("result_version")) +
                   ", this program reads version " + std::to_string(kResultVersion));
  }
  record.id = Digest::from_hex(node.text("id"));
  record.instructions = node.text("instructions");
  record.weights_sha256 = node.text("weights_sha256");
  result.best_epoch = node.integer("best_epoch");
  result.epochs = node.integer("epochs");
  result.train_rows = node.integer("train_rows");
  result.validation_rows = node.integer("validation_rows");
  result.test_rows = node.integer("test_rows");
  result.warnings = node.text_list("warnings");
  const auto canonical = node.open("canonical").texts();
  if (canonical.size() != 1) throw RunError("'canonical' does not hold one text");
  record.canonical = canonical[0];
  result.curves = read_curves(node);
  result.validation = read_named(node, "validation");
  result.test = read_named(node, "test");
  const h5::Node targets = node.open("targets");
  for (std::int64_t i = 0; i < targets.integer("count"); ++i) {
    result.targets.push_back(read_target(targets.open(std::to_string(i))));
  }
}

void write_provenance(const h5::Node& node, const Provenance& cost) {
  node.set("start_unix", cost.start_unix);
  node.set("wall_seconds", cost.wall_seconds);
  node.set("cpu_seconds", cost.cpu_seconds);
  node.set("steps", cost.steps);
  node.set("peak_memory_bytes", cost.peak_memory_bytes);
  node.set("restarts", cost.restarts);
  node.set("host", cost.host);
  node.set("device", cost.device);
  node.set("source_revision", cost.source_revision);
  node.set("libraries", cost.libraries);
  node.set("rank", std::int64_t{cost.rank});
  node.set("ranks", std::int64_t{cost.ranks});
  node.set("pack", std::int64_t{cost.pack});
}

Provenance read_provenance(const h5::Node& node) {
  Provenance cost;
  cost.start_unix = node.real("start_unix");
  cost.wall_seconds = node.real("wall_seconds");
  cost.cpu_seconds = node.real("cpu_seconds");
  cost.steps = node.integer("steps");
  cost.peak_memory_bytes = node.integer("peak_memory_bytes");
  cost.restarts = node.integer("restarts");
  cost.host = node.text("host");
  cost.device = node.text("device");
  cost.source_revision = node.text("source_revision");
  cost.libraries = node.text("libraries");
  cost.rank = static_cast<std::int32_t>(node.integer("rank"));
  cost.ranks = static_cast<std::int32_t>(node.integer("ranks"));
  cost.pack = node.has_attribute("pack") ? static_cast<std::int32_t>(node.integer("pack")) : 0;
  return cost;
}

}  // namespace

std::vector<std::uint8_t> encode_record(const TrialRecord& record) {
  h5::Writer file;
  file.root().set("format", std::string("emosweep-record"));
  file.root().set("version", std::int64_t{1});
  write_result(file.root().make_group("result"), record);
  write_provenance(file.root().make_group("provenance"), record.cost);
  return file.finish(kFirstLine);
}

TrialRecord decode_record(std::span<const std::uint8_t> bytes, const std::string& name) {
  const std::string problem = seal_problem(bytes, kFirstLine);
  if (!problem.empty()) throw InputError(name + " " + problem);
  try {
    const h5::Reader file(bytes);
    TrialRecord record;
    read_result(file.root().open("result"), record);
    record.cost = read_provenance(file.root().open("provenance"));
    return record;
  } catch (const Error& error) {
    throw InputError(name + " is no valid emosweep-record: " + error.what());
  }
}

TrialRecord read_record(const std::filesystem::path& file) {
  return decode_record(read_bytes(file), file.string());
}

}  // namespace emosweep::results
