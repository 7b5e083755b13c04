#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "../base/mutated.h"
#include "base/error.h"
#include "models/weights.h"
#include "support.h"

namespace emosweep::models::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes file_of(const std::string& header, const Bytes& data = {}) {
  Bytes bytes(8);
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(header.size()) >> (8 * i));
  }
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

std::string refusal(const Bytes& bytes) {
  try {
    parse_safetensors(bytes, "w.safetensors");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

NamedTensors some_tensors() {
  NamedTensors tensors;
  tensors.tensors = {{"b", at::tensor({1.5f, -2.0f, 0.25f}, at::kFloat)},
                     {"a", at::tensor({3.0, -4.5}, at::kDouble).view({2, 1})},
                     {"step", at::tensor(std::vector<std::int64_t>{7}, at::kLong).squeeze()},
                     {"empty", at::zeros({0, 4}, at::kFloat)}};
  tensors.metadata = {{"format", "pt"}, {"note", "quote \" and \n"}};
  return tensors;
}

TEST(Safetensors, BytesAreThoseOfTheFormat) {
  NamedTensors tensors;
  tensors.tensors = {{"w", at::tensor({1.0f, -2.0f}, at::kFloat).view({1, 2})},
                     {"d", at::tensor({0.5}, at::kDouble)}};
  const std::string header =
      R"({"d":{"data_offsets":[0,8],"dtype":"F64","shape":[1]},"w":{"data_offsets":[8,16],"dtype":"F32","shape":[1,2]}})";
  std::string padded = header;
  while (padded.size() % 8 != 0) padded += ' ';
  // IEEE 754, little-endian: 0.5 (double), 1 and -2 (float).
  const Bytes data = {0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0};
  EXPECT_EQ(write_safetensors(tensors), file_of(padded, data));
}

TEST(Safetensors, ReadsBackWhatWasWritten) {
  const NamedTensors tensors = some_tensors();
  const Bytes bytes = write_safetensors(tensors);
  const auto path = std::filesystem::temp_directory_path() /
                    ("emosweep_weights_" + std::to_string(::getpid()) + ".safetensors");
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  const NamedTensors back = read_safetensors(path);
  std::filesystem::remove(path);
  EXPECT_EQ(back.metadata, tensors.metadata);
  ASSERT_EQ(back.tensors.size(), tensors.tensors.size());
  for (const auto& [name, tensor] : tensors.tensors) {
    const auto found = std::find_if(back.tensors.begin(), back.tensors.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    ASSERT_NE(found, back.tensors.end()) << name;
    EXPECT_EQ(found->second.scalar_type(), tensor.scalar_type());
    EXPECT_TRUE(at::equal(found->second, tensor)) << name;
  }
  EXPECT_THROW(read_safetensors(path), InputError);  // gone
}

TEST(Safetensors, ReadsAFileOfAnotherWriter) {
  // Other key order, white space, tensors not sorted, data not aligned, no metadata.
  const NamedTensors read =
      parse_safetensors(file_of(R"({ "z": {"dtype":"F32", "shape":[], "data_offsets":[0,4]},
 "a": {"shape":[1],"data_offsets":[4,12],"dtype":"I64"} }   )",
                                {0, 0, 0x80, 0x3f, 9, 0, 0, 0, 0, 0, 0, 0}),
                        "other");
  ASSERT_EQ(read.tensors.size(), 2u);
  EXPECT_EQ(read.tensors[0].first, "a");
  EXPECT_EQ(read.tensors[0].second.item<std::int64_t>(), 9);
  EXPECT_EQ(read.tensors[1].second.item<float>(), 1.0f);
  EXPECT_EQ(read.tensors[1].second.dim(), 0);
  EXPECT_TRUE(parse_safetensors(file_of("{}"), "empty").tensors.empty());
}

TEST(Safetensors, NamesWhatIsWrong) {
  const auto tensor = [](const std::string& name, const std::string& rest) {
    return "\"" + name + "\":{" + rest + "}";
  };
  const Bytes four(4), eight(8);
  const std::string a = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  struct Bad {
    Bytes bytes;
    std::string says;
  };
  const std::vector<Bad> cases = {
      {{}, "0 bytes"},
      {Bytes(7), "7 bytes"},
      {Bytes(8, 0xff), "damaged"},
      {Bytes(8), "'{'"},
      {file_of("[]"), "'{'"},
      {file_of("{"), "no JSON"},
      {file_of("{} x"), "no JSON"},
      {file_of("{" + tensor("a", a) + "," + tensor("a", a) + "}", four), "a stands twice"},
      {file_of(R"({"__metadata__":{"k":"1","k":"2"}})"), "k twice"},
      {file_of(R"({"__metadata__":{"k":1}})"), "does not belong"},
      {file_of(R"({"__metadata__":{},"__metadata__":{}})"), "twice"},
      {file_of(R"({"a":1})"), "does not belong"},
      {file_of("{" + tensor("a", a + R"(,"x":1)") + "}", four), "unknown key x"},
      {file_of("{" + tensor("a", a + R"(,"shape":[1])") + "}", four), "shape twice"},
      {file_of("{" + tensor("a", R"("dtype":"F32","shape":[1])") + "}", four), "not all of"},
      {file_of("{" + tensor("a", R"("dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4])") + "}",
               four),
       "dtype F8_E4M3"},
      {file_of("{" + tensor("a", R"("dtype":"F32","shape":[2],"data_offsets":[0,4])") + "}", four),
       "needs 8 bytes"},
      {file_of("{" + tensor("a", R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])") + "}", four),
       "-1"},
      {file_of("{" + tensor("a", R"("dtype":"F32","shape":[1.0],"data_offsets":[0,4])") + "}",
               four),
       "1.0"},
      {file_of("{" + tensor("a", R"("dtype":"F32","shape":[1],"data_offsets":[4,0])") + "}", four),
       "takes bytes 4 to 0"},
      {file_of("{" + tensor("a", R"("dtype":"F32","shape":[1],"data_offsets":[0,4,8])") + "}",
               four),
       "does not belong"},
      {file_of("{" + tensor("a", R"("dtype":"F32","shape":[1],"data_offsets":[0])") + "}", four),
       "not two numbers"},
      {file_of("{" + tensor("a", R"("dtype":"F32","shape":[[1]],"data_offsets":[0,4])") + "}",
               four),
       "does not belong"},
      // 2^62 * 2^62 elements, and 2^61 * 8 bytes = 2^64 = 0.
      {file_of(
           "{" +
           tensor(
               "a",
               R"("dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,0])") +
           "}"),
       "impossible shape"},
      {file_of("{" +
               tensor("a", R"("dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0])") +
               "}"),
       "impossible shape"},
      {file_of(
           "{" +
               tensor("a", R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4])") +
               "}",
           four),
       "dimension"},
      {file_of("{" + tensor("a", a) + "}"), "truncated"},
      {file_of("{" + tensor("a", a) + "}", eight), "longer"},
      {file_of("{" + tensor("a", a) + "," + tensor("b", a) + "}", eight), "overlap"},
      {file_of("{" + tensor("a", R"("dtype":"F32","shape":[1],"data_offsets":[4,8])") + "}", eight),
       "a hole"},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string text = refusal(cases[i].bytes);
    EXPECT_NE(text.find(cases[i].says), std::string::npos)
        << "case " << i << " expects '" << cases[i].says << "', says '" << text << "'";
    EXPECT_NE(text.find("w.safetensors"), std::string::npos) << "case " << i;
  }
}

TEST(Safetensors, DeepNestingAndManyTensorsAreRefused) {
  std::string deep = "{\"a\":";
  deep += std::string(1 << 20, '[');
  EXPECT_NE(refusal(file_of(deep)), "");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_NE(refusal(file_of(objects)), "");
  const Bytes bytes = write_safetensors(some_tensors());
  EXPECT_THROW(parse_safetensors(bytes, "f", {.tensors = 2}), InputError);
  EXPECT_THROW(parse_safetensors(bytes, "f", {.header = 16}), InputError);
}

// Reads, or refuses with an InputError that names the file. Anything else ends the test.
bool survives(const Bytes& bytes, std::int64_t& accepted) {
  try {
    parse_safetensors(bytes, "fuzz.safetensors");
    ++accepted;
    return true;
  } catch (const InputError& error) {
    return std::string(error.what()).find("fuzz.safetensors") != std::string::npos;
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
    return false;
  }
}

TEST(Safetensors, TruncationsAndFlippedBitsAreReadOrRefused) {
  const Bytes good = write_safetensors(some_tensors());
  std::int64_t accepted = 0;
  for (std::size_t n = 0; n < good.size(); ++n) {
    EXPECT_TRUE(
        survives(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)), accepted));
  }
  EXPECT_EQ(accepted, 0) << "a truncated file was read";
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[i] = static_cast<std::uint8_t>(bad[i] ^ (1 << bit));
      EXPECT_TRUE(survives(bad, accepted)) << "byte " << i << " bit " << bit;
    }
  }
  const StreamKey key = trial_key(1, "fuzz");
  for (std::uint64_t round = 0; round < 4000; ++round) {
    Bytes bad = good;
    const std::uint64_t edits = 1 + uniform_index(key, round, 0, 6);
    for (std::uint64_t e = 0; e < edits; ++e) {
      const std::uint64_t at = uniform_index(key, round, 3 * e + 1, bad.size());
      const auto value = static_cast<std::uint8_t>(uniform_index(key, round, 3 * e + 2, 256));
      switch (uniform_index(key, round, 3 * e + 3, 3)) {
        case 0:
          bad[at] = value;
          break;
        case 1:
          bad.insert(bad.begin() + static_cast<std::ptrdiff_t>(at), value);
          break;
        default:
          bad.erase(bad.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
    EXPECT_TRUE(survives(bad, accepted)) << "round " << round;
  }
}

TEST(Weights, GoOutOfOneTrialAndIntoAnother) {
  const ModelOptions o = options_of(Fusion::cross_attention, 3, at::kFloat);
  const auto from = make_model(o, keys_of(3));
  const auto to = make_model(o, keys_of(2, 50));
  const at::Tensor other = to->flat()[0].clone();
  const NamedTensors weights = parse_safetensors(write_safetensors(weights_of(*from, 2)), "f");
  load_weights(*to, 1, weights, "f");
  EXPECT_TRUE(at::equal(to->flat()[1], from->flat()[2]));
  EXPECT_TRUE(at::equal(to->flat()[0], other)) << "the other trial is untouched";
  weights_of(*from, 0).tensors[0].second.fill_(0);  // a copy
  EXPECT_GT(from->flat()[0].abs().sum().item<double>(), 0);
}

TEST(Weights, AllThatDoesNotFitIsListedAndNothingIsLoaded) {
  const ModelOptions o = options_of(Fusion::gated, 2, at::kFloat);
  const auto model = make_model(o, keys_of(1));
  NamedTensors weights = weights_of(*model, 0);
  for (auto& [name, tensor] : weights.tensors) tensor.add_(1);
  weights.tensors[0].first = "stranger";
  weights.tensors[1].second = at::zeros({9}, at::kFloat);
  weights.tensors[2].second = weights.tensors[2].second.to(at::kDouble);
  const std::string second = weights.tensors[1].first, third = weights.tensors[2].first;
  const at::Tensor before = model->flat().clone();
  try {
    load_weights(*model, 0, weights, "best.safetensors");
    FAIL() << "was accepted";
  } catch (const InputError& error) {
    const std::string text = error.what();
    for (const std::string& part : {std::string("stranger is not in"), std::string("is missing"),
                                    second + " is Float [9]", third + " is Double"}) {
      EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
    }
  }
  EXPECT_TRUE(at::equal(model->flat(), before));
}

// An InputError or tensors, never more.
TEST(Safetensors, DamagedFilesAreToldOrRead) {
  NamedTensors good;
  good.tensors = {{"a", at::arange(6, at::kFloat).view({2, 3})},
                  {"b.weight", at::ones({3}, at::kDouble)},
                  {"c", at::zeros({}, at::kLong)}};
  good.metadata["format"] = "pt";
  const std::vector<std::uint8_t> bytes = write_safetensors(good);
  const std::string text(bytes.begin(), bytes.end());
  std::int64_t read = 0;
  for (std::int64_t i = 0; i < emosweep::test::fuzz_runs(); ++i) {
    const std::string broken = emosweep::test::mutated(text, static_cast<std::uint64_t>(i));
    try {
      const NamedTensors tensors = parse_safetensors(
          {reinterpret_cast<const std::uint8_t*>(broken.data()), broken.size()}, "broken");
      for (const auto& [name, tensor] : tensors.tensors) {
        volatile double sum = tensor.to(at::kDouble).sum().item<double>();  // every byte is read
        (void)sum;
      }
      ++read;
    } catch (const InputError&) {
    }
  }
  EXPECT_GT(read, 0) << "some damage is harmless";
}

}  // namespace
}  // namespace emosweep::models::test
