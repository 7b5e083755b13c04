#include "launcher/run_products.h"

#include <algorithm>
#include <map>

#include "base/log.h"
#include "launcher/run_device.h"
#include "models/small_product.h"

namespace emosweep::launcher {
namespace {

constexpr std::size_t kShown = 8;  // ranks of one kind
constexpr char kSeparator = '\n';

bool any_network(const Plan& plan, const Setup& setup) {
  return std::any_of(setup.todo.begin(), setup.todo.end(), [&](const Todo& todo) {
    const PlannedTrial& trial = plan.trials[todo.trial];
    if (trial.experiment >= plan.experiments.size()) return false;  // tests plan bare trials
    const trainer::TrialSpec& spec =
        plan.experiments[trial.experiment].conditions[trial.condition].base;
    return spec.model.model != "linear" && !on_gpu(plan, trial);
  });
}

// "rank 0 on node3, rank 1 on node3 and 14 more"
std::string names_of(const std::vector<RankProducts>& ranks, const std::vector<std::size_t>& some) {
  std::string text;
  for (std::size_t i = 0; i < std::min(some.size(), kShown); ++i) {
    text += (i > 0 ? ", rank " : "rank ") + std::to_string(some[i]) + " on " + ranks[some[i]].host;
  }
  return some.size() <= kShown ? text
                               : text + " and " + std::to_string(some.size() - kShown) + " more";
}

}  // namespace

std::string products_warning(const std::vector<RankProducts>& ranks) {
  std::map<std::string, std::vector<std::size_t>> plain, kinds;  // ranks by why, by instructions
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    if (!ranks[r].why_plain.empty()) plain[ranks[r].why_plain].push_back(r);
    kinds[ranks[r].instructions].push_back(r);
  }
  std::string text;
  for (const auto& [why, some] : plain) {
    text +=
        (text.empty() ? "" : "; ") +
        ("products of small matrices are computed by plain loops, slower than by made code, on " +
         names_of(ranks, some) + ": " + why);
  }
  if (kinds.size() > 1) {
    text += text.empty() ? "" : "; ";
    const char* before = "products of small matrices are computed differently on the ranks: ";
    for (const auto& [kind, some] : kinds) {
      text += before + kind + " on " + names_of(ranks, some);
      before = ", ";
    }
    text +=
        "; results differ in their last bits with the rank that trains, and each record names "
        "its instructions";
  }
  return text;
}

void warn_of_products(const distributed::World& world, const Plan& plan, const Setup& setup,
                      double patience) {
  if (!any_network(plan, setup)) return;
  const std::string mine = world.host + kSeparator + models::product_instructions() + kSeparator +
                           models::why_products_are_plain();
  std::vector<RankProducts> ranks;
  for (const std::string& text :
       distributed::gather(mine, "kinds of products", distributed::in_seconds(patience))) {
    const std::size_t first = text.find(kSeparator), second = text.find(kSeparator, first + 1);
    ranks.push_back({text.substr(0, first), text.substr(first + 1, second - first - 1),
                     text.substr(second + 1)});
  }
  const std::string warning = products_warning(ranks);
  if (world.rank == 0 && !warning.empty()) log::warning(warning);
}

}  // namespace emosweep::launcher
