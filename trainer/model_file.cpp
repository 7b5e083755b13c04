#include "trainer/model_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace emosweep::trainer {
namespace {

using Json = nlohmann::json;

// 2: of a model that evaluates several windows, which readers of 1 would not know of.
constexpr int kVersion = 1, kWindowsVersion = 2;
const char* const kFusions[] = {"none", "concat", "gated", "cross_attention"};
const char* const kKernels[] = {"torch", "fused"};
const char* const kKinds[] = {"single", "multi", "aspects", "regression"};
const char* const kNormalise[] = {"train", "group", "none"};

template <std::size_t N>
int place_of(const char* const (&names)[N], const std::string& name, const char* field) {
  for (std::size_t i = 0; i < N; ++i) {
    if (name == names[i]) return static_cast<int>(i);
  }
  throw InputError(std::string(field) + " is " + name + ", which is unknown");
}

Json scaler_json(const data::Scaler& s) {
  return {{"modality", s.modality}, {"columns", s.columns}, {"mean", s.mean}, {"scale", s.scale}};
}

data::Scaler scaler_of(const Json& json) {
  data::Scaler s{json.at("modality"), json.at("columns"), json.at("mean"), json.at("scale")};
  if (s.mean.size() != s.columns.size() || s.scale.size() != s.columns.size()) {
    throw InputError("scaler of " + s.modality + ": columns, mean and scale differ in length");
  }
  for (std::size_t i = 0; i < s.mean.size(); ++i) {
    if (!std::isfinite(s.mean[i]) || !std::isfinite(s.scale[i])) {
      throw InputError("scaler of " + s.modality + ": a value is not finite");
    }
  }
  return s;
}

Json text_json(const ModelFile& m) {
  const models::TextEncoderOptions& e = m.model.text.encoder;
  return {{"family", e.family},
          {"vocabulary", e.vocabulary},
          {"positions", e.positions},
          {"types", e.types},
          {"hidden_size", e.hidden_size},
          {"layers", e.layers},
          {"heads", e.heads},
          {"intermediate_size", e.intermediate_size},
          {"epsilon", e.epsilon},
          {"activation", e.activation},
          {"pooling", m.model.text.pooling},
          {"max_length", m.prepare.max_length},
          {"tokenizer", m.tokenizer}};
}

// Sizes are bounded, so that what is made of them stays far from overflow; the weights' own shapes
// are compared with them.
void read_text(const Json& model, ModelFile& m) {
  const Json& o = model.at("text");
  const auto count = [&](const char* key, std::int64_t least, std::int64_t most) {
    const auto n = o.at(key).get<std::int64_t>();
    if (n < least || n > most) throw InputError(std::string(key) + " is out of range");
    return n;
  };
  models::TextEncoderOptions& e = m.model.text.encoder;
  e.family = o.at("family");
  if (e.family != "bert" && e.family != "distilbert")
    throw InputError("an encoder of family " + e.family);
  e.vocabulary = count("vocabulary", 1, 4'000'000);
  e.positions = count("positions", 2, 1 << 20);
  e.types = count("types", 0, 1000);
  e.hidden_size = count("hidden_size", 1, 1 << 16);
  e.layers = count("layers", 1, 1000);
  e.heads = count("heads", 1, 1000);
  e.intermediate_size = count("intermediate_size", 1, 1 << 18);
  e.epsilon = o.at("epsilon");
  e.activation = o.at("activation");
  m.model.text.pooling = o.at("pooling");
  m.prepare.max_length = count("max_length", 2, 1 << 20);
  m.tokenizer = o.at("tokenizer");
  if (m.model.inputs.size() != 1) throw InputError("a text encoder has one input");
  m.model.widths[0] = m.prepare.max_length;
}

void check_target(const ModelFile& m) {
  const bool classes = m.kind == TargetKind::single || m.kind == TargetKind::aspects;
  if (classes && m.classes.size() < 2) throw InputError("it has fewer than two classes");
  if (m.kind != TargetKind::single && m.outputs.empty()) throw InputError("it has no output");
  if (m.kind != TargetKind::multi) return;
  if (m.thresholds.size() != m.outputs.size())
    throw InputError("it has " + std::to_string(m.thresholds.size()) + " thresholds for " +
                     std::to_string(m.outputs.size()) + " labels");
  for (const double threshold : m.thresholds)
    if (!std::isfinite(threshold)) throw InputError("a threshold is not finite");
}

ModelFile model_of(const Json& json) {
  if (json.at("version") != kVersion && json.at("version") != kWindowsVersion)
    throw InputError("it is of another version");
  ModelFile m;
  m.id = json.at("id");
  m.canonical = json.at("canonical");
  m.dataset = json.at("dataset");
  m.target = json.at("target");
  m.classes = json.at("classes").get<std::vector<std::string>>();
  // Files of single labels do not name their kind.
  m.kind = static_cast<TargetKind>(place_of(kKinds, json.value("kind", "single"), "kind"));
  if (m.kind != TargetKind::single) m.outputs = json.at("outputs").get<std::vector<std::string>>();
  if (m.kind == TargetKind::multi) m.thresholds = json.at("thresholds").get<std::vector<double>>();
  check_target(m);
  m.temperature = json.at("temperature");
  if (!(m.temperature > 0)) throw InputError("temperature is not above 0");
  const Json& o = json.at("model");
  m.model.model = o.at("model");
  m.model.fusion = static_cast<models::Fusion>(place_of(kFusions, o.at("fusion"), "fusion"));
  m.model.hidden_size = o.at("hidden_size");
  m.model.tokens = o.at("tokens");
  m.model.heads = o.at("heads");
  const std::string dtype = o.at("dtype");
  m.model.dtype = dtype == "float64" ? at::kDouble : at::kFloat;
  // Files from before there were fused kernels do not name them.
  const std::string kernels = o.value("kernels", "torch");
  m.model.kernels = static_cast<models::Kernels>(place_of(kKernels, kernels, "kernels"));
  if (dtype != "float64" && dtype != "float32")
    throw InputError("dtype is neither float32 nor float64");
  m.model.classes = target_width(m.target_spec());
  m.prepare.normalise =
      static_cast<data::Normalise>(place_of(kNormalise, json.at("normalise"), "normalise"));
  m.prepare.group = json.at("group");
  for (const Json& s : json.at("scalers")) {
    m.scalers.push_back(scaler_of(s));
    m.model.inputs.push_back(m.scalers.back().modality);
    m.model.widths.push_back(static_cast<std::int64_t>(m.scalers.back().columns.size()));
  }
  m.prepare.modalities = m.model.inputs;
  const bool images = models::is_image_model(m.model.model);
  if (m.model.model != "linear" && m.model.model != "mlp" && !images &&
      !models::is_text_model(m.model.model)) {
    throw InputError("model is " + m.model.model + ", which is unknown");
  }
  if (images) {  // the scaler's columns are the bands, each as wide as the image
    const auto sizes = o.at("image").get<std::vector<std::int64_t>>();
    if (sizes.size() != 3 || m.model.widths.size() != 1 || sizes[1] != m.model.widths[0]) {
      throw InputError("image is no list of channels, height (the scaler's columns) and width");
    }
    m.model.image_channels = sizes[0];
    m.model.image_height = sizes[1];
    m.model.image_width = std::clamp<std::int64_t>(sizes[2], 0, std::int64_t{1} << 20);
    // Files from before there were several windows do not name them.
    m.prepare.windows = o.value("evaluation_windows", std::int64_t{1});
    if (m.prepare.windows < 1 || m.prepare.windows > 1000)
      throw InputError("evaluation_windows is out of range");
    m.model.widths[0] =
        std::clamp<std::int64_t>(sizes[0], 0, 1 << 8) * sizes[1] * m.model.image_width;
  }
  if (models::is_text_model(m.model.model)) read_text(o, m);
  if (m.model.inputs.empty()) throw InputError("it has no input");
  if (m.model.model != "linear") models::check_options(m.model);
  return m;
}

}  // namespace

std::vector<std::uint8_t> encode_model(const ModelFile& m) {
  Json scalers = Json::array();
  for (const data::Scaler& s : m.scalers) scalers.push_back(scaler_json(s));
  Json json = {{"version", m.prepare.windows > 1 ? kWindowsVersion : kVersion},
               {"id", m.id},
               {"canonical", m.canonical},
               {"dataset", m.dataset},
               {"target", m.target},
               {"classes", m.classes},
               {"temperature", m.temperature},
               {"normalise", kNormalise[static_cast<int>(m.prepare.normalise)]},
               {"group", m.prepare.group},
               {"scalers", scalers},
               {"model",
                {{"model", m.model.model},
                 {"fusion", kFusions[static_cast<int>(m.model.fusion)]},
                 {"hidden_size", m.model.hidden_size},
                 {"tokens", m.model.tokens},
                 {"heads", m.model.heads},
                 {"kernels", kKernels[static_cast<int>(m.model.kernels)]},
                 {"dtype", m.model.dtype == at::kDouble ? "float64" : "float32"}}}};
  if (m.kind != TargetKind::single) {
    json["kind"] = kKinds[static_cast<int>(m.kind)];
    json["outputs"] = m.outputs;
    if (m.kind == TargetKind::multi) json["thresholds"] = m.thresholds;
  }
  if (models::is_image_model(m.model.model)) {
    json["model"]["image"] = {m.model.image_channels, m.model.image_height, m.model.image_width};
    if (m.prepare.windows > 1) json["model"]["evaluation_windows"] = m.prepare.windows;
  }
  if (models::is_text_model(m.model.model)) json["model"]["text"] = text_json(m);
  models::NamedTensors weights = m.weights;
  weights.metadata["emosweep"] = json.dump();  // keys sorted, shortest round-trip numbers
  return models::write_safetensors(weights);
}

ModelFile read_model(const std::filesystem::path& file) {
  models::NamedTensors weights = models::read_safetensors(file);
  const auto text = weights.metadata.find("emosweep");
  if (text == weights.metadata.end()) {
    throw InputError(file.string() +
                     ": no model of emosweep: its metadata has no key \"emosweep\"");
  }
  try {
    ModelFile model = model_of(Json::parse(text->second));
    model.weights = std::move(weights);
    return model;
  } catch (const Json::exception& e) {
    throw InputError(file.string() + ": its metadata is damaged: " + e.what());
  } catch (const InputError& e) {
    throw InputError(file.string() + ": its metadata is damaged: " + e.what());
  }
}

}  // namespace emosweep::trainer
