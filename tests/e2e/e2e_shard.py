#!/usr/bin/env python3
"""run --shard i/n: a job array on one folder gives what a plain run gives, after any interruption, and can be told from outside."""
import json
import os
import signal
import time

import harness as h


def plain(folder, file):
    run = folder / "plain"
    if not run.exists():
        h.emosweep("run", file, "--all", "-o", run)
    return h.summary(run)


def start_shard(file, run, shard, ranks=None, env=None, more=()):
    return h.start("run", file, "--all", "-o", run, "--shard", shard, *more, ranks=ranks, env=env)


def ended(process, code=0, timeout=120):
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == code, f"exit code {process.returncode}, expected {code}\n{out[-2000:]}\n{err[-4000:]}"
    return out, err


def status(run):
    return json.loads(h.emosweep("status", run, "--json").stdout)


def statistics(run):
    return json.loads(h.emosweep("report", run, "--format", "json").stdout)["statistics"]


def shard_log_ids(run, verb):
    """Ids per shard, from the logs' names and lines."""
    ids = {}
    for path in sorted((run / "log").glob("shard-*.log")):
        name = path.name.split("-rank-")[0]
        for line in path.read_text().splitlines():
            words = line.split()
            if len(words) > 2 and words[1] == verb:
                ids.setdefault(name, []).append(words[2])
    return ids


def check_no_strangers(run):
    """Nothing but what docs/results.md names is left when nobody runs."""
    names = {p.name for p in run.iterdir() if not p.name.startswith(("state.", "."))}
    assert names <= {"trials", "failed", "models", "samples", "log", "plan.json", "experiment.yaml", "resolved.yaml",
                     "options.json", "summary.h5", "timing.csv", "report.html", "checkpoints"}, names


def test_shards_at_the_same_time_equal_a_plain_run(folder):
    file = h.small_file(folder, save_models="true")
    expected = plain(folder, file)
    for count, ranks in ((2, (None, 2)), (3, (None, None, None))):
        run = folder / f"of-{count}"
        shards = [start_shard(file, run, f"{i + 1}/{count}", ranks=ranks[i]) for i in range(count)]
        for shard in shards:
            ended(shard)
        h.check_whole(run, expected)
        started = shard_log_ids(run, "start")
        assert len(started) == count and all(started.values()), started
        every = [i for ids in started.values() for i in ids]
        assert len(every) == len(set(every)) == len(h.committed(run)), "a trial was trained by two shards"
        assert max(map(len, started.values())) - min(map(len, started.values())) <= len(every) // 2, "badly dealt"
        h.emosweep("status", run, "--exit-code")
        told = status(run)
        assert told["state"] == "done" and told["left"] == 0 and not told["alive"], told
        assert [s["shard"] for s in told["shards"]] == [f"{i + 1}/{count}" for i in range(count)]
        assert sum(s["done"] for s in told["shards"]) == sum(s["planned"] for s in told["shards"]) == told["done"]
        assert statistics(run) == statistics(folder / "plain")
        models = sorted(p.name for p in (folder / "plain/models").iterdir())
        assert models == sorted(p.name for p in (run / "models").iterdir()) and models
        predicted = [h.emosweep("predict", r / "models" / models[0], "--data", h.FIXTURE).stdout for r in (run, folder / "plain")]
        assert predicted[0] == predicted[1] and predicted[0]
        check_no_strangers(run)


def test_a_killed_shard_goes_on_by_itself(folder):
    file = h.small_file(folder)
    expected = plain(folder, file)
    for point in ("record.renamed:3", "plan.written:1", "lock.linked:1", "lock.linked:2", "summary.written:1", "wish.renamed:1"):
        run = folder / point.split(":")[0].replace(".", "-")
        killed = start_shard(file, run, "2/2", env={"EMOSWEEP_FAULT": f"kill@{point}"})
        other = start_shard(file, run, "1/2", ranks=2)
        ended(killed, code=-signal.SIGKILL)
        ended(other)  # a dead shard, also one that held the lock, does not hinder it
        before = {i: (run / f"trials/{i}.h5").read_bytes() for i in h.committed(run)}
        h.emosweep("status", run, "--exit-code", code=75)
        told = status(run)
        assert told["state"] == "interrupted" and not told["alive"], told
        assert [s["exit_code"] for s in told["shards"]] == [0, 75], told
        assert told["done"] == len(before) and told["done"] + told["left"] == told["planned"], told
        h.emosweep("resume", run, "--shard", "2/2", ranks=3)
        assert all((run / f"trials/{i}.h5").read_bytes() == b for i, b in before.items()), f"{point}: trained again"
        h.check_whole(run, expected)
        h.emosweep("status", run, "--exit-code")
        check_no_strangers(run)


def test_killed_shards_are_finished_by_a_plain_run_or_by_other_shards(folder):
    file = h.small_file(folder)
    expected = plain(folder, file)
    for number, others in enumerate(([()], [("--shard", "1/3"), ("--shard", "2/3"), ("--shard", "3/3")])):
        run = folder / f"run-{number}"
        for shard in ("1/2", "2/2"):
            ended(start_shard(file, run, shard, env={"EMOSWEEP_FAULT": "kill@record.renamed:4"}), code=-signal.SIGKILL)
        assert len(h.committed(run)) == 8
        for more in others:
            h.emosweep("resume", run, *more, ranks=2)
        h.check_whole(run, expected)
        h.emosweep("status", run, "--exit-code")
        left = sorted(p.name for p in run.glob("state*.json"))
        assert left == (["state.json"] if number == 0 else [f"state.{i}-of-3.json" for i in (1, 2, 3)]), left
        check_no_strangers(run)


def slow_file(folder):
    return h.small_file(folder, seeds="[1]", experiments={"slow": {"modality": "audio"}}, epochs=50000, **h.SLOW)


def visible(run):
    """Files of the folder but temporary ones, and the lock that a starting shard holds for a moment."""
    return {name for name in os.listdir(run) if not name.startswith(".")} - {"lock"}


def running_shard(folder, file, run, shard, ranks=None):
    process = start_shard(file, run, shard, ranks=ranks)
    name = "state.json" if shard == "1/1" else f"state.{shard.replace('/', '-of-')}.json"
    h.wait_until((run / name).exists, 30, f"shard {shard} at work")
    return process


def refused(run, file, *arguments, owner):
    begin = time.monotonic()
    result = h.emosweep("run", file, "--all", "-o", run, *arguments, code=3)
    assert time.monotonic() - begin < 20, "not at once"
    assert f"process {owner}" in result.stderr and "in use by" in result.stderr, result.stderr
    return result.stderr


def test_what_may_not_run_together_is_refused_at_once(folder):
    file, run = slow_file(folder), folder / "run"
    first = running_shard(folder, file, run, "1/2")
    try:
        names = visible(run)
        log = run / "log/shard-1-of-2-rank-0.log"
        assert "shard 1/2" in refused(run, file, owner=first.pid)
        refused(run, file, "--shard", "1/2", owner=first.pid)
        assert "shard 1/2" in refused(run, file, "--shard", "2/3", owner=first.pid)
        # Another plan: shards of one folder must deal the same trials.
        other = h.emosweep("run", file, "--all", "-o", run, "--shard", "2/2", "--seeds", "1,2", code=3).stderr
        assert "another plan" in other and f"process {first.pid}" in other, other
        assert status(run)["alive"] and status(run)["state"] == "running"
        assert visible(run) == names, visible(run) ^ names
        assert log.read_text().count(" start ") == 1
        second = running_shard(folder, file, run, "2/2")
        told = h.emosweep("status", run).stdout
        assert "2 shards" in told and f"process {first.pid}" in told and f"process {second.pid}" in told, told
        assert status(run)["ranks"] == 2
        # A shard writes its first state before it has claimed its first trial.
        h.wait_until(lambda: status(run)["running"] == 2, 30, "a trial in each shard")
        h.emosweep("status", run, "--exit-code", code=75)
        second.send_signal(signal.SIGUSR2)
        ended(second, code=75)
        assert [s["state"] for s in status(run)["shards"]] == ["running", "interrupted"]
    finally:
        first.send_signal(signal.SIGUSR2)
    ended(first, code=75)
    for shard in (1, 2):
        assert json.loads((run / f"state.{shard}-of-2.json").read_text())["exit_code"] == 75
    assert status(run)["state"] == "interrupted"

    whole = running_shard(folder, file, run, "1/1", ranks=2)
    try:
        owner = json.loads((run / "lease").read_text())["pid"]
        assert sorted(p.name for p in run.glob("state*.json")) == ["state.json"]
        refused(run, file, owner=owner)
        assert "the whole plan" in refused(run, file, "--shard", "1/2", owner=owner)
        assert "shards" not in status(run)
    finally:
        whole.send_signal(signal.SIGUSR2)
    ended(whole, code=75)
    h.emosweep("status", run, "--exit-code", code=75)


def test_shards_that_were_not_run_count_as_75(folder):
    file, run = h.small_file(folder, seeds="[1]"), folder / "run"
    h.emosweep("run", file, "--all", "-o", run, "--shard", "2/3")
    told = status(run)
    assert [s["state"] for s in told["shards"]] == ["not run", "done", "not run"] and told["exit_code"] == 75, told
    assert "shard 1/3: not run yet" in h.emosweep("status", run, "--exit-code", code=75).stdout
    # A longer plan: what an older one's shard wrote says nothing of it.
    h.emosweep("run", file, "--all", "-o", run, "--seeds", "1,2", "--shard", "1/3")
    assert [s["state"] for s in status(run)["shards"]] == ["done", "not run", "not run"]
    for shard in ("2/3", "3/3"):
        h.emosweep("resume", run, "--shard", shard)
    h.emosweep("status", run, "--exit-code")
    assert status(run)["left"] == 0
    h.check_whole(run)


def test_the_worst_shard_gives_the_exit_code(folder):
    experiments = {"bad": {"modality": "audio", "lr": "1.0e+30", "epochs": 20}, "good": {"modality": "audio"}}
    file, run = h.small_file(folder, seeds="[1]", experiments=experiments), folder / "run"
    codes = [h.emosweep("run", file, "--all", "-o", run, "--shard", f"{i}/2", code=(0, 1)).returncode for i in (1, 2)]
    assert 1 in codes
    h.emosweep("status", run, "--exit-code", code=1)
    told = status(run)
    assert [s["exit_code"] for s in told["shards"]] == codes and told["state"] == "failed"
    assert told["failed"] == sum(s["failed"] for s in told["shards"]) > 0
    for i, code in enumerate(codes):
        h.emosweep("resume", run, "--shard", f"{i + 1}/2", "--retry-failed", code=code)
    h.check_whole(run)


def test_time_limits_of_shards(folder):
    file, run = slow_file(folder), folder / "run"
    result = h.emosweep("run", file, "--all", "-o", run, "--shard", "1/2", "--time-limit", "4", code=75)
    assert "time limit" in result.stderr, result.stderr
    late = {"SLURM_JOB_END_TIME": str(int(time.time()) + 4)}
    h.emosweep("run", file, "--all", "-o", run, "--shard", "2/2", env=late, code=75)
    assert [s["message"] for s in status(run)["shards"]] == ["time limit"] * 2
    h.emosweep("status", run, "--exit-code", code=75)


def test_wrong_shards_are_wrong_input(folder):
    file = h.small_file(folder)
    for wrong in ("0/2", "3/2", "x", ""):
        result = h.emosweep("run", file, "--all", "-o", folder / "run", f"--shard={wrong}", code=2)
        assert "--shard" in result.stderr, result.stderr
    assert not (folder / "run").exists()


h.main(globals())
