#!/usr/bin/env python3
"""Writes tests/fixtures/targets.json: predictions of multi-label targets, aspects and values, with the scores that scikit-learn and
NumPy give them, to which results/ must agree. Made with scikit-learn 1.9 and NumPy 2.4 (its "made_with" says), in the environment of
scripts/make_statistics_fixture.py:
    ~/.cache/emosweep/stats-fixture/bin/python scripts/make_targets_fixture.py > tests/fixtures/targets.json"""
import json
import warnings

import numpy as np
import sklearn
from sklearn import metrics

random = np.random.default_rng(5)
warnings.filterwarnings("ignore")  # 0/0 is asked for


def labels(truth, predicted):
    Y, P = np.array(truth), np.array(predicted)
    f1 = {average: metrics.f1_score(Y, P, average=average, zero_division=0) for average in ("macro", "micro", "weighted")}
    return {"truth": Y.tolist(), "predicted": P.tolist(), "macro_f1": f1["macro"], "micro_f1": f1["micro"], "weighted_f1": f1["weighted"],
            "accuracy": 1 - metrics.hamming_loss(Y, P), "subset_accuracy": metrics.accuracy_score(Y, P),
            "jaccard": metrics.jaccard_score(Y, P, average="samples", zero_division=0),
            "precision": metrics.precision_score(Y, P, average=None, zero_division=0).tolist(),
            "recall": metrics.recall_score(Y, P, average=None, zero_division=0).tolist(),
            "f1": metrics.f1_score(Y, P, average=None, zero_division=0).tolist()}


def multi():
    cases = []
    for rows, count, share, flip in ((40, 6, 0.3, 0.2), (25, 3, 0.5, 0.5), (60, 11, 0.08, 0.05), (7, 2, 0.9, 0.1)):
        truth = random.random((rows, count)) < share
        predicted = truth ^ (random.random((rows, count)) < flip)
        cases.append(labels(truth.astype(int), predicted.astype(int)))
    cases.append(labels([[0, 0], [0, 0], [0, 0]], [[0, 0], [0, 0], [0, 0]]))  # nothing is there
    cases.append(labels([[1, 0, 0], [1, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, 0, 0], [0, 1, 0]]))  # nothing is hit
    return cases


def best_f1(truth, probability):
    """Over every threshold there is, those that part nothing left out."""
    return max(metrics.f1_score(truth, probability >= t, zero_division=0) for t in np.unique(probability))


def thresholds():
    cases = []
    for rows, count, digits in ((50, 4, 6), (30, 3, 1)):  # one digit: many equals
        truth = (random.random((rows, count)) < 0.35).astype(int)
        probability = np.round(np.clip(0.3 * truth + 0.7 * random.random((rows, count)), 0, 1), digits).astype(np.float32)
        cases.append({"truth": truth.tolist(), "probability": probability.tolist(),
                      "f1": [best_f1(truth[:, k], probability[:, k]) for k in range(count)]})
    return cases


def of_aspect(truth, predicted, classes):
    known = truth >= 0
    t, p = truth[known], predicted[known]
    if len(t) == 0:
        return None
    every = list(range(classes))
    return {"rows": len(t), "macro_f1": metrics.f1_score(t, p, labels=every, average="macro", zero_division=0),
            "weighted_f1": metrics.f1_score(t, p, labels=every, average="weighted", zero_division=0),
            "uar": metrics.balanced_accuracy_score(t, p), "right": int((t == p).sum())}


def aspects():
    cases = []
    for rows, count, classes, unknown in ((50, 5, 3, 0.3), (20, 3, 4, 0.0), (30, 4, 3, 0.97)):
        truth = random.integers(0, classes, (rows, count))
        predicted = np.where(random.random((rows, count)) < 0.6, truth, random.integers(0, classes, (rows, count)))
        truth[random.random((rows, count)) < unknown] = -1
        if unknown > 0:
            truth[:, 0] = -1  # an aspect that nobody has
        each = [one for one in (of_aspect(truth[:, k], predicted[:, k], classes) for k in range(count)) if one]
        mean = {name: float(np.mean([one[name] for one in each])) for name in ("macro_f1", "weighted_f1", "uar")}
        cases.append({"classes": classes, "truth": truth.tolist(), "predicted": predicted.tolist(),
                      "accuracy": sum(one["right"] for one in each) / sum(one["rows"] for one in each), **mean})
    return cases


def of_value(t, p):
    covariance = np.cov(t, p, ddof=0)[0, 1]
    return {"mae": metrics.mean_absolute_error(t, p), "rmse": metrics.root_mean_squared_error(t, p), "pearson": np.corrcoef(t, p)[0, 1],
            "ccc": 2 * covariance / (t.var() + p.var() + (t.mean() - p.mean()) ** 2)}


def values():
    cases = []
    for rows, count in ((40, 1), (25, 3)):
        truth = np.round(random.normal(size=(rows, count)) * 2, 3)
        predicted = np.round(0.6 * truth + 0.3 + random.normal(size=(rows, count)), 3)
        each = [of_value(truth[:, k], predicted[:, k]) for k in range(count)]
        mean = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
        cases.append({"truth": truth.tolist(), "predicted": predicted.tolist(), **mean})
    return cases


print(json.dumps({"made_with": {"scikit-learn": sklearn.__version__, "numpy": np.__version__}, "multi": multi(), "thresholds": thresholds(),
                  "aspects": aspects(), "regression": values()}, indent=None, separators=(",", ":"), default=float))
