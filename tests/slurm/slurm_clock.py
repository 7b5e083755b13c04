#!/usr/bin/env python3
"""What Slurm notices by its own clock: the end of a job's time, and a node that is gone. As slurm_interruptions.py."""
import os
import signal

import jobs as j
from jobs import h


def test_time_limit(folder):
    """Slurm's own USR2, which it sends 15 to 45 s before the end. The ranks sleep until it wakes them."""
    job, _, run, expected = j.started(folder, [*j.TWO_NODES, "-t1", "--signal=USR2@15"])
    for pid in h.processes_of(run):
        os.kill(pid, signal.SIGSTOP)
    job.requeued(seconds=90)
    assert h.state(run)["state"] == "interrupted" and h.state(run)["message"] == "signal SIGUSR2", h.state(run)
    h.emosweep("status", "--exit-code", run, code=75)
    h.check_whole(run)
    j.nothing_left(run)
    j.ends_whole(job, run, expected)


def test_lost_node(folder):
    job, _, run, expected = j.started(folder)
    j.switch_off("h2")
    job.requeued(seconds=120)
    j.switch_on("h2")
    j.ends_whole(job, run, expected)


h.main(globals())
