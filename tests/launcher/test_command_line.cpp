#include <gtest/gtest.h>

#include "launcher/command_line.h"

namespace emosweep::launcher {
namespace {

std::string error(const Arguments& arguments) {
  CommandLine line;
  line.name = "plan";
  line.usage = "plan FILE";
  add_plan_options(line);
  try {
    if (const auto values = parse(line, arguments)) plan_options(*values);
  } catch (const InputError& problem) {
    return problem.what();
  }
  return "";
}

TEST(CommandLine, Seeds) {
  EXPECT_EQ(parse_seeds("1,2,3"), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(parse_seeds("1-5"), (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(parse_seeds("7,10-11"), (std::vector<std::uint64_t>{7, 10, 11}));
  for (const char* wrong : {"", "1,", "1,1", "a", "-1", "5-1", "1.5", "1 2", "1-99999999"}) {
    EXPECT_THROW(parse_seeds(wrong), InputError) << wrong;
  }
}

TEST(CommandLine, OptionsOfAPlan) {
  CommandLine line;
  add_plan_options(line);
  const auto values = parse(line, {"f.yaml", "-e", "a b", "--experiment", "c", "--set", "lr=-1",
                                   "--set", "epochs=2", "--seeds", "4,5", "--rehash", "-q"});
  ASSERT_TRUE(values);
  const PlanOptions options = plan_options(*values);
  EXPECT_EQ(options.file, "f.yaml");
  EXPECT_EQ(options.experiments, (std::vector<std::string>{"a b", "c"}));
  EXPECT_EQ(options.set, (std::vector<std::string>{"lr=-1", "epochs=2"}));
  EXPECT_EQ(options.seeds, (std::vector<std::uint64_t>{4, 5}));
  EXPECT_TRUE(options.rehash);
  EXPECT_FALSE(options.all);
  EXPECT_EQ(log_level(*values), log::Level::warning);
}

TEST(CommandLine, MistakesNameTheNearest) {
  EXPECT_EQ(error({"f.yaml", "--sed", "1"}),
            "emosweep plan: unknown option '--sed': did you mean '--set'? (emosweep plan --help "
            "lists them)");
  EXPECT_EQ(error({"f.yaml", "--experimnt=a"}),
            "emosweep plan: unknown option '--experimnt': did you mean '--experiment'? (emosweep "
            "plan --help "
            "lists them)");
  EXPECT_EQ(error({"f.yaml", "g.yaml"}),
            "emosweep plan: too many arguments; usage: emosweep plan FILE");
  EXPECT_NE(error({}).find("which experiment file?"), std::string::npos);
  EXPECT_NE(error({"f.yaml", "--all", "-e", "a"}).find("exclude each other"), std::string::npos);
  EXPECT_NE(error({"f.yaml", "--seeds"}).find("emosweep plan: "), std::string::npos);
  EXPECT_NE(error({"f.yaml", "--exp", "a"}).find("unknown option"), std::string::npos)
      << "abbreviations are not guessed";
}

}  // namespace
}  // namespace emosweep::launcher
