#!/usr/bin/env python3
"""Trials trained in packs: the same results as alone, whatever the packs, kills and teams."""
import json
import os
import random
import signal
import time

import harness as h

EXPERIMENTS = {
    "one": {"modality": "audio", "loss": "focal", "patience": 2},
    "gate": {"fusion_type": "gated", "grid": "{weight_decay: [0.01, 0.1], dropout: [0.1, 0.4]}"},
    "attend": {"fusion_type": "cross_attention", "tokens": 3, "refit": "train+validation"},
    "linear": {"model": "linear"},
}


def sweep(folder, name, pack, ranks=None, experiments=None, **changes):
    folder = folder / name
    folder.mkdir()
    file = h.small_file(folder, experiments=experiments or EXPERIMENTS, pack=pack, **{"epochs": 6, "hidden_size": 16, **h.SLOW, **changes})
    run = folder / "run"
    h.emosweep("run", file, "--all", "-o", run, ranks=ranks)
    return file, run


def largest_pack(run):
    """By the start lines that stand without an end between them in one rank's log."""
    most = 0
    for log in (run / "log").glob("*.log"):
        running = 0
        for line in log.read_text().splitlines():
            verb = line.split()[1]
            running += verb == "start"
            running -= verb in ("commit", "fail", "return")
            most = max(most, running)
    return most


def packs_of_records(run):
    header, *rows = h.read_table(run / "timing.csv")
    return {int(row[header.index("pack")]) for row in rows}


def test_packs_give_the_summary_of_trials_alone(folder):
    _, alone = sweep(folder, "alone", "off")
    assert largest_pack(alone) == 1
    assert packs_of_records(alone) == {1}
    expected = h.summary(alone)
    for pack, ranks in ((8, None), (3, 2), ("auto", 2)):
        _, run = sweep(folder, f"pack-{pack}", pack, ranks)
        h.check_whole(run, expected)
        most = largest_pack(run)
        assert 1 < most <= (24 if pack == "auto" else pack), f"pack {pack}: {most} trials at once"
        assert max(packs_of_records(run)) == most, packs_of_records(run)
        h.emosweep("verify", run)


def test_teams_of_two_train_packs(folder):
    experiments = {"gate": EXPERIMENTS["gate"]}
    _, alone = sweep(folder, "alone", "off", 2, experiments, ranks_per_trial=2)
    _, packed = sweep(folder, "packed", 6, 2, experiments, ranks_per_trial=2)
    assert largest_pack(packed) > 1
    h.check_whole(packed, h.summary(alone))


def test_the_plan_shows_packs(folder):
    file = h.small_file(folder, experiments=EXPERIMENTS, pack=4, hidden_size=16, **h.SLOW)
    text = h.emosweep("plan", file, "--all").stdout
    assert "packs: " in text and " of up to 4" in text and 'trials: linear model ("linear")' in text, text
    packs = json.loads(h.emosweep("plan", file, "--all", "--json").stdout)["packs"]
    assert packs["largest"] == 4, packs
    [linear] = [r for r in packs["alone"] if r["reason"] == "linear model"]
    assert [c["experiment"] for c in linear["conditions"]] == ["linear"] and linear["trials"] > 0, linear
    off = h.emosweep("plan", file, "--all", "--set", "pack=off").stdout
    assert "packs: none" in off and "pack: off" in off, off
    error = h.emosweep("plan", file, "--all", "--set", "pack=0", code=2).stderr
    assert "auto, off, or a whole number" in error, error


def test_a_trial_that_turns_non_finite_leaves_its_pack(folder):
    experiments = {"gate": {"fusion_type": "gated", "optimizer": "sgd", "grid": "{weight_decay: [0.01, 1.0e+30]}"}}
    file = h.small_file(folder, experiments=experiments, pack=8, hidden_size=16, **h.SLOW)
    packed, alone = folder / "packed", folder / "alone"
    h.emosweep("run", file, "-o", packed, code=1)
    h.emosweep("run", file, "-o", alone, "--set", "pack=off", code=1)
    assert largest_pack(packed) > 1
    assert h.summary(packed) == h.summary(alone)
    state = h.state(packed)
    assert state["failed"] == state["done"] > 0, state
    for failure in (packed / "failed").glob("*.json"):
        assert json.loads(failure.read_text())["reason"] == "non_finite"


def test_killed_in_the_middle_of_packs(folder):
    dice = random.Random(7)
    experiments = {"gate": {"fusion_type": "gated"}, "one": {"modality": "audio"}}
    file = h.small_file(folder, seeds="[1, 2, 3, 4, 5, 6]", experiments=experiments, epochs=60, pack=8, hidden_size=16, **h.SLOW)
    alone = folder / "alone"
    h.emosweep("run", file, "--all", "-o", alone, "--set", "pack=off")
    expected, run = h.summary(alone), folder / "run"
    kills = 0
    for _ in range(3):
        before = len(h.committed(run))
        process = h.start("run", file, "--all", "-o", run, ranks=2)
        while process.poll() is None and len(h.committed(run)) <= before:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.5))
        pids = h.processes_of(run)
        if process.poll() is None and pids:
            os.kill(dice.choice(pids), signal.SIGKILL)
            kills += 1
        process.communicate(timeout=60)
        h.wait_until(lambda: not h.processes_of(run), 5, "ranks left after a kill")
    assert kills > 0, "the sweep ended before it could be killed"
    h.emosweep("resume", run, ranks=2)
    h.check_whole(run, expected)


h.main(globals())
