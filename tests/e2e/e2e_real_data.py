#!/usr/bin/env python3
"""The sweeps of configs/ on the real tables: linear models score what scikit-learn scores, networks give the same bytes on
any number of ranks after a kill, and kept models predict what the records say.

scikit-learn 1.9, LogisticRegression behind SimpleImputer(mean) and StandardScaler, C .1, balanced, on the same LOSO folds:
pooled macro-F1 .7545 raw and .8462 with every actor scaled by their own clips (bench/peers/sklearn_floor.py). CMU-MOSI,
C .01, official split: accuracy .767.
"""
import csv
import io
import json
import signal

import harness as h

DATA = {"EMOSWEEP_TEST_DATA": str(h.DATA.resolve())}
RAVDESS, MOSI = h.ROOT / "configs/ravdess_av.yaml", h.ROOT / "configs/mosi.yaml"


def pooled(run, name):
    """Confusion matrix of all predictions of an experiment -> (macro-F1, accuracy)."""
    truth, predicted = (h.h5(run / "summary.h5", f"/predictions/{name}/{c}") for c in ("true", "predicted"))
    classes = sorted(set(truth))
    pairs = list(zip(truth, predicted))
    f1 = [2 * sum(t == p == c for t, p in pairs) / sum((t == c) + (p == c) for t, p in pairs) for c in classes]
    return sum(f1) / len(f1), sum(t == p for t, p in pairs) / len(pairs)


def test_linear_on_ravdess_is_scikit_learn(folder):
    h.need_data("ravdess_av_features")
    run = folder / "run"
    h.emosweep("run", RAVDESS, "-e", "linear", "-e", "linear, by actor", "-o", run, ranks=2, env=DATA)
    raw, by_actor = pooled(run, "linear")[0], pooled(run, "linear, by actor")[0]
    assert abs(raw - 0.7545) < 0.0005 and abs(by_actor - 0.8462) < 0.0005, (raw, by_actor)
    assert "transductive" in h.emosweep("report", run).stdout
    h.check_whole(run)


def test_linear_on_mosi_official_split(folder):
    h.need_data("cmu_mosi_features")
    h.emosweep("run", MOSI, "-e", "linear", "-o", folder / "run", env=DATA)
    accuracy = pooled(folder / "run", "linear")[1]
    assert abs(accuracy - 0.767) < 0.002, accuracy


def test_networks_on_ravdess_survive_a_kill(folder):
    h.need_data("ravdess_av_features")
    arguments = ["run", RAVDESS, "-e", "fusion", "--set", "fusion_type=gated", "--set", "epochs=4", "--set", "hidden_size=32",
                 "--set", "save_models=true", "--seeds", "1"]
    whole, killed = folder / "whole", folder / "killed"
    h.emosweep(*arguments, "-o", whole, env=DATA)
    process = h.start(*arguments, "-o", killed, ranks=2, env=DATA)
    h.wait_until(lambda: len(h.committed(killed)) > 2 or process.poll() is not None, 60, "first commits")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    h.wait_until(lambda: not h.processes_of(killed), 5, "no rank left")
    h.emosweep("resume", killed, ranks=3, env=DATA)
    h.check_whole(killed, h.summary(whole))

    fold = json.loads(h.emosweep("report", whole, "--format", "json").stdout)
    assert fold, "the JSON report holds something"
    ids = h.h5(whole / "summary.h5", "/samples/ravdess_av/id")
    trial, sample, predicted = (h.h5(whole / "summary.h5", f"/predictions/fusion/{c}") for c in ("trial", "sample", "predicted"))
    classes = "neutral calm happy sad angry fearful disgust surprised".split()
    first = h.trials(whole, "id")[int(trial[0])][0]
    table = h.emosweep("predict", whole / f"models/{first}.safetensors", "--data", h.ROOT / "configs/datasets/ravdess_av",
                       env=DATA).stdout
    rows = {row["id"]: row["predicted"] for row in csv.DictReader(io.StringIO(table))}
    for t, s, p in zip(trial, sample, predicted):
        if t == trial[0]:
            assert rows[ids[int(s)]] == classes[int(p)]


h.main(globals())
