#!/usr/bin/env python3
"""Reports over several sources: run folders together, refused where their splits differ."""
import json
import subprocess

import harness as h


def run(folder, name, experiments, *more, **changes):
    (folder / f"{name}.d").mkdir()
    file = h.experiment_file(folder / f"{name}.d", experiments, **changes)
    h.emosweep("run", file, "--all", "-o", folder / name, "-q", *more)
    return folder / name


def statistics(*arguments):
    return json.loads(h.emosweep("report", *arguments, "--format", "json").stdout)["statistics"]


def by_name(statistics):
    return {e["name"]: e for e in statistics["experiments"]}


def test_two_folders_are_compared_as_one(folder):
    audio = run(folder, "first", {"audio": {"modality": "audio"}}, seeds=2)
    visual = run(folder, "second", {"visual": {"modality": "visual"}}, seeds=2)
    both = run(folder, "both", {"audio": {"modality": "audio"}, "visual": {"modality": "visual"}}, seeds=2)
    joined, one = statistics(audio, visual), statistics(both)
    assert joined["comparisons"] == one["comparisons"]
    assert joined["comparisons"]["pairs"][0]["conclusion"] in ("better", "worse", "equal", "undecided")
    found = by_name(joined)
    assert {n: e["source"] for n, e in found.items()} == {"audio": "first", "visual": "second"}
    assert found["audio"]["conditions"] == by_name(one)["audio"]["conditions"]
    assert [s["path"] for s in joined["sources"]] == [str(audio), str(visual)]
    text = h.emosweep("report", audio, visual).stdout
    assert "== audio\n   from first\n" in text and "audio - visual" in text, text
    assert by_name(statistics(audio, both)).keys() == {"first: audio", "both: audio", "visual"}


def test_other_splits_are_refused_with_the_reason(folder):
    loso = run(folder, "loso", {"audio": {"modality": "audio"}}, seeds=1)
    folds = run(folder, "folds", {"audio": {"modality": "audio"}}, seeds=1, protocol="group_kfold", folds=3)
    (pair,) = statistics(loso, folds)["comparisons"]["pairs"]
    assert (pair["a"], pair["b"]) == ("folds: audio", "loso: audio"), pair
    assert pair["absent_because"].startswith("other splits: ") and "fold '" in pair["absent_because"], pair
    assert pair["p"] is None and pair["conclusion"] == ""
    assert pair["absent_because"].split()[-1] in h.emosweep("report", loso, folds).stdout


def test_a_folder_given_twice_is_refused(folder):
    one = run(folder, "one", {"audio": {"modality": "audio"}}, seeds=1)
    error = h.emosweep("report", one, f"{one}/", code=2).stderr
    assert "takes each source once" in error, error


def test_predictions_of_another_program(folder):
    own = run(folder, "own", {"audio": {"modality": "audio"}}, seeds=2)
    script = [str(h.ROOT / "scripts/predictions-csv"), str(own)]
    (folder / "audio.csv").write_text(subprocess.run(script, check=True, capture_output=True, text=True).stdout)
    (csv,), (records,) = (statistics(*a)["experiments"] for a in (["--from-csv", folder / "audio.csv"], [own]))
    for metric in ("pooled_macro_f1", "pooled_uar", "macro_f1"):
        assert csv["conditions"][0][metric] == records["conditions"][0][metric], metric
    assert csv["headline"]["bootstrap"] == records["headline"]["bootstrap"]
    text = h.emosweep("report", own, "--from-csv", folder / "audio.csv").stdout
    assert "own: audio" in text and "audio.csv: audio" in text, text


def test_scores_and_mistakes_of_a_csv(folder):
    rows = [["experiment", "seed", "fold", "score"]]
    rows += [[e, s, f, 0.5 + 0.01 * s + 0.1 * (e == "b")] for e in "ab" for s in (1, 2) for f in (1, 2, 3)]
    h.write_table(folder / "scores.csv", rows)
    report = statistics("--from-csv", folder / "scores.csv", "--metric", "WER")
    assert report["experiments"][0]["metric"] == "mean WER"
    assert report["experiments"][1]["conditions"][0]["mean_score"]["mean"] == 0.615
    assert report["comparisons"]["pairs"][0]["subjects"] == 3
    rows[0][3] = "scoer"
    h.write_table(folder / "wrong.csv", rows)
    error = h.emosweep("report", "--from-csv", folder / "wrong.csv", code=2).stderr
    assert "wrong.csv:1: column 'scoer' is not known; did you mean 'score'?" in error, error
    own = run(folder, "own", {"audio": {"modality": "audio"}}, seeds=1)
    assert "it needs --from-csv" in h.emosweep("report", "--metric", "F1", own, code=2).stderr
    h.emosweep("report", "--from-csv", folder / "nothing.csv", code=2)


h.main(globals())
