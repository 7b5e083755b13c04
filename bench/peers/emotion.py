"""What the peers share: the table, the folds, emosweep's models as plain PyTorch modules, one trial, the results as CSV.

A trial does what emosweep's does: fits imputation and scaling on the fold's training rows, trains (focal loss, AdamW, dropout
.3), scores the validation rows after every epoch, keeps the weights of the best macro-F1, scores the test rows once with
them.
"""
import csv
import functools
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

BATCH = 32
# First and last column of each modality: the RAVDESS table, and `emosweep prepare synthetic` with as many columns.
COLUMNS = [(("f0_mean", "rel_se0_sd"), ("anger_mean", "mouth_openness_std")), (("a0", "a68"), ("v0", "v55"))]


def one_thread():
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # as emosweep does


def read(table):
    """-> features of each modality [N, D] (float64, NaN where a cell is empty), labels [N], number of classes."""
    with open(table, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader)
        rows = list(reader)
    ranges = next(r for r in COLUMNS if r[0][0] in header)

    def columns(first, last):
        names = slice(header.index(first), header.index(last) + 1)
        return np.array([[float(v) if v.strip() not in ("", "NA", "nan") else np.nan for v in row[names]]
                         for row in rows])

    emotion = [row[header.index("emotion")] for row in rows]
    classes = sorted(set(emotion))
    return [columns(*r) for r in ranges], torch.tensor([classes.index(e) for e in emotion]), len(classes)


def read_folds(path):
    """What bench_fold_rows printed: emosweep's own folds."""
    return json.loads(Path(path).read_text())


def prepare(x, train):
    mean = np.nan_to_num(np.nanmean(x[train], 0))
    filled = np.where(np.isnan(x), mean, x)
    scale = filled[train].std(0)
    return torch.tensor((filled - filled[train].mean(0)) / np.where(scale > 0, scale, 1), dtype=torch.float32)


def inputs(model, tables, fold):
    """The prepared modalities that the model reads."""
    return [prepare(x, fold["train"]) for x in (tables[:1] if model == "mlp" else tables)]


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


def make_model(name, xs, hidden, classes):
    return MODELS[name]([x.shape[1] for x in xs], hidden, classes, 0.3)


def optimiser(parameters, **options):
    return torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01, **options)


def result(fold, seed, epoch, validation_score, test_score, accuracy):
    return {"fold": fold["fold"], "seed": seed, "best_epoch": epoch, "validation_macro_f1": validation_score,
            "test_macro_f1": test_score, "test_accuracy": accuracy}


def start_random(fold, seed):
    """Own weights and masks for every fold, as emosweep's: one draw shared by all would make their mean as noisy as one."""
    torch.manual_seed(1000 * seed + int(fold["fold"]))


def trial(name, hidden, epochs, data, fold, seed):
    """Idiomatic eager PyTorch."""
    tables, y, classes = data
    start_random(fold, seed)
    xs = inputs(name, tables, fold)
    train, validation, test = (torch.tensor(fold[part]) for part in ("train", "validation", "test"))
    model = make_model(name, xs, hidden, classes)
    optimizer = optimiser(model.parameters())
    best, best_epoch, weights = -1.0, 0, None

    def logits_of(rows):
        model.eval()
        with torch.inference_mode():
            return model([x[rows] for x in xs])

    for epoch in range(epochs):
        model.train()
        for rows in train[torch.randperm(len(train))].split(BATCH):
            optimizer.zero_grad()
            loss = focal(model([x[rows] for x in xs]), y[rows])
            loss.backward()
            optimizer.step()
        logits = logits_of(validation)
        focal(logits, y[validation]).item()  # emosweep's curves hold it
        score = macro_f1(logits.argmax(-1), y[validation], classes)
        if score > best:
            best, best_epoch = score, epoch
            weights = {key: value.clone() for key, value in model.state_dict().items()}
    model.load_state_dict(weights)
    predicted = logits_of(test).argmax(-1)
    return result(fold, seed, best_epoch, best, macro_f1(predicted, y[test], classes),
                  (predicted == y[test]).double().mean().item())


PLANNED = ("table", "folds", "model", "hidden", "epochs")


@functools.lru_cache
def data_of(table, folds):
    """Read once in each process that trains."""
    one_thread()
    return read(table), read_folds(folds)


def planned(options, fold, seed):
    """A trial in whatever process a sweep starts it; options holds what PLANNED names."""
    data, folds = data_of(options["table"], options["folds"])
    return trial(options["model"], options["hidden"], options["epochs"], data, folds[fold], seed)


def write_results(path, results):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(results[0]))
        writer.writeheader()
        writer.writerows(results)


def scores(results):
    """Mean test macro-F1 over the trials, and its standard error over the folds' means."""
    by_fold = {}
    for r in results:
        by_fold.setdefault(r["fold"], []).append(r["test_macro_f1"])
    means = [float(np.mean(v)) for v in by_fold.values()]
    error = float(np.std(means, ddof=1) / len(means) ** 0.5) if len(means) > 1 else None
    return {"test_macro_f1": float(np.mean([r["test_macro_f1"] for r in results])), "test_macro_f1_se": error}


def add_arguments(parser):
    parser.add_argument("table", help="combined_summary.csv, or samples.csv of a synthetic dataset")
    parser.add_argument("folds", help="what bench_fold_rows printed")
    parser.add_argument("--model", choices=MODELS, default="mlp")
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--results", help="CSV of the trials to write")
