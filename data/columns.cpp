#include "data/columns.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "data/description_reader.h"

namespace emosweep::data {
namespace {

using Index = std::unordered_map<std::string, int>;

Index index_of(const std::vector<std::string>& header) {
  Index index;
  for (std::size_t i = 0; i < header.size(); ++i) index.emplace(header[i], static_cast<int>(i));
  return index;
}

class Resolver {
 public:
  Resolver(const std::vector<std::string>& header, const std::string& table, Mistakes& mistakes)
      : header_(header), index_(index_of(header)), table_(table), mistakes_(mistakes) {}

  int column(const std::string& name, const Place& place, const std::string& what) {
    const auto found = index_.find(name);
    if (found != index_.end()) return found->second;
    mistakes_.add(place, what + ": the table " + in_quotes(table_) + " has no column " +
                             in_quotes(name) + hint(name, header_));
    return -1;
  }

  // The columns that one element of `columns:` means: a name, `a .. b` or a glob.
  std::vector<int> columns(const Written& element) {
    const std::string& text = element.text;
    if (const auto found = index_.find(text); found != index_.end()) return {found->second};
    const std::size_t dots = text.find("..");
    if (dots != std::string::npos) {
      const std::string first(trimmed(std::string_view(text).substr(0, dots)));
      const std::string last(trimmed(std::string_view(text).substr(dots + 2)));
      const int begin = column(first, element.place, "the range's begin");
      const int end = column(last, element.place, "the range's end");
      if (begin < 0 || end < 0) return {};
      std::vector<int> all;
      for (int i = begin; i <= end; ++i) all.push_back(i);
      if (all.empty())
        mistakes_.add(element.place, "the range " + in_quotes(text) + ": " + in_quotes(last) +
                                         " stands before " + in_quotes(first) + " in the header");
      return all;
    }
    std::vector<int> all;
    if (text.find_first_of("*?") == std::string::npos) {
      column(text, element.place, "columns");
      return all;
    }
    for (std::size_t i = 0; i < header_.size(); ++i)
      if (matches_glob(text, header_[i])) all.push_back(static_cast<int>(i));
    if (all.empty())
      mistakes_.add(element.place,
                    "no column of " + in_quotes(table_) + " matches " + in_quotes(text));
    return all;
  }

  const std::vector<std::string>& header() const { return header_; }

 private:
  const std::vector<std::string>& header_;
  Index index_;
  std::string table_;
  Mistakes& mistakes_;
};

std::vector<Layout::Filter> filters(const std::map<std::string, std::vector<std::string>>& wanted,
                                    const std::string& key, Resolver& resolver) {
  std::vector<Layout::Filter> found;
  for (const auto& [name, values] : wanted) {
    Layout::Filter filter{resolver.column(name, Place{}, key), {}};
    for (const std::string& value : values) filter.values.emplace_back(trimmed(value));
    std::sort(filter.values.begin(), filter.values.end());
    found.push_back(std::move(filter));
  }
  return found;
}

// Labels of samples to be predicted need not be there.
std::vector<int> target_columns(const Description& d, const std::vector<std::string>& header,
                                const std::string& table, Mistakes& mistakes) {
  Mistakes unheard;
  Resolver resolver(header, table, d.labels == Labels::needed ? mistakes : unheard);
  std::vector<int> all;
  for (const Written& element : d.target.columns)
    for (const int column : resolver.columns(element)) {
      if (std::find(all.begin(), all.end(), column) == all.end())
        all.push_back(column);
      else if (d.labels == Labels::needed)
        mistakes.add(element.place, "the label's column " +
                                        in_quotes(header[static_cast<std::size_t>(column)]) +
                                        " is given twice");
    }
  return all;
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {  // let the latest star take one more
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Layout resolve_columns(const Description& d, const RowSelection& selection,
                       const std::vector<std::string>& header, const std::string& table,
                       Mistakes& mistakes) {
  Layout layout;
  Resolver resolver(header, table, mistakes);
  std::unordered_map<int, std::string> owner;  // of columns that no modality may use
  const auto take = [&](const Written& name, const std::string& what) {
    const int column = name.given() ? resolver.column(name.text, name.place, what) : -1;
    if (column >= 0) owner.emplace(column, what);
    return column;
  };
  const Written& label = d.target.column;
  const bool labelled = d.labels == Labels::needed ||
                        std::find(header.begin(), header.end(), label.text) != header.end();
  if (labelled) layout.label = take(label, "the label");
  layout.targets = target_columns(d, header, table, mistakes);
  for (const int column : layout.targets) owner.emplace(column, "the label");
  layout.id = take(d.id, "the id");
  layout.split = take(d.split, "the split");
  for (const auto& [name, column] : d.groups)
    layout.groups.push_back(take(column, "the group " + in_quotes(name)));
  for (const Written& name : d.metadata)
    layout.metadata.push_back(resolver.column(name.text, name.place, "metadata"));
  // Like the label, what difficulty follows from is known of training data only.
  for (const Written& name : d.difficulty.columns)
    if (d.labels == Labels::needed) layout.difficulty.push_back(take(name, "the difficulty"));
  std::set<int> media;  // columns of paths and texts
  for (const ModalityDescription& modality : d.modalities) {
    const std::string self = "modality " + in_quotes(modality.name.text);
    std::vector<int> all;
    if (modality.media()) {
      // A path or text may be the sample's name, and serve several modalities; it is no other
      // thing.
      for (const Written& name : modality.columns) {
        const int column = resolver.column(name.text, name.place, self);
        const auto old = owner.find(column);
        if (old != owner.end() && old->second != "the id" && !media.contains(column))
          mistakes.add(name.place, self + ": " + in_quotes(name.text) +
                                       " is a column that it may not use: " + old->second);
        if (column >= 0) {
          owner.emplace(column, self);
          media.insert(column);
        }
        all.push_back(column);
      }
      layout.modalities.push_back(std::move(all));
      continue;
    }
    for (const Written& element : modality.columns) {
      std::vector<std::string> taken;  // one message an element, however many columns it hits
      for (const int column : resolver.columns(element)) {
        const std::string name = header[static_cast<std::size_t>(column)];
        const auto [old, fresh] = owner.emplace(column, self);
        if (!fresh)
          taken.push_back(in_quotes(name) + " (" +
                          (old->second == self ? "given twice" : old->second) + ")");
        else if (name.empty())
          taken.push_back("number " + std::to_string(column + 1) + " (it has no name)");
        else
          all.push_back(column);
      }
      if (taken.empty()) continue;
      const std::size_t count = taken.size();
      if (count > 5) taken.resize(5);
      mistakes.add(element.place,
                   self + ": " + in_quotes(element.text) +
                       " reaches columns that it may not use: " + listed(taken) +
                       (count > 5 ? ", ... " + std::to_string(count) + " in all" : ""));
    }
    std::sort(all.begin(), all.end());
    layout.modalities.push_back(std::move(all));
  }
  layout.where = filters(selection.where, "where", resolver);
  layout.exclude = filters(selection.exclude, "exclude", resolver);
  return layout;
}

Layout same_columns(const Layout& layout, const std::vector<std::string>& header,
                    const TableReader& other, TableMistakes& mistakes) {
  const Index index = index_of(other.header());
  Layout same = layout;
  std::set<std::string> missing;
  const auto move = [&](int& column) {
    if (column < 0) return;
    const std::string& name = header[static_cast<std::size_t>(column)];
    const auto found = index.find(name);
    if (found == index.end()) missing.insert(name);
    column = found == index.end() ? -1 : found->second;
  };
  move(same.id);
  move(same.label);
  move(same.split);
  for (int& column : same.targets) move(column);
  for (int& column : same.groups) move(column);
  for (int& column : same.metadata) move(column);
  for (int& column : same.difficulty) move(column);
  for (auto& modality : same.modalities)
    for (int& column : modality) move(column);
  for (auto& filter : same.where) move(filter.column);
  for (auto& filter : same.exclude) move(filter.column);
  for (const std::string& name : missing)
    mistakes.add({other.file(), 1, 0},
                 "the table has no column " + in_quotes(name) + hint(name, other.header()));
  return same;
}

}  // namespace emosweep::data
