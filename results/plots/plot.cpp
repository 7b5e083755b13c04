#include "results/plots/plot.h"

namespace emosweep::results {
namespace {

template <class... Plots>
std::vector<Plot> present(Plots... plots) {
  std::vector<Plot> result;
  const auto take = [&](MaybePlot& plot) {
    if (plot) result.push_back(std::move(*plot));
  };
  (take(plots), ...);
  return result;
}

}  // namespace

std::vector<Plot> overview_plots(const ReportData& data) {
  std::vector<Plot> plots = scores_plots(data);
  for (Plot& plot : present(probability_plot(data), differences_plot(data), components_plot(data),
                            profile_plot(data), timeline_plot(data))) {
    plots.push_back(std::move(plot));
  }
  return plots;
}

std::vector<Plot> experiment_plots(const ReportData& data, std::size_t e) {
  return present(conditions_plot(data, e), grid_plot(data, e), confusion_plot(data, e),
                 classes_plot(data, e), subjects_plot(data, e), curves_plot(data, e));
}

}  // namespace emosweep::results
