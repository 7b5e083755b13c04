// Pieces of the page. Texts are escaped here, so nothing from data becomes markup. Private to
// results/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "results/plots/plot.h"

namespace emosweep::results {

std::string paragraph(const std::string& text, std::string_view style = "");

// A table that scrolls sideways where it is too wide; the first column names the row. `label` says
// what it is to those who cannot see it. Rows from `foot` on are baselines, drawn apart.
std::string html_table(const TextTable& table, const std::string& label,
                       std::size_t foot = static_cast<std::size_t>(-1));

// Drawing, caption, and its table behind a click. `id` is unique in the page.
std::string html_figure(const Plot& plot, const std::string& id);

// A link that saves `content` without asking anybody.
std::string download(const std::string& file, const std::string& mime, const std::string& content);

std::string with_sd(const Spread& spread);  // "0.745 ± 0.022"

std::string base64(std::string_view bytes);

// What the page looks like, and the little it does: the theme switch, sorting of tables.
std::string_view page_rules();
std::string_view page_script();

}  // namespace emosweep::results
