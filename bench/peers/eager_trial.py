#!/usr/bin/env python3
"""Trials of emosweep's models in idiomatic eager PyTorch, one after another in one process, on one thread.

  bench/peers/eager_trial.py TABLE FOLDS [--model mlp|gated|cross_attention] [--hidden 64] [--epochs 50] [--first 0]
                             [--count 24] [--cold] [--results OUT.csv]

Trains `count` folds from the `first` on, with seed 1, and prints one JSON line: CPU seconds of each trial without imports and
without reading the table, their mean, the test scores. One epoch is trained before the clock starts, except with --cold.
"""
import argparse
import json
import statistics
import time

import torch

import emotion


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    emotion.add_arguments(parser)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--cold", action="store_true")
    arguments = parser.parse_args()
    emotion.one_thread()
    data = emotion.read(arguments.table)
    folds = emotion.read_folds(arguments.folds)[arguments.first:arguments.first + arguments.count]
    if not arguments.cold:
        emotion.trial(arguments.model, arguments.hidden, 1, data, folds[0], 0)
    seconds, results = [], []
    for fold in folds:
        start = time.process_time()
        results.append(emotion.trial(arguments.model, arguments.hidden, arguments.epochs, data, fold, 1))
        seconds.append(time.process_time() - start)
    if arguments.results:
        emotion.write_results(arguments.results, results)
    print(json.dumps({"peer": f"PyTorch {torch.__version__} eager", "model": arguments.model, "hidden": arguments.hidden,
                      "trials": len(results), "epochs": arguments.epochs, "cpu_seconds": seconds,
                      "cpu_seconds_mean": statistics.mean(seconds), **emotion.scores(results)}))


if __name__ == "__main__":
    main()
