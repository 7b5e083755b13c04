#!/usr/bin/env python3
"""slurm/sweep.sbatch and array.sbatch on two real nodes, undisturbed and with what must not be tried for ever."""
import os
import shutil

import jobs as j
from jobs import h


def hosts_of(run):
    header, *rows = h.read_table(run / "timing.csv")
    return {row[header.index("host")] for row in rows}


def test_two_nodes(folder):
    file, run, expected = j.sweep(folder)
    job = j.submit(folder, j.SWEEP, file.name, "--all", "-o", run)
    job.end(0)
    assert hosts_of(run) == {"h1", "h2"} and len(list(run.glob("log/rank-*.log"))) == 4
    assert "c10d" not in job.text(), job.text()
    h.check_whole(run, expected)
    j.nothing_left(run)


def test_team_over_both_nodes(folder):
    j.need_cluster()
    file, run = h.small_file(folder, seeds="[1]"), folder / "run"
    arguments = [file.name, "-e", "gate", "--set", "ranks_per_trial=4"]
    j.submit(folder, j.SWEEP, *arguments, "-o", run).end(0)
    h.emosweep("run", file, *arguments[1:], "-o", folder / "one-machine", ranks=4)
    h.check_whole(run, h.summary(folder / "one-machine"))
    j.nothing_left(run)


def test_array_of_two_shards(folder):
    """One shard is interrupted and requeues itself alone; later one of three shards finds nothing to do."""
    file, run, expected = j.sweep(folder)
    array = j.submit(folder, j.ARRAY, file.name, "--all", "-o", run, options=["--array=1-2", "-n2", "-t5"])
    first, second = array.task(1), array.task(2)
    for shard, task in ((1, first), (2, second)):
        logs = f"log/shard-{shard}-of-2-rank-*.log"
        task.wait(lambda _: any(" commit " in log.read_text() for log in run.glob(logs)), 60, f"commit of shard {shard}")
    first.signal("USR2")
    first.requeued()
    second.end(0)
    assert first.end(0)["Restarts"] == "1"
    h.check_whole(run, expected)
    j.nothing_left(run)

    arguments = [file.name, "--all", "-o", run]
    refused = j.submit(folder, j.ARRAY, *arguments, options=["--array=3", "-n1", "-t5"]).task(3)
    refused.end(2)
    assert "EMOSWEEP_SHARDS" in refused.text(), refused.text()
    third = j.submit(folder, j.ARRAY, *arguments, options=["--array=3", "-n1", "-t5"], env={"EMOSWEEP_SHARDS": "3"})
    third.task(3).end(0)
    h.check_whole(run, expected)
    j.submit(folder, j.ARRAY, *arguments, options=["--array=1", "-n1", "-t5"]).task(1).end(0)  # a plain run
    h.check_whole(run, expected)


def test_trial_longer_than_the_time_limit(folder):
    """Slurm 22.05 does not tell a job its end: the script does, no trial fits, and the job ends for good."""
    j.need_cluster()
    file, run = h.small_file(folder, experiments={"gate": {"fusion_type": "gated"}}, epochs=1_000_000, **h.SLOW), folder / "run"
    job = j.submit(folder, j.SWEEP, file.name, "-o", run, options=[*j.TWO_NODES, "-t1"])
    assert job.end(75, seconds=30)["Restarts"] == "0"
    assert h.state(run)["message"] == "time limit", h.state(run)
    assert "no trial was finished" in job.text(), job.text()


def test_bound_on_restarts(folder):
    file, run, _ = j.sweep(folder)
    job = j.submit(folder, j.SWEEP, file.name, "--all", "-o", run, env={"EMOSWEEP_MAX_RESTARTS": "0"})
    job.commits(run)
    job.signal("USR2")
    assert job.end(75)["Restarts"] == "0"
    assert "EMOSWEEP_MAX_RESTARTS=0 reached" in job.text(), job.text()


def test_wrong_input(folder):
    job = j.submit(folder, j.SWEEP, "absent.yaml", "--all")
    assert job.end(2)["Restarts"] == "0"
    assert "absent.yaml" in job.text()


def test_launch_that_fails(folder):
    """srun may say 0 where it could not launch a task: the job must not say that the sweep is done."""
    j.need_cluster()
    (folder / "bin").mkdir()
    srun = folder / "bin/srun"
    real, once = shutil.which("srun"), folder / "once"
    srun.write_text(f'#!/bin/sh\n[ -e {once} ] && exec {real} "$@"\ntouch {once}\n')
    srun.chmod(0o755)
    job = j.submit(folder, j.SWEEP, h.small_file(folder, seeds="[1]").name, "-e", "linear", "-o", folder / "run",
                   env={"PATH": f"{folder}/bin:{os.environ['PATH']}"})
    job.end(0)
    assert "the run has not begun: srun ended with 0" in job.text(), job.text()
    h.check_whole(folder / "run")


h.main(globals())
