#include "results/page/page.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/hash.h"
#include "results/counting.h"
#include "results/page/html.h"
#include "results/plots/style.h"
#include "results/report_tables.h"
#include "results/text_layout.h"
#include "results/verdict.h"

namespace emosweep::results {
namespace {

constexpr std::size_t kFailures = 200;           // that are listed
constexpr std::size_t kMostDownload = 1u << 20;  // bytes of a file that the page carries
constexpr std::size_t kSentences = 28;           // comparisons that are written out

struct Progress {
  std::int64_t done = 0, expected = 0, failed = 0;
};

Progress progress_of(const ReportData& data) {
  Progress progress;
  for (std::size_t e = 0; e < data.statistics.size(); ++e) {
    if (data.table.experiments[e].derived) continue;  // averages are no trials
    for (const auto& condition : data.statistics[e].conditions) {
      progress.done += condition.done;
      progress.expected += condition.expected;
      progress.failed += condition.failed;
    }
  }
  return progress;
}

std::string card(const std::string& name, const std::string& big, const std::string& unit,
                 const std::vector<std::pair<std::string, std::string>>& facts) {
  std::string html = "<div class=\"card\"><div class=\"name\">" + escape(name) +
                     "</div><div class=\"big\">" + escape(big) +
                     (unit.empty() ? "" : " <small>" + escape(unit) + "</small>") + "</div><dl>";
  for (const auto& [key, value] : facts) {
    html += "<dt>" + escape(key) + "</dt><dd>" + escape(value) + "</dd>";
  }
  return html + "</dl></div>\n";
}

std::string short_interval(double lower, double upper) {
  return std::isnan(lower) ? "-" : score(lower, 3) + " to " + score(upper, 3);
}

// Accelerators are paid by the hour that a rank holds one, processors by the time they compute.
std::string cost_card(const ReportData& data) {
  const Cost cost = cost_of(data.table, 0, data.table.rows.size());
  double device_seconds = 0;
  std::set<Digest> seen;
  for (const Row& row : data.table.rows) {
    if (row.done() && row.cost.device.starts_with("cuda") && seen.insert(row.cell.id).second) {
      device_seconds += row.cost.wall_seconds * std::max(1, row.cost.ranks);
    }
  }
  const bool devices = device_seconds > 0;
  const double seconds = devices ? device_seconds : cost.cpu_seconds;
  const bool small = seconds < 360;
  return card(
      devices ? "GPU time" : "CPU time",
      small ? score(seconds, seconds < 10 ? 1 : 0) : score(seconds / 3600, 2),
      small ? (devices ? "GPU-seconds" : "CPU-seconds") : (devices ? "GPU-hours" : "CPU-hours"),
      {{"in trials", duration(cost.wall_seconds)},
       {"steps", std::to_string(cost.steps)},
       {"restarts", std::to_string(cost.restarts)}});
}

std::string cards_html(const ReportData& data, const std::vector<Standing>& order) {
  const Progress progress = progress_of(data);
  std::string html = "<div class=\"cards\">\n";
  if (order.empty()) {
    html += card("Headline macro-F1", "-", "", {{"", "no complete seed yet"}});
  } else {
    const ReplicatedStatistics& own = order[0].headline->headline();
    const std::string title = metric_title(order[0].headline->metrics.front().name);
    html +=
        card(order.size() > 1      ? "Highest " + title
             : title == "macro-F1" ? "Macro-F1"
                                   : title,
             score(own.spread.mean, 3),
             std::isnan(own.spread.sd) || own.spread.sd == 0 ? "" : "± " + score(own.spread.sd, 3),
             {{"re-run 95 %", short_interval(own.rerun.lower, own.rerun.upper)},
              {"new subjects", short_interval(own.new_subject.lower, own.new_subject.upper)}});
  }
  html +=
      card("Trials done", std::to_string(progress.done), "of " + std::to_string(progress.expected),
           {{"failed", std::to_string(progress.failed)},
            {"not run", std::to_string(progress.expected - progress.done - progress.failed)}});
  // Results of other programs have no costs.
  if (cost_of(data.table, 0, data.table.rows.size()).wall_seconds > 0) html += cost_card(data);
  if (!order.empty()) {
    const VarianceComponents& parts = order[0].headline->headline().components;
    if (!std::isnan(parts.subject_share)) {
      html += card("Spread due to subjects", percent(parts.subject_share), "",
                   {{"due to seeds", percent(parts.seed_share)},
                    {"the rest", percent(parts.residual_share)}});
    } else {
      html += card("Seeds x subjects",
                   std::to_string(data.statistics[order[0].experiment].seeds.size()), "seeds",
                   {{"subjects", "cannot be told apart"}});
    }
  }
  return html + "</div>\n";
}

// How an experiment stands to the leader of its family.
std::string against_leader(const ReportData& data, std::size_t experiment) {
  std::size_t leader = experiment;
  for (const auto& family : families(data)) {
    for (const auto& standing : family) {
      if (standing.experiment == experiment) leader = family[0].experiment;
    }
  }
  if (leader == experiment) return "leads";
  const auto [pair, turned] = find_pair(data, leader, experiment);
  if (!pair || !pair->absent_because.empty()) return "not comparable";
  const std::string conclusion = conclusion_of(*pair);
  if (conclusion == "better" || conclusion == "worse") {
    return (conclusion == "worse") == turned ? "worse" : "better";
  }
  return conclusion;
}

// Experiments of one kind, order: theirs.
std::string leaders_of_kind(const ReportData& data, const std::vector<Standing>& order,
                            TargetKind kind) {
  const auto metrics = report_metrics(kind);
  TextTable table{
      {"experiment", metric_title(metrics[0].name), "re-run 95 %", "new subjects 95 %"}};
  for (const ReportMetric& metric : metrics.subspan(1)) {
    table[0].push_back(metric_title(metric.name));
  }
  table[0].insert(table[0].end(), {"it is", "cells"});
  std::set<std::size_t> ranked;
  for (const auto& standing : order) {
    const ConditionStatistics& own = *standing.headline;
    const ReplicatedStatistics& headline = own.headline();
    ranked.insert(standing.experiment);
    table.push_back({short_name(data, standing.experiment), with_sd(headline.spread),
                     bracketed(headline.rerun.lower, headline.rerun.upper, 3),
                     bracketed(headline.new_subject.lower, headline.new_subject.upper, 3)});
    for (const ReportMetric& metric : metrics.subspan(1)) {
      table.back().push_back(with_sd(own.pooled(metric.name).spread));
    }
    table.back().push_back(against_leader(data, standing.experiment));
    table.back().push_back(std::to_string(own.done) + " / " + std::to_string(own.expected));
  }
  for (std::size_t e = 0; e < data.statistics.size(); ++e) {
    if (ranked.count(e) || data.statistics[e].target.kind != kind) continue;
    const ConditionStatistics* headline = headline_of(data.statistics[e]);
    table.push_back({short_name(data, e), headline ? "-" : "see conditions"});
  }
  const std::size_t foot = table.size();
  std::set<TextTable> written;
  for (const auto& standing : order) {  // once for all experiments of the same rows
    TextTable own;
    add_baselines(own, data.statistics[standing.experiment], *standing.headline, "");
    if (!written.insert(own).second) continue;
    const std::string of =
        written.size() == 1 ? "" : ", as for " + short_name(data, standing.experiment);
    add_baselines(table, data.statistics[standing.experiment], *standing.headline, of);
  }
  return html_table(table, "experiments, best first", foot);
}

std::string leaders_html(const ReportData& data, const std::vector<Standing>& order) {
  auto kinds = kinds_of(data);
  if (kinds.empty()) kinds.push_back(TargetKind::single);
  std::string html;
  for (const TargetKind kind : kinds) {
    if (kinds.size() > 1) html += "<h3>" + kind_title(kind) + "</h3>\n";
    html += leaders_of_kind(data, of_kind(data, order, kind), kind);
  }
  return html;
}

std::string sentences_html(const ReportData& data) {
  std::string html;
  std::size_t n = 0;
  for (const auto& pair : data.comparisons.pairs) {
    if (n++ == kSentences) break;
    html += paragraph(comparison_sentence(pair));
  }
  if (html.empty()) return "";
  const std::size_t rest =
      data.comparisons.pairs.size() - std::min(n, data.comparisons.pairs.size());
  if (rest > 0) html += paragraph("And " + std::to_string(rest) + " more in the JSON report.");
  return "<details" + std::string(data.comparisons.pairs.size() <= 3 ? " open" : "") +
         "><summary>Every comparison in words</summary>\n" + html + "</details>\n";
}

std::string failures_html(const ReportData& data) {
  TextTable table{{"trial", "state", "reason", "message", "where"}};
  std::size_t failed = 0, missing = 0;
  for (const Row& row : data.table.rows) {
    if (row.done()) continue;
    ++(row.status == "failed" ? failed : missing);
    if (table.size() > kFailures || row.status != "failed") continue;
    table.push_back({cell_name(data.table, row), row.status, row.reason, row.message,
                     row.cost.host + " rank " + std::to_string(row.cost.rank)});
  }
  std::string html = "<section aria-labelledby=\"failures\">\n<h2 id=\"failures\">Failures</h2>\n";
  if (failed == 0 && missing == 0) {
    return html + paragraph("None: every planned trial is done.") + "</section>\n";
  }
  html += paragraph(counted(failed, "cell") + " failed, " + counted(missing, "cell") +
                    " not run. Failed trials are tried again by: emosweep resume DIR "
                    "--retry-failed; missing ones by: emosweep resume DIR.");
  if (table.size() > 1) html += html_table(table, "failed trials");
  if (failed > kFailures) {
    html += paragraph("And " + std::to_string(failed - kFailures) + " more in the JSON report.");
  }
  return html + "</section>\n";
}

std::string joined(const std::set<std::string>& values) {
  std::string text;
  std::size_t n = 0;
  for (const auto& value : values) {
    if (n++ == 8) return text + " and " + std::to_string(values.size() - 8) + " more";
    text += (text.empty() ? "" : ", ") + (value.empty() ? "unknown" : value);
  }
  return text.empty() ? "-" : text;
}

std::string provenance_html(const ReportData& data) {
  std::set<std::string> hosts, devices, libraries, seeds, datasets;
  for (const Row& row : data.table.rows) {
    if (!row.done()) continue;
    hosts.insert(row.cost.host);
    devices.insert(row.cost.device);
    libraries.insert(row.cost.libraries);
  }
  for (std::size_t e = 0; e < data.statistics.size(); ++e) {
    std::string own;
    for (const auto seed : data.statistics[e].seeds) {
      own += (own.empty() ? "" : " ") + std::to_string(seed);
    }
    if (!own.empty()) seeds.insert(own);
    const PlannedExperiment& experiment = data.table.experiments[e];
    datasets.insert(experiment.dataset + " (samples " + experiment.samples.brief() + ")");
  }
  std::set<std::string> sources;
  for (const Source& source : data.table.sources) {
    sources.insert(source.name + ": " + source.path);
  }
  const std::set<std::string> revisions(data.table.source_revisions.begin(),
                                        data.table.source_revisions.end());
  std::vector<std::pair<std::string, std::string>> facts = {
      {"source revision", joined(revisions)},
      {"libraries", joined(libraries)},
      {"hosts", joined(hosts)},
      {"devices", joined(devices)},
      {"seeds", joined(seeds)},
      {"datasets", joined(datasets)},
      {"bootstrap", "seed 0, 2,000 replicates"}};
  if (!sources.empty()) facts.insert(facts.begin(), {"sources", joined(sources)});
  std::string html =
      "<section aria-labelledby=\"provenance\">\n<h2 id=\"provenance\">Provenance and "
      "definitions</h2>\n<dl class=\"facts-list\">";
  for (const auto& [name, value] : facts) {
    html += "<dt>" + escape(name) + "</dt><dd>" + escape(value) + "</dd>\n";
  }
  for (const TargetKind kind : kinds_of(data)) {
    const std::string of =
        kind == TargetKind::single ? "" : std::string(" of ") + target_kind_name(kind);
    const auto define = [&](const std::string& name, const std::string& more) {
      html += "<dt>" + name + of + "</dt><dd>" + escape(metric_definition(name, kind) + more) +
              "</dd>\n";
    };
    for (const ReportMetric& metric : report_metrics(kind)) define(metric.name, "");
    for (const char* name : row_metrics(kind)) {
      define(name, "; of each cell, since it does not pool over folds");
    }
  }
  const std::vector<std::pair<std::string, std::string>> definitions = {
      {"pooled",
       "of the confusion matrix summed over the folds of one seed; then mean and sd (n - "
       "1) over the seeds of which every fold is done"},
      {"re-run", "what other seeds would give on these subjects: t over the seeds' pooled scores"},
      {"new subjects",
       "what other subjects would give with these seeds: t over the subjects' "
       "delete-one-subject jackknife pseudo-values"},
      {"compared",
       "paired on seed and subject; difference, interval and p over seeds and subjects "
       "at once (two-way random effects, Satterthwaite), Holm over the table"},
      {"better, worse", "Holm's p below .05"},
      {"equal", "95 % of the posterior of the difference (correlated t) within one point"},
      {"majority", "every fold predicts the most frequent class of its training rows"}};
  for (const auto& [name, value] : definitions) {
    html += "<dt>" + escape(name) + "</dt><dd>" + escape(value) + "</dd>\n";
  }
  return html + "</dl>\n</section>\n";
}

std::string downloads_html(const ReportData& data) {
  std::string html =
      "<section class=\"downloads\" aria-labelledby=\"downloads\">\n<h2 "
      "id=\"downloads\">Downloads</h2>\n";
  const std::string json = json_report(data), csv = csv_report(data), latex = latex_report(data);
  html += download("report.csv", "text/csv", csv) + download("report.tex", "text/x-tex", latex);
  if (json.size() <= kMostDownload) {
    html += download("report.json", "application/json", json);
  } else {
    html += paragraph("The JSON report has " + std::to_string(json.size() >> 20) +
                      " MiB: emosweep report DIR --format json prints it.");
  }
  return html + paragraph("Figures as SVG files: emosweep report DIR --figures FOLDER.") +
         "</section>\n";
}

std::string head_html() {
  // The only script of the page is named by its digest, so nothing else can run, and nothing is
  // ever fetched.
  const auto digest = sha256(page_script());
  const std::string hash(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
         "'unsafe-inline'; script-src 'sha256-" +
         base64(hash) +
         "'; img-src data:\">\n<meta name=\"viewport\" content=\"width=device-width, "
         "initial-scale=1\">\n<title>Seed-variance report</title>\n<link rel=\"icon\" "
         "href=\"data:,\">\n<style>\n" +
         std::string(plot_colours()) + std::string(plot_rules()) + std::string(page_rules()) +
         "</style>\n</head>\n";
}

}  // namespace

void add_baselines(TextTable& table, const ExperimentStatistics& statistics,
                   const ConditionStatistics& headline, const std::string& of) {
  const TargetKind kind = statistics.target.kind;
  for (const BaselineRow& row : baseline_rows(statistics, headline)) {
    table.push_back({baseline_title(row.name, kind) + of});
    for (std::size_t m = 0; m < row.values.size(); ++m) {
      const bool given = !std::isnan(row.values[m]) || (row.name == "majority" && m != 1);
      table.back().push_back(given ? score(row.values[m], 3) : "");
      if (m == 0) table.back().insert(table.back().end(), 2, "");  // its intervals
    }
  }
}

std::string protocol_text(const ReportData& data, std::size_t e) {
  const TableExperiment& experiment = data.table.experiments[e];
  const ExperimentStatistics& statistics = data.statistics[e];
  std::string text = "Dataset " + experiment.dataset + ", protocol " + experiment.protocol;
  if (!experiment.group.empty()) text += ", group " + experiment.group;
  text += ", " + counted(statistics.folds.size(), "fold") + ", " +
          counted(statistics.seeds.size(), "seed") + ", " + target_text(experiment.target());
  if (!experiment.normalise.empty()) text += ", normalise " + experiment.normalise;
  if (experiment.normalise == "group") text += " (transductive: each subject by their own rows)";
  if (!experiment.selection_metric.empty()) {
    text += ", selection on validation by " + experiment.selection_metric;
  }
  if (!data.table.sources.empty()) {
    text += ", from " + data.table.sources[experiment.source].name;
  }
  return text + ".";
}

std::string html_report(const ReportData& data) {
  const auto order = standings(data);
  const auto all = families(data);
  const std::vector<Standing> first = all.empty() ? std::vector<Standing>() : all[0];
  std::string html = head_html() +
                     "<body>\n<a class=\"skip\" href=\"#main\">To the results</a>\n<header "
                     "class=\"top\">\n<div class=\"line\"><div><h1>Seed-variance report</h1>\n";
  html +=
      paragraph(counted(data.table.experiments.size(), "experiment") + ", " +
                    counted(data.table.rows.size(), "planned cell") + " (condition, seed, fold)",
                "facts");
  html +=
      "</div><button id=\"theme\" type=\"button\" hidden>Light / dark</button></div>\n"
      "<div class=\"verdict\">\n";
  for (const auto& text : verdict(data)) {
    html += paragraph(text, text.starts_with("INCOMPLETE") ? "warning" : "");
  }
  html += "</div>\n" + cards_html(data, first) + "<nav class=\"contents\" aria-label=\"Contents\">";
  for (std::size_t e = 0; e < data.table.experiments.size(); ++e) {
    html += "<a href=\"#e" + std::to_string(e + 1) + "\">" + escape(short_name(data, e)) + "</a>\n";
  }
  html +=
      "<a href=\"#failures\">Failures</a>\n<a href=\"#provenance\">Provenance</a>\n<a "
      "href=\"#downloads\">Downloads</a></nav>\n</header>\n<main id=\"main\">\n";
  html += "<section aria-labelledby=\"leaders\"><h2 id=\"leaders\">Experiments</h2>\n" +
          leaders_html(data, order) +
          (dagger_text(data).empty() ? "" : paragraph(dagger_text(data), "quiet")) +
          sentences_html(data);
  for (const Plot& plot : overview_plots(data)) html += html_figure(plot, "o-" + plot.name);
  html += "</section>\n";
  for (std::size_t e = 0; e < data.table.experiments.size(); ++e) {
    html += experiment_section(data, e, "e" + std::to_string(e + 1));
  }
  html += failures_html(data) + provenance_html(data) + downloads_html(data);
  return html +
         "</main>\n<footer>Made by emosweep; the same results give the same "
         "scores.</footer>\n<script>" +
         std::string(page_script()) + "</script>\n</body>\n</html>\n";
}

}  // namespace emosweep::results
