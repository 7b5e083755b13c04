// From text columns to embeddings, encoded once and cached, or to texts that a model reads.
// Internal to data/.
#pragma once

#include <vector>

#include "data/audio/load_clips.h"
#include "data/dataset.h"
#include "data/hash_cache.h"
#include "data/text/embeddings.h"

namespace emosweep::data {

// Fills `modality` for the dataset's rows. cells: the texts of all rows of the tables, which share
// one cache file: <cache>/embeddings/<hash>.emb, named by the encoder's files, the options and the
// texts. Adds what the samples are to `hash`, and to the dataset's warnings where texts say what
// their label is called (labels: needed). InputError: no such encoder.
void load_embeddings(const std::vector<MediaCell>& cells, const EmbeddingOptions& options,
                     HashCache* cache, TextEmbedder& embedder, Labels labels, Dataset& dataset,
                     Modality& modality, Sha256& hash);

// The same of kind text: the texts as they are. No InputError.
void load_texts(const std::vector<MediaCell>& cells, Labels labels, Dataset& dataset,
                Modality& modality, Sha256& hash);

}  // namespace emosweep::data
