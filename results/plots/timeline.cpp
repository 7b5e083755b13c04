// Who trained what when.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "results/plots/axis.h"
#include "results/plots/plot.h"
#include "results/plots/style.h"
#include "results/text_layout.h"
#include "results/verdict.h"

namespace emosweep::results {
namespace {

constexpr double kWidth = 640, kRow = 22, kTop = 26;
constexpr std::size_t kMostRanks = 64;

struct Stretch {  // trials of one experiment on one rank without a gap that could be seen
  double begin, end;
  std::size_t experiment, trials;
};

struct Lane {  // one rank
  std::vector<Stretch> stretches;
  std::vector<std::pair<double, std::string>> failures;
  double busy = 0;
};

struct RankName {
  std::string host;
  std::int32_t rank;
  auto operator<=>(const RankName&) const = default;
};

}  // namespace

MaybePlot timeline_plot(const ReportData& data) {
  std::vector<const Row*> done, failed;
  std::set<Digest> seen;
  for (const Row& row : data.table.rows) {
    if (row.done() && row.cost.start_unix > 0 && seen.insert(row.cell.id).second)
      done.push_back(&row);
    if (row.status == "failed" && row.failed_unix > 0) failed.push_back(&row);
  }
  if (done.empty()) return {};
  std::sort(done.begin(), done.end(),
            [](const Row* a, const Row* b) { return a->cost.start_unix < b->cost.start_unix; });
  double begin = done.front()->cost.start_unix, end = begin;
  for (const Row* row : done) end = std::max(end, row->cost.start_unix + row->cost.wall_seconds);
  for (const Row* row : failed) {
    begin = std::min(begin, row->failed_unix);
    end = std::max(end, row->failed_unix);
  }
  const double gap = std::max((end - begin) * 2 / kWidth, 1e-6);
  std::map<RankName, Lane> lanes;
  for (const Row* row : done) {
    Lane& lane = lanes[{row->cost.host, row->cost.rank}];
    const double from = row->cost.start_unix, to = from + row->cost.wall_seconds;
    auto& last = lane.stretches;
    if (!last.empty() && last.back().experiment == row->cell.experiment &&
        from <= last.back().end + gap) {
      lane.busy += std::max(0.0, to - std::max(from, last.back().end));
      last.back().end = std::max(last.back().end, to);
      ++last.back().trials;
    } else {
      lane.busy += std::max(0.0, to - (last.empty() ? from : std::max(from, last.back().end)));
      last.push_back({from, to, row->cell.experiment, 1});
    }
  }
  for (const Row* row : failed) {
    lanes[{row->cost.host, row->cost.rank}].failures.emplace_back(
        row->failed_unix, cell_name(data.table, *row) + ": " + row->reason);
  }
  Plot plot;
  plot.name = "timeline";
  plot.title = "Timeline";
  plot.caption =
      "What each rank trained when; a stretch is a run of trials of one experiment, a red ring a "
      "failed trial. Of a team the first rank stands for all. Runs at other times leave gaps. "
      "Experiments by number:";
  for (std::size_t e = 0; e < data.table.experiments.size(); ++e) {
    plot.caption += (e == 0 ? " " : ", ") + std::to_string(e + 1) + " " + short_name(data, e);
  }
  plot.caption += ".";
  plot.table = {{"host", "rank", "trials", "failed", "busy"}};
  std::vector<std::string> names;
  for (const auto& [name, lane] : lanes) {
    names.push_back(name.host + " rank " + std::to_string(name.rank));
    std::size_t trials = 0;
    for (const auto& stretch : lane.stretches) trials += stretch.trials;
    plot.table.push_back({name.host, std::to_string(name.rank), std::to_string(trials),
                          std::to_string(lane.failures.size()), duration(lane.busy)});
  }
  const std::size_t shown = std::min(names.size(), kMostRanks);
  const double left = name_width(names), bottom = kTop + kRow * static_cast<double>(shown);
  const double unit = end - begin > 7200 ? 3600 : end - begin > 120 ? 60 : 1;
  Svg svg(left + kWidth + 16, bottom + 40);
  const Scale x{0, std::max((end - begin) / unit, 1e-6), left, left + kWidth};
  horizontal_axis(svg, x, kTop, bottom,
                  std::string(unit == 3600 ? "hours"
                              : unit == 60 ? "minutes"
                                           : "seconds") +
                      " since the first trial");
  std::size_t at = 0;
  for (const auto& [name, lane] : lanes) {
    if (at == shown) break;
    const double corner = kTop + kRow * static_cast<double>(at) + 3;
    svg.text({0, corner + 12}, shortened(names[at], kLongestName), "", Anchor::start, names[at]);
    for (const auto& stretch : lane.stretches) {
      const double from = x((stretch.begin - begin) / unit), to = x((stretch.end - begin) / unit);
      svg.rect({from, corner}, std::max(0.8, to - from), kRow - 6,
               "f" + std::to_string(stretch.experiment % kLineColours),
               short_name(data, stretch.experiment) + ": " + counted(stretch.trials, "trial") +
                   ", " + duration(stretch.end - stretch.begin));
      const std::string number = std::to_string(stretch.experiment + 1);
      if (to - from > 6 + 8 * static_cast<double>(number.size())) {
        svg.text({(from + to) / 2, corner + 12}, number, "on2", Anchor::middle);
      }
    }
    for (const auto& [when, what] : lane.failures) {
      svg.circle({x((when - begin) / unit), corner + kRow / 2 - 3}, 5, "hollow", what);
    }
    ++at;
  }
  if (shown < names.size()) {
    plot.caption +=
        " Drawn are " + std::to_string(shown) + " of " + std::to_string(names.size()) + " ranks.";
  }
  plot.drawing = std::move(svg);
  return plot;
}

}  // namespace emosweep::results
