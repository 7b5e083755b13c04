#include "data/description.h"

#include <algorithm>
#include <set>
#include <system_error>

#include "base/environment.h"
#include "data/audio/audio_description.h"
#include "data/description_reader.h"
#include "data/difficulty.h"
#include "data/target_description.h"

namespace emosweep::data {
namespace {

namespace fs = std::filesystem;

void read_groups(const Node& node, NodeReader& read, Description& d) {
  if (!read.is_map(node, "groups")) return;
  for (const Entry& entry : node.entries) {
    read.name({entry.key, entry.place}, "the group name");
    if (entry.key == "id") read.mistake(entry.place, "a group may not be called 'id'");
    const Written column = read.text(entry.value, "the column of group " + in_quotes(entry.key));
    if (column.given()) d.groups.emplace_back(entry.key, column);
  }
}

void read_metadata(const Node& node, NodeReader& read, Description& d) {
  if (node.kind == Node::Kind::list && node.items.empty()) return;
  d.metadata = read.texts(node, "metadata");
  std::set<std::string> seen{"id"};
  for (const auto& [name, column] : d.groups) seen.insert(name);
  for (const Written& name : d.metadata) {
    read.name(name, "the metadata column");
    if (!seen.insert(name.text).second)
      read.mistake(name.place, "metadata: " + in_quotes(name.text) +
                                   " is there already (as a group, as the id, or given twice)");
  }
}

void read_splits(const Node& node, NodeReader& read, Description& d) {
  if (!read.is_map(node, "splits")) return;
  read.keys(node, "splits", {"column", "files"});
  const Entry* column = node.find("column");
  const Entry* files = node.find("files");
  if ((column == nullptr) == (files == nullptr)) {
    read.mistake(node.place, "splits needs either 'column' or 'files'");
    return;
  }
  if (column != nullptr) {
    d.split = read.text(column->value, "splits' column");
    return;
  }
  if (!read.is_map(files->value, "splits' files")) return;
  read.keys(files->value, "splits' files", {"train", "validation", "test"});
  for (const char* part : {"train", "validation", "test"}) {
    if (const Entry* entry = files->value.find(part)) {
      const Written file = read.text(entry->value, std::string("the file of ") + part);
      if (file.given()) d.tables.push_back({file, {}, part});
    } else if (std::string(part) != "validation") {
      read.mistake(files->place, std::string("splits' files has no '") + part + "'");
    }
  }
}

void read_validation(const Node& node, NodeReader& read, Description& d) {
  if (!read.is_map(node, "validation")) return;
  read.keys(node, "validation", {"from", "groups", "fraction"});
  if (const Entry* from = node.find("from"))
    read.choice(from->value, "from", {"train"});
  else
    read.mistake(node.place, "validation has no 'from: train'");
  const Entry* groups = node.find("groups");
  const Entry* fraction = node.find("fraction");
  if ((groups == nullptr) == (fraction == nullptr)) {
    read.mistake(node.place, "validation needs either 'groups' (a count) or 'fraction'");
    return;
  }
  d.validation.given = true;
  if (groups != nullptr) {
    const auto count = integer(groups->value);
    if (!count || *count < 1)
      read.mistake(groups->value.place, "validation's groups is not a whole number of at least 1");
    d.validation.groups = count.value_or(1);
  } else {
    const auto share = number(fraction->value);
    if (!share || !(*share > 0 && *share < 1))
      read.mistake(fraction->value.place, "validation's fraction is not a number between 0 and 1");
    d.validation.fraction = share.value_or(.5);
  }
}

// `encoder` may hold ${NAME}; it is relative to the description.
void read_embeddings(const Written& name, const Node& node, const std::string& owner,
                     NodeReader& read, Mistakes& mistakes, Description& d) {
  read.keys(node, owner, {"kind", "columns", "encoder", "pooling", "max_length"}, {"where"});
  ModalityDescription own{name, {}, "embeddings", {}, {}};
  if (const Entry* columns = node.find("columns"))
    own.columns = read.texts(columns->value, "the columns of " + owner);
  else
    read.mistake(name.place, owner + " has no 'columns'");
  if (const Entry* encoder = node.find("encoder")) {
    const Written written = read.text(encoder->value, "the encoder of " + owner);
    const std::string text = written.given() ? expand_environment(written, mistakes) : "";
    own.embedding.encoder = fs::absolute(d.file.parent_path() / text).lexically_normal();
    std::error_code code;
    if (!text.empty() && !fs::is_directory(own.embedding.encoder, code))
      read.mistake(written.place, owner + ": there is no folder " +
                                      in_quotes(own.embedding.encoder.string()) +
                                      "; an encoder is a folder as Hugging Face has it");
  } else {
    read.mistake(name.place, owner + " has no 'encoder'");
  }
  if (const Entry* pooling = node.find("pooling")) {
    const auto chosen = read.choice(pooling->value, "pooling", {"mean", "cls"});
    own.embedding.pooling = chosen == std::optional<std::size_t>(1) ? "cls" : "mean";
  }
  if (const Entry* length = node.find("max_length")) {
    const auto tokens = integer(length->value);
    if (!tokens || *tokens < 2 || *tokens > 1 << 20)
      read.mistake(length->value.place, "max_length is not a whole number of at least 2");
    own.embedding.max_length = tokens.value_or(128);
  }
  if (!own.columns.empty()) d.modalities.push_back(std::move(own));
}

void read_modality(const Entry& entry, NodeReader& read, Mistakes& mistakes, Description& d) {
  const std::string owner = "modality " + in_quotes(entry.key);
  const Written name{entry.key, entry.place};
  read.name(name, "the modality");
  if (entry.key == "both" || entry.key == "all")
    read.mistake(entry.place, "a modality may not be called " + in_quotes(entry.key));
  if (!read.is_map(entry.value, owner)) return;
  const Entry* kind = entry.value.find("kind");
  if (kind == nullptr) {
    read.mistake(entry.place, owner + " has no 'kind'");
    return;
  }
  const std::vector<std::string> kinds{"features", "audio", "statistics", "embeddings",
                                       "text",     "image", "video",      "sequence"};
  const auto chosen = read.choice(kind->value, "the kind of " + owner, kinds);
  if (!chosen) return;
  if (*chosen > 4) {
    read.mistake(kind->value.place,
                 "modalities of kind " + in_quotes(kinds[*chosen]) +
                     " do not exist yet; 'features', 'audio', 'statistics', 'embeddings' and "
                     "'text' do");
    return;
  }
  if (*chosen == 3) {
    read_embeddings(name, entry.value, owner, read, mistakes, d);
    return;
  }
  if (*chosen != 0 && *chosen != 4) {
    const AudioOptions audio = read_audio(entry.value, owner, *chosen == 2, read);
    const Entry* column = entry.value.find("column");
    if (column == nullptr) {
      read.mistake(entry.place, owner + " has no 'column'");
      return;
    }
    const Written path = read.text(column->value, "the column of " + owner);
    if (path.given()) d.modalities.push_back({name, {path}, kinds[*chosen], audio, {}});
    return;
  }
  read.keys(entry.value, owner, {"kind", "columns"}, {"where"});
  const Entry* columns = entry.value.find("columns");
  if (columns == nullptr) {
    read.mistake(entry.place, owner + " has no 'columns'");
    return;
  }
  d.modalities.push_back(
      {name, read.texts(columns->value, "the columns of " + owner), kinds[*chosen], {}, {}});
}

void read_table_form(const Node& tree, NodeReader& read, Description& d) {
  if (const Entry* header = tree.find("header")) {
    std::set<std::string> seen;
    for (const Written& name : read.texts(header->value, "header")) {
      if (!seen.insert(name.text).second)
        read.mistake(name.place, "header: the column " + in_quotes(name.text) + " is given twice");
      d.header.push_back(name.text);
    }
  }
  if (const Entry* quote = tree.find("quote"))
    d.quotes = read.choice(quote->value, "quote", {"none", "double"}) != 0;
  if (const Entry* delimiter = tree.find("delimiter")) {
    const Node& node = delimiter->value;
    const std::string& text = node.scalar;
    const std::map<std::string, char> names{
        {"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"\\t", '\t'}, {"space", ' '}};
    if (const auto found = names.find(text); found != names.end())
      d.delimiter = found->second;
    else if (text.size() == 1 && static_cast<unsigned char>(text[0]) < 0x80 && text[0] != '"' &&
             text[0] != '\n' && text[0] != '\r')
      d.delimiter = text[0];
    else
      read.mistake(node.place,
                   "delimiter is not one ASCII character, nor comma, semicolon, tab or space");
  }
  if (const Entry* inf = tree.find("inf"))
    d.inf_is_missing = read.choice(inf->value, "inf", {"error", "missing"}) == 1;
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  const auto end = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end.first == folder.end();
}

void resolve_paths(const Node& tree, NodeReader& read, Mistakes& mistakes, Description& d) {
  const fs::path folder = d.file.parent_path();
  d.root = folder.empty() ? "." : folder;
  Place root_place{d.file.string(), 0, 0};
  if (const Entry* root = tree.find("root")) {
    const Written written = read.text(root->value, "root");
    if (!written.given()) return;
    root_place = written.place;
    const std::string text = expand_environment(written, mistakes);
    if (text.empty()) return;
    d.root = (folder / text).lexically_normal();
  }
  std::error_code code;
  const fs::path root = fs::canonical(d.root, code);
  if (code || !fs::is_directory(root, code)) {
    mistakes.add(root_place, "root: there is no folder " + in_quotes(d.root.string()));
    return;
  }
  // Where a file inside the root stands; empty where a mistake says why there is none.
  const auto resolved = [&](const Written& file) -> fs::path {
    const std::string text = expand_environment(file, mistakes);
    if (text.empty()) return {};
    const fs::path path = (d.root / text).lexically_normal();
    const fs::path real = fs::weakly_canonical(d.root / text, code);
    if (code || !is_inside(real, root)) {
      mistakes.add(file.place,
                   in_quotes(text) + " is a path out of the root " + in_quotes(root.string()));
    } else if (!fs::is_regular_file(real, code)) {
      mistakes.add(file.place, "there is no file " + in_quotes(path.string()));
    } else {
      return path;
    }
    return {};
  };
  for (TableDescription& table : d.tables) table.path = resolved(table.file);
  // Whoever predicts needs no classes: the model knows them.
  if (d.target.class_file.given() && d.labels == Labels::needed)
    read_class_file(resolved(d.target.class_file), d.target, mistakes);
}

}  // namespace

std::string expand_environment(const Written& value, Mistakes& mistakes) {
  return emosweep::expand_environment(value.text, value.place, mistakes);
}

Description read_description(const std::filesystem::path& file, Mistakes& mistakes, Labels labels) {
  Description d;
  d.labels = labels;
  d.file = file;
  NodeReader read(mistakes);
  const Node tree = read_document(file, mistakes);
  const Place whole{file.string(), 1, 1};
  if (tree.kind != Node::Kind::map) {
    mistakes.add(whole, "the description is not a map of keys and values");
    return d;
  }
  read.keys(tree, "a dataset",
            {"name", "samples", "root", "header", "quote", "delimiter", "id", "label", "aspects",
             "groups", "metadata", "difficulty", "splits", "modalities", "validation", "duplicates",
             "inf"},
            {"targets", "path_style"});
  const auto given = [&](const char* key) {
    const Entry* entry = tree.find(key);
    return entry == nullptr ? nullptr : &entry->value;
  };
  d.name = fs::absolute(file).parent_path().filename().string();
  if (const Node* node = given("name")) {
    const Written name = read.text(*node, "name");
    read.name(name, "the name");
    d.name = name.text;
  }
  if (const Node* node = given("id")) d.id = read.text(*node, "id");
  if (const Node* node = given("label")) read_label(*node, read, d.target);
  if (const Node* node = given("aspects")) {
    if (given("label") != nullptr)
      mistakes.add(node->place, "give 'label' or 'aspects', not both");
    else
      read_aspects(*node, read, d.target);
  } else if (labels == Labels::needed && given("label") == nullptr && given("targets") == nullptr) {
    mistakes.add(whole, "the dataset has no 'label' and no 'aspects'");
  }
  if (const Node* node = given("groups")) read_groups(*node, read, d);
  if (const Node* node = given("metadata")) read_metadata(*node, read, d);
  if (const Node* node = given("difficulty")) d.difficulty = read_difficulty(*node, read);
  if (const Node* node = given("splits")) read_splits(*node, read, d);
  if (const Node* node = given("validation")) read_validation(*node, read, d);
  if (const Node* node = given("duplicates")) {
    const auto chosen = read.choice(*node, "duplicates", {"refuse", "drop_from_train", "allow"});
    d.duplicates_given = chosen.has_value();
    d.duplicates = static_cast<Duplicates>(chosen.value_or(0));
  }
  const Node* modalities = given("modalities");
  if (modalities == nullptr)
    mistakes.add(whole, "the dataset has no 'modalities'");
  else if (read.is_map(*modalities, "modalities")) {
    if (modalities->entries.empty()) mistakes.add(modalities->place, "'modalities' is empty");
    for (const Entry& entry : modalities->entries) read_modality(entry, read, mistakes, d);
  }
  read_table_form(tree, read, d);
  const Node* samples = given("samples");
  if (samples != nullptr && !d.tables.empty())
    mistakes.add(samples->place, "give 'samples' or splits' 'files', not both");
  else if (samples != nullptr) {
    const Written table = read.text(*samples, "samples");
    if (table.given()) d.tables.push_back({table, {}, ""});
  } else if (d.tables.empty() && given("splits") == nullptr) {
    mistakes.add(whole, "the dataset has no 'samples'");
  } else if (d.split.given()) {
    mistakes.add(whole, "the dataset has no 'samples'");
  }
  if (d.validation.given && given("splits") == nullptr)
    mistakes.add(given("validation")->place, "'validation' without 'splits' is never read");
  resolve_paths(tree, read, mistakes, d);
  check_target(d, mistakes);
  return d;
}

}  // namespace emosweep::data
