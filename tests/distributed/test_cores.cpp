#include <gtest/gtest.h>

#include "base/error.h"
#include "distributed/devices.h"
#include "distributed/world.h"

namespace emosweep::distributed {
namespace {

using Masks = std::vector<std::vector<int>>;

TEST(ChooseCore, SharedMaskGivesOneCoreEach) {
  const Masks masks(3, {2, 3, 6, 7});
  EXPECT_EQ(choose_core(masks, 0), 2);
  EXPECT_EQ(choose_core(masks, 1), 3);
  EXPECT_EQ(choose_core(masks, 2), 6);
}

TEST(ChooseCore, MoreRanksThanCoresIsNotPinned) {
  const Masks masks(3, {0, 1});
  for (int r = 0; r < 3; ++r) EXPECT_EQ(choose_core(masks, r), -1);
}

TEST(ChooseCore, MasksOfALauncherThatBoundAreKept) {
  const Masks masks{{4, 5}, {0, 1}, {8}};
  EXPECT_EQ(choose_core(masks, 0), 4);
  EXPECT_EQ(choose_core(masks, 1), 0);
  EXPECT_EQ(choose_core(masks, 2), 8);
}

TEST(ChooseCore, MasksThatOverlapAreLeftToTheSystem) {
  const Masks masks{{0, 1}, {1, 2}, {5}};
  EXPECT_EQ(choose_core(masks, 0), -1);
  EXPECT_EQ(choose_core(masks, 1), -1);
  EXPECT_EQ(choose_core(masks, 2), 5);
}

TEST(ChooseCore, UnknownMaskIsNotPinned) { EXPECT_EQ(choose_core(Masks{{}}, 0), -1); }

TEST(Devices, TextSaysWhatThereIs) {
  if (cuda_devices().empty()) {
    EXPECT_EQ(device_text().substr(0, 3), "cpu");
    EXPECT_EQ(device_text().find("no CUDA device is here") != std::string::npos, built_with_cuda());
  } else {
    EXPECT_NE(device_text().find(cuda_devices().front().name), std::string::npos);
  }
}

using Uuids = std::vector<std::vector<std::string>>;

TEST(ChooseDevices, RanksThatSeeTheSameListTakeOneEach) {
  const Uuids node(3, {"a", "b", "c", "d"});
  EXPECT_EQ(choose_devices(node, false), (std::vector<int>{0, 1, 2}));
}

TEST(ChooseDevices, WhatALauncherDealtIsTaken) {
  EXPECT_EQ(choose_devices({{"b"}, {"a"}}, false), (std::vector<int>{0, 0}));
}

TEST(ChooseDevices, TwoRanksOnOneGpuAreRefusedUnlessAsked) {
  const Uuids crowded(3, {"a", "b"});
  EXPECT_THROW(choose_devices(crowded, false), InputError);
  EXPECT_EQ(choose_devices(crowded, true), (std::vector<int>{0, 1, 0}));
  // Two lists that differ, but meet in one GPU.
  EXPECT_THROW(choose_devices({{"a", "b"}, {"b", "a"}}, false), InputError);
}

TEST(ChooseDevices, ARankWithoutAGpuIsNamed) {
  try {
    choose_devices({{"a"}, {}}, true);
    FAIL();
  } catch (const InputError& e) {
    const std::string why = built_with_cuda()
                                ? "rank 1 of this node sees no CUDA device"
                                : "rank 1 of this node has a program that was built without CUDA";
    EXPECT_NE(std::string(e.what()).find(why), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace emosweep::distributed
