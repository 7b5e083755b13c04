#!/usr/bin/env python3
"""scikit-learn's logistic regression on the LOSO folds of the RAVDESS audio-visual features: the peer of `model: linear`.

  bench/peers/sklearn_floor.py CSV [--normalise train|group] [--predictions OUT.csv] [--compare SUMMARY.h5 EXPERIMENT]

C = .1, balanced, mean imputation, StandardScaler; fitted on all actors but the tested one (train and validation), 24
folds, pooled. With --normalise group every actor's features are first z-scored by that actor's own clips. --compare reads
emosweep's predictions of one experiment with h5dump and prints the share of equal classes and the difference in macro-F1.
"""
import argparse
import csv
import json
import re
import subprocess
import sys
import warnings

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

CLASSES = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader)
        rows = list(reader)
    column = {name: index for index, name in enumerate(header)}
    names = [n for first, last in (("f0_mean", "rel_se0_sd"), ("anger_mean", "mouth_openness_std"))
             for n in header[column[first]:column[last] + 1]]
    x = np.array([[float(row[column[n]]) if row[column[n]].strip() not in ("", "NA", "nan") else np.nan
                   for n in names] for row in rows])
    text = {name: np.array([row[column[name]] for row in rows]) for name in ("emotion", "actor", "file")}
    return x, text["emotion"], text["actor"], text["file"]


def z_score_by(groups, x):
    out = x.copy()
    warnings.filterwarnings("ignore", "Mean of empty slice|Degrees of freedom")  # imputed later
    for group in set(groups):
        rows = groups == group
        mean, sd = np.nanmean(x[rows], 0), np.nanstd(x[rows], 0)
        out[rows] = (x[rows] - mean) / np.where(sd > 0, sd, 1)
    return out


def predict(x, y, actors):
    predicted = np.empty_like(y)
    for actor in sorted(set(actors), key=int):
        test = actors == actor
        model = make_pipeline(SimpleImputer(), StandardScaler(),
                              LogisticRegression(C=0.1, class_weight="balanced", max_iter=5000, tol=1e-8))
        model.fit(x[~test], y[~test])
        predicted[test] = model.predict(x[test])
    return predicted


def dataset_of(summary, path):
    """All values of one dataset of an HDF5 file, by h5dump: numbers or strings."""
    text = subprocess.run(["h5dump", "-y", "-w", "0", "-d", path, summary], check=True, capture_output=True, text=True).stdout
    data = text[text.index("DATA {"):]
    return re.findall(r'"((?:[^"\\]|\\.)*)"', data) or [float(v) for v in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", data[6:])]


def compare(summary, experiment, files, predicted, truth, score):
    ids = [i.rstrip("\0 ") for i in dataset_of(summary, "/samples/ravdess_av/id")]
    sample = [int(v) for v in dataset_of(summary, f"/predictions/{experiment}/sample")]
    ours = [CLASSES[int(v)] for v in dataset_of(summary, f"/predictions/{experiment}/predicted")]
    theirs = dict(zip(files, predicted))
    labels = dict(zip(files, truth))
    names = [ids[s] for s in sample]
    equal = float(np.mean([theirs[n] == o for n, o in zip(names, ours)]))
    our_score = f1_score([labels[n] for n in names], ours, average="macro")
    return {"predictions": len(ours), "equal": equal, "emosweep_macro_f1": our_score, "difference": our_score - score}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv")
    parser.add_argument("--normalise", choices=["train", "group"], default="train")
    parser.add_argument("--predictions")
    parser.add_argument("--compare", nargs=2, metavar=("SUMMARY", "EXPERIMENT"))
    arguments = parser.parse_args()
    x, y, actors, files = read(arguments.csv)
    if arguments.normalise == "group":
        x = z_score_by(actors, x)
    predicted = predict(x, y, actors)
    score = f1_score(y, predicted, average="macro")
    result = {"peer": "scikit-learn LogisticRegression", "normalise": arguments.normalise, "clips": len(y),
              "macro_f1": score, "accuracy": float(np.mean(predicted == y))}
    if arguments.predictions:
        with open(arguments.predictions, "w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(["file", "actor", "true", "predicted"])
            writer.writerows(zip(files, actors, y, predicted))
    if arguments.compare:
        result |= compare(*arguments.compare, files, predicted, y, score)
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
