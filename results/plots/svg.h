// Drawing for the report: SVG elements that name classes of style.h and no colours, so that one
// drawing serves light, dark and paper. Private to results/.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace emosweep::results {

// Text for HTML and SVG, as content and as attribute: & < > " ' are escaped, characters that XML
// forbids become U+FFFD, as does a broken encoding.
std::string escape(std::string_view text);

// Characters, not bytes; the longest texts are cut with an ellipsis.
std::size_t characters(std::string_view text);
std::string shortened(const std::string& text, std::size_t most);

struct Point {
  double x = 0, y = 0;
};

enum class Anchor { start, middle, end };

// Coordinates in pixels from the upper left corner. `tip` is shown by a browser that points at the
// element; texts are escaped here.
class Svg {
 public:
  Svg(double width, double height) : width_(width), height_(height) {}

  void line(Point from, Point to, std::string_view style, std::string_view tip = "");
  // opacity in [0, 1]: how much of a heat colour shows.
  void rect(Point corner, double width, double height, std::string_view style,
            std::string_view tip = "", double opacity = 1, double radius = 0);
  void circle(Point centre, double radius, std::string_view style, std::string_view tip = "");
  void path(const std::vector<Point>& points, std::string_view style, bool closed = false,
            std::string_view tip = "");
  void text(Point at, const std::string& text, std::string_view style,
            Anchor anchor = Anchor::start, std::string_view tip = "");
  // Turned by 45 degrees to the left of its end: for labels below a narrow column.
  void slanted(Point at, const std::string& text, std::string_view style);

  double width() const { return width_; }
  double height() const { return height_; }
  // <svg> for a page that has the rules of style.h. Title and description are for those who cannot
  // see it; `id` makes their ids unique in the page.
  std::string element(const std::string& id, const std::string& title,
                      const std::string& description) const;
  // The same as a file of its own, with the rules in it.
  std::string file(const std::string& title, const std::string& description) const;

 private:
  void close(std::string_view element, std::string_view tip);
  std::string opened(const std::string& id, const std::string& title,
                     const std::string& description, const std::string& further) const;

  double width_, height_;
  std::string body_;
};

// "12.5", without needless digits.
std::string pixels(double value);

}  // namespace emosweep::results
