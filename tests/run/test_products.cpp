#include <gtest/gtest.h>

#include "launcher/run_products.h"

namespace emosweep::launcher {
namespace {

const RankProducts kMade{"node1", "skx", ""}, kOlder{"node2", "hsw", ""},
    kPlain{"node3", "plain", "no code"};

TEST(ProductsWarning, NothingIsSaidOfRanksThatAreAlike) {
  EXPECT_EQ(products_warning({}), "");
  EXPECT_EQ(products_warning({kMade}), "");
  EXPECT_EQ(products_warning({kOlder, kOlder, kOlder}), "");
}

TEST(ProductsWarning, NamesTheRanksWithoutCodeAndWhy) {
  EXPECT_EQ(products_warning({kPlain, kPlain}),
            "products of small matrices are computed by plain loops, slower than by made code, on "
            "rank 0 on node3, rank 1 on node3: no code");
}

TEST(ProductsWarning, NamesRanksThatDiffer) {
  EXPECT_EQ(products_warning({kMade, kOlder, kMade}),
            "products of small matrices are computed differently on the ranks: hsw on rank 1 on "
            "node2, skx on rank 0 on "
            "node1, rank 2 on node1; results differ in their last bits with the rank that trains, "
            "and each record names its instructions");
  const std::string both = products_warning({kMade, kPlain});
  EXPECT_NE(both.find("on rank 1 on node3: no code; "), std::string::npos) << both;
  EXPECT_NE(both.find("plain on rank 1 on node3, skx on rank 0 on node1; "), std::string::npos)
      << both;
}

TEST(ProductsWarning, OfManyRanksNamesTheFirst) {
  const std::string text = products_warning(std::vector<RankProducts>(100, kPlain));
  EXPECT_NE(text.find("rank 7 on node3 and 92 more: no code"), std::string::npos) << text;
}

}  // namespace
}  // namespace emosweep::launcher
