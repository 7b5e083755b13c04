#!/usr/bin/env python3
"""One trial of emosweep's models in idiomatic eager PyTorch, on one thread: the peer of bench/'s trial timings.

  bench/peers/eager_trial.py CSV [--model mlp|gated|cross_attention] [--hidden 64] [--epochs 50] [--repeats 3]

CSV is combined_summary.csv of the RAVDESS audio-visual features. Fold 1 of LOSO: the first actor is tested, the next one
validates, the other 22 train (330 clips). Prints one JSON line: CPU seconds per trial without imports and without reading
the CSV (each repeat and their median), the last validation loss and macro-F1.
"""
import argparse
import csv
import json
import statistics
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

AUDIO, VISUAL = ("f0_mean", "rel_se0_sd"), ("anger_mean", "mouth_openness_std")


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader)
        rows = list(reader)

    def columns(first, last):
        names = slice(header.index(first), header.index(last) + 1)
        return np.array([[float(v) if v.strip() not in ("", "NA", "nan") else np.nan for v in row[names]]
                         for row in rows])

    text = {name: [row[header.index(name)] for row in rows] for name in ("emotion", "actor")}
    classes = sorted(set(text["emotion"]))
    return ([columns(*AUDIO), columns(*VISUAL)],
            np.array([classes.index(e) for e in text["emotion"]]), np.array(text["actor"]), len(classes))


def prepare(x, train):
    mean = np.nan_to_num(np.nanmean(x[train], 0))
    filled = np.where(np.isnan(x), mean, x)
    scale = filled[train].std(0)
    return torch.tensor((filled - filled[train].mean(0)) / np.where(scale > 0, scale, 1), dtype=torch.float32)


class Encoder(nn.Sequential):
    def __init__(self, width, hidden, dropout):
        super().__init__(nn.Linear(width, hidden), nn.LayerNorm(hidden), nn.ReLU(), nn.Dropout(dropout))


class Mlp(nn.Module):
    """One modality: audio."""

    def __init__(self, widths, hidden, classes, dropout):
        super().__init__()
        self.encoder = Encoder(widths[0], hidden, dropout)
        self.head = nn.Linear(hidden, classes)

    def forward(self, xs):
        return self.head(self.encoder(xs[0]))


class Gated(nn.Module):
    def __init__(self, widths, hidden, classes, dropout):
        super().__init__()
        self.encoders = nn.ModuleList(Encoder(w, hidden, dropout) for w in widths)
        self.gate = nn.Sequential(nn.Linear(len(widths) * hidden, hidden), nn.ReLU(), nn.Linear(hidden, len(widths)))
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, classes)

    def forward(self, xs):
        hs = [encoder(x) for encoder, x in zip(self.encoders, xs)]
        gates = self.gate(torch.cat(hs, -1)).softmax(-1)
        return self.head(self.norm((gates.unsqueeze(-1) * torch.stack(hs, -2)).sum(-2)))


class Attention(nn.Module):
    """Multi-head attention without a key bias: its true gradient is zero."""

    def __init__(self, hidden, heads):
        super().__init__()
        self.heads = heads
        self.query, self.value = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)
        self.key = nn.Linear(hidden, hidden, bias=False)
        self.out = nn.Linear(hidden, hidden)

    def forward(self, own, others):
        def split(x):
            return x.unflatten(-1, (self.heads, -1)).transpose(-2, -3)

        mixed = F.scaled_dot_product_attention(split(self.query(own)), split(self.key(others)), split(self.value(others)))
        return self.out(mixed.transpose(-2, -3).flatten(-2))


class CrossAttention(nn.Module):
    def __init__(self, widths, hidden, classes, dropout, tokens=8, heads=4):
        super().__init__()
        count = len(widths)
        self.tokens = tokens
        self.encoders = nn.ModuleList(Encoder(w, hidden, dropout) for w in widths)
        self.to_tokens = nn.ModuleList(nn.Linear(hidden, tokens * hidden) for _ in widths)
        self.embedding = nn.ParameterList(nn.Parameter(0.02 * torch.randn(tokens, hidden)) for _ in widths)
        self.attention = nn.ModuleList(Attention(hidden, heads) for _ in widths)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in widths)
        self.join = Encoder(count * hidden, hidden, dropout)
        self.head = nn.Linear(hidden, classes)

    def forward(self, xs):
        tokens = [to(encoder(x)).unflatten(-1, (self.tokens, -1)) + embedding
                  for x, encoder, to, embedding in zip(xs, self.encoders, self.to_tokens, self.embedding)]
        pooled = []
        for m, own in enumerate(tokens):
            others = torch.cat([t for k, t in enumerate(tokens) if k != m], -2)
            pooled.append(self.norms[m](own + self.attention[m](own, others)).mean(-2))
        return self.head(self.join(torch.cat(pooled, -1)))


MODELS = {"mlp": Mlp, "gated": Gated, "cross_attention": CrossAttention}


def focal(logits, target, gamma=2.0):
    log_p = F.log_softmax(logits, -1).gather(-1, target.unsqueeze(-1)).squeeze(-1)
    return (-(1 - log_p.exp()) ** gamma * log_p).mean()


def macro_f1(predicted, truth, classes):
    confusion = torch.bincount(truth * classes + predicted, minlength=classes * classes).view(classes, classes)
    hits = confusion.diag().double()
    return (2 * hits / (confusion.sum(0) + confusion.sum(1)).clamp(min=1)).mean().item()


def train(arguments, xs, y, train_rows, validation_rows, classes, seed):
    torch.manual_seed(seed)
    model = MODELS[arguments.model]([x.shape[1] for x in xs], arguments.hidden, classes, 0.3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    for _ in range(arguments.epochs):
        model.train()
        for rows in train_rows[torch.randperm(len(train_rows))].split(32):
            optimizer.zero_grad()
            loss = focal(model([x[rows] for x in xs]), y[rows])
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model([x[validation_rows] for x in xs])
            loss = focal(logits, y[validation_rows]).item()
            score = macro_f1(logits.argmax(-1), y[validation_rows], classes)
    return loss, score


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv")
    parser.add_argument("--model", choices=MODELS, default="mlp")
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # as emosweep does

    tables, labels, actors, classes = read(arguments.csv)
    names = sorted(set(actors), key=int)
    test, validation = names[0], names[1]
    rows = {"train": np.flatnonzero((actors != test) & (actors != validation)),
            "validation": np.flatnonzero(actors == validation)}
    xs = [prepare(x, rows["train"]) for x in tables]
    y = torch.tensor(labels)
    split = {name: torch.tensor(index) for name, index in rows.items()}
    train(argparse.Namespace(**{**vars(arguments), "epochs": 1}), xs, y, split["train"], split["validation"], classes, 0)
    seconds = []
    for seed in range(1, arguments.repeats + 1):
        start = time.process_time()
        loss, score = train(arguments, xs, y, split["train"], split["validation"], classes, seed)
        seconds.append(time.process_time() - start)
    print(json.dumps({"peer": f"PyTorch {torch.__version__} eager", "model": arguments.model, "hidden": arguments.hidden,
                      "train_rows": len(rows["train"]), "epochs": arguments.epochs, "cpu_seconds": seconds,
                      "cpu_seconds_median": statistics.median(seconds), "validation_loss": loss,
                      "validation_macro_f1": score}))


if __name__ == "__main__":
    main()
