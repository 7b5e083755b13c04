#!/usr/bin/env python3
"""Writes tests/fixtures/statistics.json: inputs with the values that SciPy, statsmodels, scikit-learn and NumPy give for them, to
which results/ must agree. Made with SciPy 1.17, statsmodels 0.15, scikit-learn 1.9 and NumPy 2.4 (its "made_with" says):
    python3 -m venv ~/.cache/emosweep/stats-fixture && ~/.cache/emosweep/stats-fixture/bin/pip install scipy statsmodels scikit-learn
    ~/.cache/emosweep/stats-fixture/bin/python scripts/make_statistics_fixture.py > tests/fixtures/statistics.json"""
import itertools
import json
import math
import warnings
from fractions import Fraction

import numpy as np
import pandas
import scipy
import sklearn
import statsmodels
from scipy import stats
from sklearn import metrics
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

random = np.random.default_rng(11)


def crossed(seeds, subjects, seed_sd=0.02, subject_sd=0.08, residual=0.03, mean=0.6):
    y = mean + seed_sd * random.normal(size=(seeds, 1)) + subject_sd * random.normal(size=(1, subjects))
    return np.round(y + residual * random.normal(size=(seeds, subjects)), 4)


def description(values):
    x = np.array(values)
    return {"values": list(values), "mean": x.mean(), "sd": x.std(ddof=1) if len(x) > 1 else None, "min": x.min(), "max": x.max(),
            "quartiles": np.quantile(x, [0.25, 0.5, 0.75]).tolist(), "mad": stats.median_abs_deviation(x),
            "iqm": stats.trim_mean(x, 0.25),
            "t_interval": stats.t.interval(0.95, len(x) - 1, x.mean(), stats.sem(x)) if len(x) > 1 else None}


def descriptions():
    lists = [np.round(random.normal(0.6, 0.1, size=n), 4).tolist() for n in (2, 3, 4, 7, 40, 121)]
    return [description(v) for v in lists + [[0.5], [0.25, 0.25, 0.5, 0.5, 0.5, 0.75]]]


def distributions():
    rows = []
    for df in (1, 2, 3.7, 9, 23, 400):
        rows += [["student_quantile", p, df, 0, stats.t.ppf(p, df)] for p in (0.001, 0.025, 0.3, 0.9, 0.975, 0.9995)]
        rows += [["student_cdf", t, df, 0, stats.t.cdf(t, df)] for t in (-4.1, -0.2, 0.0, 1.3, 7.0)]
        rows += [["chi_squared_tail", x, df, 0, stats.chi2.sf(x, df)] for x in (0.1, 2.5, 11.0)]
        rows += [["f_tail", x, df, 17, stats.f.sf(x, df, 17)] for x in (0.3, 1.0, 6.5)]
    for df, shift in ((1, 0.5), (4, 2.0), (9, 2.9), (23, -1.5), (60, 3.3)):
        rows += [["noncentral_t_cdf", t, df, shift, stats.nct.cdf(t, df, shift)] for t in (0.5, 2.0, 3.5)]
    rows += [["normal_quantile", p, 0, 0, stats.norm.ppf(p)] for p in (1e-6, 0.025, 0.2, 0.8, 0.975)]
    rows += [["normal_cdf", z, 0, 0, stats.norm.cdf(z)] for z in (-3.2, -0.4, 0.0, 1.96)]
    return rows


def tables():
    """Mean squares of a two-way table, by an ordinary least-squares fit and its analysis of variance."""
    result = []
    for y in (crossed(5, 8), crossed(3, 24), crossed(2, 2), crossed(10, 6, seed_sd=0), crossed(6, 5, subject_sd=0, residual=0.1)):
        seeds, subjects = y.shape
        frame = pandas.DataFrame([(y[s, g], f"s{s}", f"g{g}") for s in range(seeds) for g in range(subjects)], columns=["y", "s", "g"])
        squares = anova_lm(ols("y ~ C(s) + C(g)", frame).fit())
        ms = (squares["sum_sq"] / squares["df"]).tolist()
        result.append({"scores": y.tolist(), "ms_seed": ms[0], "ms_subject": ms[1], "ms_error": ms[2]})
    return result


def signed_rank_by_enumeration(d):
    """Exact p for ties too: every sign pattern of the ranks."""
    d = np.array([v for v in d if v != 0])
    ranks = stats.rankdata(np.abs(d))
    w = min(ranks[d > 0].sum(), ranks[d < 0].sum())
    sums = [sum(r for r, s in zip(ranks, signs) if s) for signs in itertools.product((0, 1), repeat=len(ranks))]
    return w, min(1.0, 2 * np.mean(np.array(sums) <= w + 1e-9))


def paired():
    result = []
    for n, mean in ((2, 0.01), (5, 0.0), (8, 0.012), (12, -0.02), (25, 0.01), (24, 0.03), (150, 0.004)):
        d = np.round(random.normal(mean, 0.03, size=n), 6)
        w = stats.wilcoxon(d, method="exact" if n <= 25 else "approx", correction=False)
        result.append(one_paired(d, w.statistic, w.pvalue))
    for d in ([0.01, 0.01, -0.01, 0.02, 0.0, 0.03, 0.02, -0.02, 0.05], [0.1, -0.1, 0.1, 0.1], [0.0, 0.02, 0.02, 0.02]):
        result.append(one_paired(np.array(d), *signed_rank_by_enumeration(d)))
    return result


def one_paired(d, w, w_p):
    n, above, below = len(d), int((d > 0).sum()), int((d < 0).sum())
    t = stats.ttest_1samp(d, 0.0)
    ratio = 1 / (n - 1)
    scale = math.sqrt(d.var(ddof=1) * (1 / n + ratio))
    rope = 0.01
    return {"differences": d.tolist(), "t": t.statistic, "p": t.pvalue, "W": float(w), "W_p": float(w_p), "above": above,
            "sign_p": stats.binomtest(above, above + below).pvalue, "ratio": ratio, "corrected_t": d.mean() / scale,
            "corrected_p": 2 * stats.t.sf(abs(d.mean() / scale), n - 1), "rope": rope,
            "below_rope": stats.t.cdf((-rope - d.mean()) / scale, n - 1), "above_rope": stats.t.sf((rope - d.mean()) / scale, n - 1)}


def ranked():
    result = []
    for n, k, digits in ((8, 3, 6), (24, 5, 6), (10, 4, 1), (6, 3, 1)):
        y = np.round(random.normal(0.6, 0.1, size=(n, k)), digits)
        chi2 = stats.friedmanchisquare(*y.T)
        f = (n - 1) * chi2.statistic / (n * (k - 1) - chi2.statistic)
        result.append({"scores": y.tolist(), "chi2": chi2.statistic, "chi2_p": chi2.pvalue, "f": f,
                       "f_p": stats.f.sf(f, k - 1, (k - 1) * (n - 1)), "mean_ranks": stats.rankdata(-y, axis=1).mean(axis=0).tolist()})
    return result


def adjusted():
    lists = [random.uniform(0, 0.2, size=n).round(4).tolist() for n in (1, 3, 9)] + [[0.01, 0.01, 0.9, 0.6]]
    return [{"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()} for p in lists]


def power():
    result = []
    for d in (0.15, 0.4, 0.8, 1.2, 2.5):
        for n in (2, 5, 24):
            result.append({"d_z": d, "n": n, "power": TTestPower().power(d, n, 0.05)})
        needed = TTestPower().solve_power(effect_size=d, alpha=0.05, power=0.8)
        result.append({"d_z": d, "needed": math.ceil(float(np.ravel(needed)[0]))})
    noether = [{"probability": p, "needed": math.ceil(((stats.norm.ppf(0.95) + stats.norm.ppf(q)) / (math.sqrt(6) * (p - 0.5))) ** 2),
                "power": q} for p, q in ((0.75, 0.95), (0.75, 0.8), (0.55, 0.8), (0.9, 0.9))]
    return {"paired_t": result, "noether": noether}


def deltas():
    result = []
    for a, b in ((np.round(random.normal(0.6, 0.1, 12), 2), np.round(random.normal(0.55, 0.1, 9), 2)), (np.ones(4), np.ones(3))):
        u = stats.mannwhitneyu(a, b).statistic
        result.append({"a": a.tolist(), "b": b.tolist(), "delta": 2 * u / (len(a) * len(b)) - 1})
    return result


def best_of():
    """Exact, in fractions."""
    scores = sorted(random.integers(400, 700, size=9).tolist())
    total = len(scores)
    with_replacement = [sum(v * (Fraction(i + 1, total) ** n - Fraction(i, total) ** n) for i, v in enumerate(scores))
                        for n in range(1, total + 1)]
    without = [Fraction(sum(max(c) for c in itertools.combinations(scores, n)), math.comb(total, n)) for n in range(1, total + 1)]
    return {"scores": scores, "with_replacement": [float(v) for v in with_replacement], "without_replacement": [float(v) for v in without]}


def classes():
    result = []
    for c, n, only in ((3, 40, None), (8, 200, None), (6, 30, [0, 2, 3]), (2, 12, None), (4, 9, [1])):
        truth = random.choice(only or range(c), size=n)
        predicted = np.where(random.uniform(size=n) < 0.6, truth, random.integers(0, c, size=n))
        labels = list(range(c))
        f1 = dict(labels=labels, zero_division=0)
        p = metrics.precision_score(truth, predicted, average="macro", **f1)
        r = metrics.recall_score(truth, predicted, average="macro", **f1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the class that is predicted, but never true
            uar = metrics.balanced_accuracy_score(truth, predicted)
        result.append({"confusion": metrics.confusion_matrix(truth, predicted, labels=labels).tolist(),
                       "accuracy": metrics.accuracy_score(truth, predicted),
                       "macro_f1": metrics.f1_score(truth, predicted, average="macro", **f1),
                       "macro_f1_occurring": metrics.f1_score(truth, predicted, average="macro", zero_division=0),
                       "weighted_f1": metrics.f1_score(truth, predicted, average="weighted", **f1),
                       "f1_of_means": 2 * p * r / (p + r), "uar": uar, "mcc": metrics.matthews_corrcoef(truth, predicted),
                       "kappa": metrics.cohen_kappa_score(truth, predicted, labels=labels),
                       "kappa_quadratic": metrics.cohen_kappa_score(truth, predicted, labels=labels, weights="quadratic")})
    return result


def pooled():
    """Delete-one-subject scores of each seed, by scikit-learn on the labels themselves."""
    seeds, subjects, c = 3, 5, 4
    labels = list(range(c))
    truth = [random.integers(0, c, size=int(random.integers(6, 15))) for _ in range(subjects)]
    predicted = [[np.where(random.uniform(size=len(t)) < 0.5, t, random.integers(0, c, size=len(t))) for t in truth] for _ in range(seeds)]

    def f1(seed, of):
        return metrics.f1_score(np.concatenate([truth[g] for g in of]), np.concatenate([predicted[seed][g] for g in of]), labels=labels,
                                average="macro", zero_division=0)

    whole = [f1(s, range(subjects)) for s in range(seeds)]
    without = np.array([[f1(s, [h for h in range(subjects) if h != g]) for g in range(subjects)] for s in range(seeds)])
    headline, deleted = np.mean(whole), without.mean(axis=0)
    error = math.sqrt((subjects - 1) / subjects * ((deleted - deleted.mean()) ** 2).sum())  # the jackknife's standard error
    return {"confusion": [[metrics.confusion_matrix(truth[g], predicted[s][g], labels=labels).tolist() for g in range(subjects)]
                          for s in range(seeds)],
            "pooled": whole, "without": without.tolist(), "standard_error": error,
            "interval": stats.t.interval(0.95, subjects - 1, headline, error)}


def regression():
    y = random.normal(0.3, 1.0, size=30).round(3)
    p = (0.8 * y + random.normal(0, 0.4, size=30) + 0.1).round(3)
    ccc = 2 * np.cov(y, p, ddof=0)[0, 1] / (y.var() + p.var() + (y.mean() - p.mean()) ** 2)
    return {"truth": y.tolist(), "predicted": p.tolist(), "mae": metrics.mean_absolute_error(y, p),
            "rmse": metrics.root_mean_squared_error(y, p), "pearson": stats.pearsonr(y, p).statistic, "ccc": ccc}


def calibration():
    n, c, bins = 200, 4, 15
    # Multiples of 1/128 are exact as float32, so both sides see the same numbers, bin edges included.
    weight = random.integers(1, 60, size=(n, c)).astype(float)
    probability = np.floor(weight / weight.sum(axis=1, keepdims=True) * 128) / 128
    probability[:, 0] += 1 - probability.sum(axis=1)
    predicted = probability.argmax(axis=1)
    truth = np.where(random.uniform(size=n) < 0.6, predicted, random.integers(0, c, size=n))
    confidence, right = probability.max(axis=1), truth == predicted
    place = np.digitize(confidence, np.linspace(0, 1, bins + 1), right=True)
    ece = sum(abs(right[place == b].mean() - confidence[place == b].mean()) * (place == b).mean() for b in range(1, bins + 1)
              if (place == b).any())
    return {"probability": probability.tolist(), "truth": truth.tolist(), "predicted": predicted.tolist(), "ece": ece,
            "brier": metrics.brier_score_loss(truth, probability, labels=list(range(c)), scale_by_half=False)}


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


print(json.dumps(plain({
    "about": "values of SciPy, statsmodels, scikit-learn and NumPy; see scripts/make_statistics_fixture.py",
    "made_with": {m.__name__: m.__version__ for m in (scipy, statsmodels, sklearn, np)},
    "descriptions": descriptions(), "distributions": distributions(), "tables": tables(), "paired": paired(), "ranked": ranked(),
    "adjusted": adjusted(), "power": power(), "deltas": deltas(), "best_of": best_of(), "classes": classes(), "pooled": pooled(),
    "regression": regression(), "calibration": calibration()})))
