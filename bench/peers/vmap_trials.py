#!/usr/bin/env python3
"""The same trials, all at once: torch.func.vmap over stacked parameters. PyTorch's own way to train many small models.

  bench/peers/vmap_trials.py TABLE FOLDS [--model ...] [--hidden 64] [--epochs 50] [--adamw fused|foreach]
                             [--attention sdpa|matmul] [--seed 1] [--results OUT.csv]

One pack of all folds (24). Gradients by vmap(grad), one AdamW over the stacked tensors (its
steps are element by element, so stacking changes nothing), every trial keeps its own best epoch. Prints what
eager_trial.py prints; CPU seconds are those of the pack over its trials.
"""
import argparse
import copy
import json
import time

import torch
from torch.func import functional_call, grad_and_value, stack_module_state, vmap

import emotion


class Attention(emotion.Attention):
    """Written out: scaled_dot_product_attention may have no kernel under vmap's extra axis."""

    def forward(self, own, others):
        def split(x):
            return x.unflatten(-1, (self.heads, -1)).transpose(-2, -3)

        q, k, v = split(self.query(own)), split(self.key(others)), split(self.value(others))
        weights = ((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)).softmax(-1)
        return self.out((weights @ v).transpose(-2, -3).flatten(-2))


def macro_f1(predicted, truth, classes):
    """[K, n] -> [K], as emotion.macro_f1."""
    count = predicted.shape[0]
    cell = (torch.arange(count).unsqueeze(-1) * classes + truth) * classes + predicted
    confusion = torch.bincount(cell.flatten(), minlength=count * classes * classes).view(count, classes, classes)
    hits = confusion.diagonal(dim1=1, dim2=2).double()
    return (2 * hits / (confusion.sum(1) + confusion.sum(2)).clamp(min=1)).mean(-1)


class Pack:
    """K models of one shape, their inputs and their optimiser."""

    def __init__(self, arguments, data, folds):
        tables, self.y, self.classes = data
        per_fold = [emotion.inputs(arguments.model, tables, fold) for fold in folds]
        self.xs = [torch.stack(x) for x in zip(*per_fold)]  # [K, N, D]
        self.trial = torch.arange(len(folds)).unsqueeze(-1)
        models = []
        for fold in folds:
            emotion.start_random(fold, arguments.seed)
            models.append(emotion.make_model(arguments.model, per_fold[0], arguments.hidden, self.classes))
        self.parameters, self.buffers = stack_module_state(models)
        skeleton = copy.deepcopy(models[0]).to("meta")

        def forward(parameters, xs):
            return functional_call(skeleton, parameters, (xs,))

        self.skeleton = skeleton
        self.step = vmap(grad_and_value(lambda p, xs, y: emotion.focal(forward(p, xs), y)), randomness="different")
        self.forward = vmap(forward)
        self.optimizer = emotion.optimiser(self.parameters.values(), **{arguments.adamw: True})

    def rows(self, index):
        return [x[self.trial, index] for x in self.xs], self.y[index]

    def train(self, index):
        """One step; index [K, b]."""
        gradients, _ = self.step(self.parameters, *self.rows(index))
        for name, parameter in self.parameters.items():
            parameter.grad = gradients[name]
        self.optimizer.step()

    def evaluate(self, index, parameters=None):
        xs, y = self.rows(index)
        with torch.no_grad():
            return self.forward(parameters or self.parameters, xs), y


def train_pack(arguments, data, folds, epochs):
    pack = Pack(arguments, data, folds)
    train, validation, test = (torch.tensor([fold[part] for fold in folds]) for part in ("train", "validation", "test"))
    best = torch.full((len(folds),), -1.0, dtype=torch.double)
    best_epoch = torch.zeros(len(folds), dtype=torch.long)
    weights = {name: p.detach().clone() for name, p in pack.parameters.items()}
    loss = vmap(emotion.focal)
    for epoch in range(epochs):
        pack.skeleton.train()
        order = train.gather(1, torch.rand(train.shape).argsort(1))
        for index in order.split(emotion.BATCH, 1):
            pack.train(index)
        pack.skeleton.eval()
        logits, y = pack.evaluate(validation)
        loss(logits, y).tolist()  # as the eager peer
        score = macro_f1(logits.argmax(-1), y, pack.classes)
        better = score > best
        best[better], best_epoch[better] = score[better], epoch
        for name, kept in weights.items():
            kept[better] = pack.parameters[name].detach()[better]
    logits, y = pack.evaluate(test, weights)
    predicted = logits.argmax(-1)
    test_score, accuracy = macro_f1(predicted, y, pack.classes), (predicted == y).double().mean(-1)
    return [emotion.result(fold, arguments.seed, best_epoch[k].item(), best[k].item(), test_score[k].item(), accuracy[k].item())
            for k, fold in enumerate(folds)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    emotion.add_arguments(parser)
    parser.add_argument("--adamw", choices=["fused", "foreach"], default="fused")
    parser.add_argument("--attention", choices=["sdpa", "matmul"], default="matmul")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    emotion.one_thread()
    if arguments.attention == "matmul":
        emotion.Attention = Attention
    data = emotion.read(arguments.table)
    folds = emotion.read_folds(arguments.folds)
    if len({tuple(len(fold[part]) for part in ("train", "validation", "test")) for fold in folds}) > 1:
        parser.error("the folds have unequal row counts: they are no pack for vmap")
    train_pack(arguments, data, folds, 1)
    start = time.process_time()
    results = train_pack(arguments, data, folds, arguments.epochs)
    seconds = (time.process_time() - start) / len(folds)
    if arguments.results:
        emotion.write_results(arguments.results, results)
    print(json.dumps({"peer": f"PyTorch {torch.__version__} vmap, {arguments.adamw} AdamW", "model": arguments.model,
                      "hidden": arguments.hidden, "trials": len(results), "epochs": arguments.epochs,
                      "cpu_seconds_mean": seconds, **emotion.scores(results)}))


if __name__ == "__main__":
    main()
