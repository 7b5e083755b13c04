#!/usr/bin/env python3
"""A trial that fails is recorded with its reason, the others go on, and the exit code says 1."""
import json

import harness as h


def test_a_failing_trial_leaves_the_others_alone(folder):
    good = {"good": {"modality": "audio"}}
    bad = {"bad": {"modality": "audio", "lr": "1.0e+30", "epochs": 20}}
    file, run = h.small_file(folder, seeds="[1]", experiments={**bad, **good}), folder / "run"
    result = h.emosweep("run", file, "--all", "-o", run, ranks=2, code=1)
    assert "non_finite" in result.stderr or "not finite" in result.stderr or "non-finite" in result.stderr, result.stderr
    failures = [json.loads(p.read_text()) for p in sorted((run / "failed").glob("*.json"))]
    rows = h.trials(run, "experiment", "status")
    folds = sum(name == "good" for name, _ in rows)
    assert len(h.committed(run)) == folds, "the good trials are all there"
    assert len(failures) == folds and {f["reason"] for f in failures} == {"non_finite"}
    assert {status for name, status in rows if name == "bad"} == {"failed"}
    assert all("epoch" in f["where"] + f["message"] for f in failures)
    h.emosweep("status", run, "--exit-code", code=1)
    assert "bad" in h.emosweep("report", run).stdout

    # Again: failed trials are not tried again unless asked, and their number does not grow by itself.
    h.emosweep("run", file, "--all", "-o", run, ranks=2, code=1)
    h.emosweep("resume", run, "--retry-failed", code=1)
    times = {json.loads(p.read_text())["times"] for p in (run / "failed").glob("*.json")}
    assert times == {2}, times
    h.check_whole(run)


h.main(globals())
