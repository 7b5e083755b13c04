// main of the tests that run under mpirun: every rank runs every test, and only rank 0 reports
// successes.
#include <gtest/gtest.h>
#include <mpi.h>

#include <cstdio>

namespace {

// Says on which rank a test failed, and ends the job then: the other ranks may wait for this one in
// a collective.
class RankReporter : public testing::EmptyTestEventListener {
 public:
  RankReporter(int rank, int ranks) : rank_(rank), ranks_(ranks) {}

  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (!part.failed()) return;
    const char* file = part.file_name() == nullptr ? "unknown file" : part.file_name();
    std::fprintf(stderr, "[rank %d/%d] %s:%d: %s\n", rank_, ranks_, file, part.line_number(),
                 part.message());
  }

  void OnTestEnd(const testing::TestInfo& test) override {
    if (!test.result()->Failed()) return;
    std::fprintf(stderr, "[rank %d/%d] failed: %s.%s\n", rank_, ranks_, test.test_suite_name(),
                 test.name());
    std::fflush(nullptr);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }

 private:
  int rank_, ranks_;
};

}  // namespace

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  if (provided < MPI_THREAD_FUNNELED) {
    std::fprintf(stderr, "this MPI supports no threads beside the one that calls it\n");
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  testing::InitGoogleTest(&argc, argv);
  int rank = 0, ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (rank != 0) {
    delete listeners.Release(listeners.default_result_printer());
    testing::GTEST_FLAG(output) = "";  // one report file, not one per rank over each other
  }
  listeners.Append(new RankReporter(rank, ranks));
  const int result = RUN_ALL_TESTS();
  // A rank that exits with an error makes mpirun kill the others: all exit alike.
  int worst = 0;
  MPI_Allreduce(&result, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return worst;
}
