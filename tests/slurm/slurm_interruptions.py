#!/usr/bin/env python3
"""Whatever ends a job of slurm/sweep.sbatch, the sweep goes on to the summary of one undisturbed rank."""
import os
import signal
import subprocess

import jobs as j
from jobs import h


def preempted(folder, partition):
    job, _, run, expected = j.started(folder, [*j.TWO_NODES, f"--partition={partition}"])
    urgent = j.slurm("sbatch", "--parsable", "--partition=urgent", *j.TWO_NODES, "--output=/dev/null", "--wrap", "true")
    job.requeued()
    assert h.state(run)["state"] == "interrupted" and h.state(run)["message"] == "signal SIGTERM", h.state(run)
    j.Job(urgent.strip(), folder / "none").end(0)
    j.ends_whole(job, run, expected)


def test_preempted(folder):
    """Slurm ends the job and queues it again."""
    preempted(folder, "main")


def test_preempted_with_time_of_grace(folder):
    """Slurm only sends TERM: the job requeues itself."""
    preempted(folder, "patient")


def test_killed_rank(folder):
    """The others wait for it until Slurm kills them too: the folder still says that the run goes on."""
    job, _, run, expected = j.started(folder)
    os.kill(max(h.processes_of(run)), signal.SIGKILL)
    job.requeued()
    assert h.state(run)["state"] == "running", h.state(run)
    j.slurm("srun", "--nodelist=h1", "bash", "-c", f"{h.PROGRAM} status --exit-code {run}; test $? = 75")
    j.ends_whole(job, run, expected)


def test_cancelled(folder):
    job, arguments, run, expected = j.started(folder)
    j.slurm("scancel", job.name)
    job.end(75, state="CANCELLED")
    assert h.state(run)["state"] == "interrupted" and h.state(run)["exit_code"] == 75, h.state(run)
    j.nothing_left(run)
    h.check_whole(run)
    j.submit(folder, j.SWEEP, *arguments).end(0)
    h.check_whole(run, expected)
    j.nothing_left(run)


def test_cluster_leaves_nothing(folder):
    """A second cluster beside this one, whose first process is killed without a warning."""
    j.need_cluster()
    before = j.daemons()
    ready = folder / "ready"
    with subprocess.Popen([j.HERE / "cluster", "bash", "-c", f"srun -N2 touch {ready}; sleep 600"]) as process:
        h.wait_until(ready.exists, 60, "a second cluster")
        assert j.daemons() > before
        process.kill()
    h.wait_until(lambda: j.daemons() == before, 10, "end of all daemons")


h.main(globals())
