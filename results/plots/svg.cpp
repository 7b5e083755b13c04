#include "results/plots/svg.h"

#include <cmath>
#include <cstdio>

#include "results/plots/style.h"

namespace emosweep::results {
namespace {

bool continuation(unsigned char c) { return (c & 0xc0) == 0x80; }

// Bytes of the well-formed UTF-8 character at `at` that XML allows; 0 for anything else.
std::size_t character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const unsigned first = byte(0);
  if (first < 0x80) {
    return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
  }
  if (first < 0xc2) return 0;  // a continuation, or the start of a needlessly long form
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  unsigned code = first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (!continuation(static_cast<unsigned char>(byte(i)))) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr unsigned kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  const bool nothing = code == 0xfffe || code == 0xffff;
  return first < 0xf8 && code >= kLeast[length] && code <= 0x10ffff && !surrogate && !nothing
             ? length
             : 0;
}

const char* anchor_name(Anchor anchor) {
  switch (anchor) {
    case Anchor::start:
      return "";
    case Anchor::middle:
      return " text-anchor=\"middle\"";
    case Anchor::end:
      return " text-anchor=\"end\"";
  }
  return "";
}

}  // namespace

std::string escape(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = character_at(text, i);
    if (length == 0) {
      result += "\xef\xbf\xbd";
      ++i;
      continue;
    }
    switch (text[i]) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += text.substr(i, length);
    }
    i += length;
  }
  return result;
}

std::size_t characters(std::string_view text) {
  std::size_t n = 0;
  for (const char c : text) n += !continuation(static_cast<unsigned char>(c));
  return n;
}

std::string shortened(const std::string& text, std::size_t most) {
  if (characters(text) <= most) return text;
  std::size_t n = 0, end = 0;
  while (end < text.size()) {
    if (!continuation(static_cast<unsigned char>(text[end])) && ++n >= most) break;
    ++end;
  }
  return text.substr(0, end) + "…";
}

std::string pixels(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", std::round(value * 10) / 10 + 0.0);
  std::string result = text;
  if (result.ends_with(".0")) result.resize(result.size() - 2);
  return result == "-0" ? "0" : result;
}

void Svg::close(std::string_view element, std::string_view tip) {
  if (tip.empty()) {
    body_ += "/>\n";
  } else {
    body_ += "><title>" + escape(tip) + "</title></" + std::string(element) + ">\n";
  }
}

void Svg::line(Point from, Point to, std::string_view style, std::string_view tip) {
  body_ += "<line x1=\"" + pixels(from.x) + "\" y1=\"" + pixels(from.y) + "\" x2=\"" +
           pixels(to.x) + "\" y2=\"" + pixels(to.y) + "\" class=\"" + std::string(style) + "\"";
  close("line", tip);
}

void Svg::rect(Point corner, double width, double height, std::string_view style,
               std::string_view tip, double opacity, double radius) {
  body_ += "<rect x=\"" + pixels(corner.x) + "\" y=\"" + pixels(corner.y) + "\" width=\"" +
           pixels(width) + "\" height=\"" + pixels(height) + "\" class=\"" + std::string(style) +
           "\"";
  if (opacity < 1) {
    char text[40];
    std::snprintf(text, sizeof text, " fill-opacity=\"%.3g\"", opacity);
    body_ += text;
  }
  if (radius > 0) body_ += " rx=\"" + pixels(radius) + "\"";
  close("rect", tip);
}

void Svg::circle(Point centre, double radius, std::string_view style, std::string_view tip) {
  body_ += "<circle cx=\"" + pixels(centre.x) + "\" cy=\"" + pixels(centre.y) + "\" r=\"" +
           pixels(radius) + "\" class=\"" + std::string(style) + "\"";
  close("circle", tip);
}

void Svg::path(const std::vector<Point>& points, std::string_view style, bool closed,
               std::string_view tip) {
  if (points.empty()) return;
  body_ += "<path d=\"";
  for (std::size_t i = 0; i < points.size(); ++i) {
    body_ += (i == 0 ? "M" : "L") + pixels(points[i].x) + " " + pixels(points[i].y);
  }
  body_ += std::string(closed ? "Z" : "") + "\" class=\"" + std::string(style) + "\"";
  close("path", tip);
}

void Svg::text(Point at, const std::string& text, std::string_view style, Anchor anchor,
               std::string_view tip) {
  body_ += "<text x=\"" + pixels(at.x) + "\" y=\"" + pixels(at.y) + "\" class=\"" +
           std::string(style) + "\"" + anchor_name(anchor) + ">";
  if (!tip.empty()) body_ += "<title>" + escape(tip) + "</title>";
  body_ += escape(text) + "</text>\n";
}

void Svg::slanted(Point at, const std::string& text, std::string_view style) {
  const std::string x = pixels(at.x), y = pixels(at.y);
  body_ += "<text x=\"" + x + "\" y=\"" + y + "\" class=\"" + std::string(style) +
           "\" text-anchor=\"end\" transform=\"rotate(-45 " + x + " " + y + ")\">" + escape(text) +
           "</text>\n";
}

std::string Svg::opened(const std::string& id, const std::string& title,
                        const std::string& description, const std::string& further) const {
  return "<svg class=\"plot\" viewBox=\"0 0 " + pixels(width_) + " " + pixels(height_) + "\"" +
         further + " role=\"img\" aria-labelledby=\"" + id + "-t " + id + "-d\">\n<title id=\"" +
         id + "-t\">" + escape(title) + "</title>\n<desc id=\"" + id + "-d\">" +
         escape(description) + "</desc>\n";
}

std::string Svg::element(const std::string& id, const std::string& title,
                         const std::string& description) const {
  // Not narrower than its texts can be read: a small screen scrolls it sideways.
  const std::string size = " style=\"min-width:" + pixels(width_ * 0.92) +
                           "px;max-width:" + pixels(width_ * 1.15) + "px\"";
  return opened(id, title, description, size) + body_ + "</svg>\n";
}

std::string Svg::file(const std::string& title, const std::string& description) const {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" +
         opened("figure", title, description,
                " xmlns=\"http://www.w3.org/2000/svg\" width=\"" + pixels(width_) + "\" height=\"" +
                    pixels(height_) + "\"") +
         "<style>\n" + std::string(plot_colours()) + std::string(plot_rules()) +
         "</style>\n<rect width=\"100%\" height=\"100%\" class=\"paper\"/>\n" + body_ + "</svg>\n";
}

}  // namespace emosweep::results
