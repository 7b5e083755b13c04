#!/usr/bin/env python3
"""text_training.py ENCODER MAX_LENGTH BATCH [--cuda] < texts: fine-tuning by transformers on one thread. "usual": every batch padded to
MAX_LENGTH, torch's AdamW as it comes; "best": sorted by length, padded to the longest of a batch, fused AdamW. --cuda: wall
time, on a GPU. JSON as bench_text_training."""
import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import torch  # noqa: E402
from transformers import AutoConfig, AutoModel, AutoTokenizer  # noqa: E402

torch.set_num_threads(1)
torch.manual_seed(1)
CUDA = "--cuda" in sys.argv
DEVICE, WARM_UP = ("cuda", 3) if CUDA else ("cpu", 1)
folder, length, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
texts = sys.stdin.read().split("\n")[:-1]
tokenizer = AutoTokenizer.from_pretrained(folder)


class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        weights = os.path.exists(os.path.join(folder, "model.safetensors"))
        self.encoder = (AutoModel.from_pretrained(folder, add_pooling_layer=False) if weights else
                        AutoModel.from_config(AutoConfig.from_pretrained(folder), add_pooling_layer=False))
        self.dropout, self.head = torch.nn.Dropout(.1), torch.nn.Linear(self.encoder.config.hidden_size, 5)

    def forward(self, batch):
        mask = batch["attention_mask"].unsqueeze(2)
        state = self.encoder(**batch).last_hidden_state
        return self.head(self.dropout((state * mask).sum(1) / mask.sum(1)))


def clock():
    if CUDA:
        torch.cuda.synchronize()
    return time.perf_counter() if CUDA else time.process_time()


def train(batches, padding, fused):
    model = Classifier().train().to(DEVICE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, weight_decay=.01, fused=fused)
    for i, some in enumerate(batches):
        if i == WARM_UP:
            start = clock()
        batch = dict(tokenizer(some, padding=padding, truncation=True, max_length=length, return_tensors="pt").to(DEVICE))
        loss = torch.nn.functional.cross_entropy(model(batch), (torch.arange(len(some)) % 5).to(DEVICE))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return clock() - start


cut = lambda some: [some[i:i + rows] for i in range(0, len(some) - rows + 1, rows)]
# The batches that warm up are the same; the others are neighbours in length.
bucketed = cut(texts)[:WARM_UP] + cut(sorted(texts[WARM_UP * rows:], key=lambda t: len(tokenizer.tokenize(t))))
result = {"best_s": train(bucketed, True, True)}
result["usual_s"] = train(cut(texts), "max_length", False)
print(json.dumps({"posts": (len(texts) // rows - WARM_UP) * rows} | result))
