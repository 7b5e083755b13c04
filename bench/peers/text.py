#!/usr/bin/env python3
"""text.py ENCODER MAX_LENGTH < texts: the same with tokenizers and transformers on one thread. "usual": batches of 32 padded to
MAX_LENGTH, as most scripts do; "bucketed": sorted by length, padded to the longest of a batch. JSON as bench_text."""
import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import torch  # noqa: E402
from transformers import AutoModel, AutoTokenizer  # noqa: E402

torch.set_num_threads(1)
folder, length = sys.argv[1], int(sys.argv[2])
texts = sys.stdin.read().split("\n")[:-1]
tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


def cpu(work):
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def one_by_one():
    return sum(len(tokenizer.backend_tokenizer.encode(t).ids) for t in texts)


@torch.no_grad()
def embed(some, padding):
    total = 0.0
    for i in range(0, len(some), 32):
        batch = tokenizer(some[i:i + 32], padding=padding, truncation=True, max_length=length, return_tensors="pt")
        state = model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(2)
        total += ((state * mask).sum(1) / mask.sum(1)).double().sum().item()
    return total


tokenizer.backend_tokenizer.enable_truncation(length)
tokenizer.backend_tokenizer.no_padding()
one_by_one()
tokens_s, tokens = cpu(one_by_one)
embed(texts[:32], "max_length")
usual_s, usual = cpu(lambda: embed(texts, "max_length"))
bucketed_s, bucketed = cpu(lambda: embed(sorted(texts, key=len), True))
print(json.dumps({"texts": len(texts), "tokens": tokens, "tokenize_s": tokens_s, "usual_s": usual_s, "bucketed_s": bucketed_s,
                  "sum": usual, "sum_bucketed": bucketed}))
