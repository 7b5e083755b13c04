#!/usr/bin/env python3
"""The report finds the order that `prepare synthetic` plants, and no difference where none is planted."""
import json

import harness as h

EXPERIMENTS = """
template: &template
  {dataset: data, group: subject, protocol: %s, validation_groups: 2, model: mlp, hidden_size: 16, epochs: 10, lr: 5.0e-3,
   batch_size: 16, seeds: 3%s}
experiments:
  - {<<: *template, name: audio, modality: audio}
  - {<<: *template, name: both, modality: both, fusion_type: concat}
  - {<<: *template, name: both again, modality: both, fusion_type: concat, weight_decay: 0.0101}
  - {<<: *template, name: visual, modality: visual}
"""


def report(folder, name, audio, visual, protocol="loso", more=""):
    """The JSON report's statistics of a sweep on data with these effects."""
    folder = folder / name
    folder.mkdir()
    h.emosweep("prepare", "synthetic", folder / "data", "--subjects", "12", "--samples", "24", "--missing-modality", "0",
               "--subject-effect", "0.5", "--audio-effect", audio, "--visual-effect", visual)
    file = folder / "experiment.yaml"
    file.write_text(EXPERIMENTS % (protocol, more))
    h.emosweep("run", file, "--all", "-o", folder / "run", "-q")
    return json.loads(h.emosweep("report", folder / "run", "--format", "json").stdout)["statistics"]


def pair(statistics, a, b):
    return next(p for p in statistics["comparisons"]["pairs"] if (p["a"], p["b"]) == (a, b))


def headline(statistics, name):
    (condition,) = next(e for e in statistics["experiments"] if e["name"] == name)["conditions"]
    return condition["pooled_macro_f1"]


def test_the_planted_order_is_found(folder):
    statistics = report(folder, "planted", "0.3", "0.7")
    assert headline(statistics, "audio")["mean"] < headline(statistics, "visual")["mean"]
    for better, worse in (("both", "audio"), ("visual", "audio")):
        names = sorted((better, worse))
        found = pair(statistics, *names)
        sign = 1 if names[0] == better else -1
        assert found["conclusion"] == ("better" if sign == 1 else "worse"), found
        assert min(sign * found["difference_lower"], sign * found["difference_upper"]) > 0, found
        assert found["subjects"] == 12 and found["seeds"] == 3
    same = pair(statistics, "both", "both again")  # a weight decay of .0101 instead of .01
    assert same["conclusion"] in ("equal", "undecided"), same
    for name in ("audio", "both", "visual"):
        score = headline(statistics, name)
        for interval in ("rerun", "new_subject"):
            assert score[f"{interval}_lower"] <= score["mean"] <= score[f"{interval}_upper"], score


def test_no_difference_is_found_where_none_is(folder):
    statistics = report(folder, "nothing", "0", "0")
    for found in statistics["comparisons"]["pairs"]:
        assert found["conclusion"] in ("equal", "undecided"), found
    assert 0.1 < headline(statistics, "both")["mean"] < 0.4  # chance: 1 / 4


def test_subjects_are_told_apart_in_folds_of_several(folder):
    statistics = report(folder, "folds", "0.3", "0.7", "group_kfold", ", folds: 4")
    found = pair(statistics, "audio", "visual")
    assert (found["subjects"], found["conclusion"]) == (12, "worse"), found
    blind = report(folder, "blind", "0.3", "0.7", "group_kfold", ", folds: 4, predictions: none")
    found = pair(blind, "audio", "visual")
    assert "kept no predictions" in found["absent_because"] and found["p"] is None, found
    (condition,) = blind["experiments"][0]["conditions"]
    assert condition["pooled_macro_f1"]["new_subject_lower"] is None and condition["pooled_macro_f1"]["rerun_lower"] is not None


h.main(globals())
