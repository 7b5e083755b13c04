#!/usr/bin/env python3
"""PyTorch's own count of the operations in one batch of each model, forward and backward: what bench/flops.py must equal.

  bench/peers/count_flops.py

Prints one JSON line: operations by "model hidden".
"""
import json

import torch
from torch.utils.flop_counter import FlopCounterMode

import emotion
import vmap_trials

WIDTHS, CLASSES = (69, 56), 8


def main():
    emotion.Attention = vmap_trials.Attention  # the counter knows matrix products, not every fused attention
    y, counts = torch.zeros(emotion.BATCH, dtype=torch.long), {}
    for name in emotion.MODELS:
        for hidden in (64, 128):
            xs = [torch.randn(emotion.BATCH, width) for width in (WIDTHS[:1] if name == "mlp" else WIDTHS)]
            model = emotion.make_model(name, xs, hidden, CLASSES)
            with FlopCounterMode(display=False) as counter:
                emotion.focal(model(xs), y).backward()
            counts[f"{name} {hidden}"] = counter.get_total_flops()
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
