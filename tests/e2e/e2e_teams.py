#!/usr/bin/env python3
"""Several ranks that train one trial: the same sweep on one and two teams, sizes that do not divide, a rank that is
stopped, a rank that waits for a debugger."""
import ctypes
import json
import os
import re
import signal
import time

import harness as h

TEAMS = {"one": {"modality": "audio", "class_weights": "batch"}, "gate": {"fusion_type": "gated", "batch_size": 5},
         "linear": {"model": "linear"}}


def team_file(folder, size, **changes):
    return h.small_file(folder, seeds="[1, 2]", experiments=TEAMS, ranks_per_trial=size, **changes)


def ranks_of(run):
    """Process ids of a run's ranks, from their environments and command lines."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            words = open(f"/proc/{entry}/cmdline", "rb").read().split(b"\0")
        except OSError:
            continue
        if words and words[0] == h.PROGRAM.encode() and str(run).encode() in words:
            environment = open(f"/proc/{entry}/environ", "rb").read()
            rank = re.search(rb"OMPI_COMM_WORLD_RANK=(\d+)", environment)
            if rank:
                found.append((int(rank.group(1)), int(entry)))
    return dict(found)


def test_one_team_and_two_teams_commit_the_same_bytes(folder):
    file = team_file(folder, 2)
    h.emosweep("run", file, "--all", "-o", folder / "one", ranks=2)
    text = h.emosweep("run", file, "--all", "-o", folder / "two", ranks=4).stderr
    assert "4 ranks in 2 teams of 2" in text, text
    assert h.summary(folder / "one") == h.summary(folder / "two")
    h.check_whole(folder / "two")

    # The same science as with one rank a trial: other ids, equal predictions.
    h.emosweep("run", team_file(folder, 1), "--all", "-o", folder / "lone", ranks=2)
    columns = ("experiment", "seed", "fold", "accuracy", "best_epoch")
    assert h.trials(folder / "one", *columns) == h.trials(folder / "lone", *columns)
    assert h.trials(folder / "one", "id") != h.trials(folder / "lone", "id")


def test_sizes_that_do_not_divide_are_refused_with_both_numbers(folder):
    error = h.emosweep("run", team_file(folder, 3), "--all", "-o", folder / "run", ranks=4, code=2).stderr
    assert "4 ranks do not form teams of 3" in error and "start 6 or 3 ranks" in error, error
    assert not (folder / "run").exists()
    mixed = h.small_file(folder, experiments={"a": {"ranks_per_trial": 1}, "b": {"ranks_per_trial": 2}})
    error = h.emosweep("run", mixed, "--all", "-o", folder / "run", ranks=2, code=2).stderr
    assert "ranks_per_trial is 1 for 'a' and 2 for 'b'" in error, error


def test_a_stopped_rank_is_found_and_other_teams_finish(folder):
    file = team_file(folder, 2, epochs=25)
    run = folder / "run"
    job = h.start("run", file, "--all", "-o", run, "--timeout", 4, ranks=4)
    h.wait_until(lambda: len(h.committed(run)) >= 2, 60, "two commits")
    os.kill(ranks_of(run)[3], signal.SIGSTOP)  # a member of the second team
    begin = time.monotonic()
    out, err = job.communicate(timeout=120)
    assert job.returncode == 3, (job.returncode, err)
    assert re.search(r"rank 3 did not come to the rendezvous within 4 s", err), err
    assert not ranks_of(run), "a rank was left behind"
    state = json.loads((run / "state.json").read_text())
    assert state["state"] == "error" and state["exit_code"] == 3, state
    before = h.committed(run)
    h.emosweep("run", file, "--all", "-o", run, ranks=4)
    assert set(before) <= set(h.committed(run))
    h.emosweep("run", file, "--all", "-o", folder / "quiet", ranks=2)
    assert h.summary(run) == h.summary(folder / "quiet")
    h.check_whole(run)
    print(f"found and ended after {time.monotonic() - begin:.1f} s")


def test_a_rank_waits_for_a_debugger(folder):
    run = folder / "run"
    job = h.start("run", team_file(folder, 2), "--all", "-o", run, "--hang-rank", 1, ranks=2)
    time.sleep(4)
    assert job.poll() is None and not (run / "trials").exists(), "it did not wait"
    pid = ranks_of(run)[1]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    seize, detach, interrupt = 0x4206, 17, 0x4207
    if libc.ptrace(seize, pid, None, None) != 0:
        job.kill()
        raise h.Skip("no ptrace here")
    time.sleep(1)
    libc.ptrace(interrupt, pid, None, None)  # a tracee is let go only while it is stopped
    os.waitpid(pid, 0x40000000)
    libc.ptrace(detach, pid, None, None)
    out, err = job.communicate(timeout=120)
    assert job.returncode == 0, err
    assert re.search(rf"rank 1 waits for a debugger: gdb -p {pid} ", err), err
    error = h.emosweep("run", team_file(folder, 2), "--all", "-o", run, "--hang-rank", 2, ranks=2, code=2).stderr
    assert "the ranks are 0 to 1" in error, error


h.main(globals())
