#include "results/page/html.h"

#include "results/text_layout.h"

namespace emosweep::results {
namespace {

std::string row_html(const std::vector<std::string>& row, bool header, std::size_t columns) {
  std::string html = "<tr>";
  for (std::size_t i = 0; i < columns; ++i) {
    const std::string text = i < row.size() ? escape(row[i]) : "";
    if (header) {
      html += "<th scope=\"col\">" + text + "</th>";
    } else if (i == 0) {
      html += "<th scope=\"row\">" + text + "</th>";
    } else {
      html += "<td>" + text + "</td>";
    }
  }
  return html + "</tr>\n";
}

}  // namespace

std::string paragraph(const std::string& text, std::string_view style) {
  return "<p" + (style.empty() ? "" : " class=\"" + std::string(style) + "\"") + ">" +
         escape(text) + "</p>\n";
}

std::string html_table(const TextTable& table, const std::string& label, std::size_t foot) {
  if (table.empty()) return "";
  const std::size_t columns = table[0].size();
  std::string html = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" +
                     escape(label) + "\"><table>\n<thead>" + row_html(table[0], true, columns) +
                     "</thead>\n<tbody>\n";
  for (std::size_t i = 1; i < table.size(); ++i) {
    if (i == foot) html += "</tbody><tbody class=\"baselines\">\n";
    html += row_html(table[i], false, columns);
  }
  return html + "</tbody></table></div>\n";
}

std::string html_figure(const Plot& plot, const std::string& id) {
  return "<figure id=\"" + id + "\">\n<h3>" + escape(plot.title) + "</h3>\n<figcaption>" +
         escape(plot.caption) +
         "</figcaption>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
         "aria-label=\"" +
         escape(plot.title) + ", drawing\">" + plot.drawing.element(id, plot.title, plot.caption) +
         "</div>\n" + "<details><summary>Numbers</summary>\n" + html_table(plot.table, plot.title) +
         "</details>\n</figure>\n";
}

std::string with_sd(const Spread& spread) {
  return score(spread.mean, 3) + (spread.n < 2 ? "" : " ± " + score(spread.sd, 3));
}

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) {
      return i + k < bytes.size() ? static_cast<unsigned>(static_cast<unsigned char>(bytes[i + k]))
                                  : 0u;
    };
    const unsigned group = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (int k = 0; k < 4; ++k) {
      const bool past = k > 1 && i + static_cast<std::size_t>(k) - 1 >= bytes.size();
      text += past ? '=' : kDigits[group >> (18 - 6 * k) & 63];
    }
  }
  return text;
}

std::string download(const std::string& file, const std::string& mime, const std::string& content) {
  return "<a class=\"button\" download=\"" + escape(file) + "\" href=\"data:" + mime + ";base64," +
         base64(content) + "\">" + escape(file) + "</a>\n";
}

}  // namespace emosweep::results
