#!/usr/bin/env python3
"""Trials that are interrupted or killed go on from their checkpoints, to the bytes of an undisturbed run."""
import re
import signal

import harness as h

EVERY = ("--checkpoint-after", "0")


def one_trial(folder, **keys):
    """One trial of two seconds and more."""
    keys = {"modality": "audio", "protocol": "holdout", "epochs": 3000, "patience": 0, "seeds": "[1]",
            **h.SLOW, **keys}
    return h.experiment_file(folder, {"long": keys})


def undisturbed(folder, file, ranks=None):
    run = folder / "undisturbed"
    h.emosweep("run", file, "-o", run, ranks=ranks)
    assert not checkpoints(run), "a trial of seconds is not checkpointed by default"
    return h.summary(run)


def checkpoints(run):
    return sorted((run / "checkpoints").glob("*/[0-9]*.safetensors"))


def kill_after_checkpoint(file, run, number, ranks=None):
    """kill -9 of the rank that writes, right after its number-th checkpoint is in place."""
    killed = h.emosweep("run", file, "-o", run, *EVERY, ranks=ranks, code=range(-64, 256),
                        env={"EMOSWEEP_FAULT": f"kill@checkpoint.renamed:{number}"})
    assert killed.returncode in (-9, 137), f"not killed but exit code {killed.returncode}\n{killed.stderr[-2000:]}"
    assert not h.committed(run) and checkpoints(run), "no record, but checkpoints"


def resumed(run, stderr, where=r"epoch \d+, step \d+"):
    """The log says from where, on stderr and in the rank's file."""
    assert re.search(rf"resumed from {where}\b", stderr), stderr[-3000:]
    lines = "".join(p.read_text() for p in sorted((run / "log").glob("*.log")))
    assert re.search(rf" resume [0-9a-f]{{64}} resumed from {where}\b", lines), lines


def finish(run, expected, ranks=None):
    result = h.emosweep("resume", run, *EVERY, ranks=ranks)
    h.check_whole(run, expected)
    assert not (run / "checkpoints").exists() or not list((run / "checkpoints").iterdir()), "checkpoints are left behind"
    return result.stderr


def killed_and_resumed(folder, ranks=None, **keys):
    file, run = one_trial(folder, **keys), folder / "run"
    expected = undisturbed(folder, file, ranks)
    kill_after_checkpoint(file, run, 2, ranks)
    kill_after_checkpoint(file, run, 2, ranks)
    resumed(run, finish(run, expected, ranks))
    assert h.h5(run / "summary.h5", "/trials/epochs") == [float(keys.get("epochs", 3000))]


def test_killed_twice(folder):
    killed_and_resumed(folder)


def test_killed_twice_with_fused_kernels(folder):
    killed_and_resumed(folder, kernels="fused", epochs=40000)


def test_a_team_of_two_killed_twice(folder):
    killed_and_resumed(folder, ranks=2, ranks_per_trial=2, epochs=800)


def in_refit(run):
    for path in checkpoints(run):
        try:
            _, _, value = h.safetensors(path)[0]["refit"]
            if any(value):
                return True
        except FileNotFoundError:  # an older one, just removed
            pass
    return False


def test_stopped_in_the_refit(folder):
    file = one_trial(folder, refit="train+validation", selection_metric="last")
    expected = undisturbed(folder, file)
    for attempt in range(4):  # on a busy disk a write takes so long that none falls into the seconds of the refit
        run = folder / f"run{attempt}"
        process = h.start("run", file, "-o", run, *EVERY)
        h.wait_until(lambda: in_refit(run) or process.poll() is not None, 60, "a checkpoint of the refit")
        if process.poll() is None:
            break
        print(f"attempt {attempt}: the trial ended before a checkpoint of its refit was seen", process.communicate()[1][-600:])
    process.send_signal(signal.SIGUSR2)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 75, f"exit code {process.returncode}\n{err[-3000:]}"
    resumed(run, finish(run, expected), r"epoch \d+, step \d+ of the refit")


def interrupted(folder, ranks=None, **keys):
    file, run = one_trial(folder, **keys), folder / "run"
    expected = undisturbed(folder, file, ranks)
    for _ in range(2):
        newest = checkpoints(run)[-1:]
        process = h.start("run", file, "-o", run, *EVERY, ranks=ranks)
        h.wait_until(lambda: checkpoints(run)[-1:] != newest, 60, "a checkpoint")
        process.send_signal(signal.SIGUSR2)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 75, f"exit code {process.returncode}\n{err[-3000:]}"
    assert not h.committed(run)
    # Exactly where it was left: the second run trained on, and the third begins where that one ended.
    returned = "".join(p.read_text() for p in (run / "log").glob("*.log"))
    assert returned.count(" return ") == 2, returned
    resumed(run, finish(run, expected, ranks))


def test_usr2(folder):
    interrupted(folder)


def test_usr2_to_a_team_of_two(folder):
    interrupted(folder, ranks=2, ranks_per_trial=2, epochs=800)


def flip(path):
    blob = bytearray(path.read_bytes())
    blob[len(blob) // 2] ^= 1
    path.write_bytes(blob)


def test_damaged_checkpoints(folder):
    file = one_trial(folder)
    expected = undisturbed(folder, file)
    for damaged in (1, 2):
        run = folder / f"run-{damaged}"
        kill_after_checkpoint(file, run, 2)
        both = checkpoints(run)
        assert len(both) == 2, both
        for path in both[2 - damaged:]:
            flip(path)
        err = finish(run, expected)
        assert err.count("SHA-256 does not fit") == damaged and both[1].name in err, err
        if damaged == 1:
            resumed(run, err)
        else:
            assert "training starts anew" in err and "resumed" not in err, err


def test_a_failed_trial_leaves_no_checkpoint(folder):
    file, run = one_trial(folder), folder / "run"
    err = h.emosweep("run", file, "-o", run, *EVERY, code=1, env={"EMOSWEEP_FAULT": "nan@trainer.loss:50"}).stderr
    assert "non_finite" in err
    assert not checkpoints(run)


def test_leftovers_of_a_committed_trial_are_removed_at_the_start(folder):
    file, run = one_trial(folder, epochs=300), folder / "run"
    h.emosweep("run", file, "-o", run)
    left = run / "checkpoints" / h.committed(run)[0]
    left.mkdir(parents=True)
    (left / "000001.safetensors").write_bytes(b"left")
    h.emosweep("run", file, "-o", run)
    assert not left.exists()
    h.check_whole(run)


def test_a_full_disk_for_checkpoints_only_costs_them(folder):
    file, run = one_trial(folder, epochs=300), folder / "run"
    expected = undisturbed(folder, file)
    err = h.emosweep("run", file, "-o", run, *EVERY, env={"EMOSWEEP_FAULT": "throw@checkpoint.written:1"}).stderr
    assert "training goes on without" in err, err
    h.check_whole(run, expected)


h.main(globals())
