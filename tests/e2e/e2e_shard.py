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
    names = {p.name for p in run.iterdir() if not p.name.startswith("state.")}
    assert names <= {"trials", "failed", "models", "samples", "log", "plan.json", "experiment.yaml", "resolved.yaml",
                     "options.json", "summary.h5", "timing.csv", "report.html", "checkpoints"}, names


def test_shards_at_the_same_time_equal_a_plain_run(folder):
    file = h.small_file(folder)
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
        assert h.emosweep("report", run).stdout == h.emosweep("report", folder / "plain").stdout
        check_no_strangers(run)


h.main(globals())
