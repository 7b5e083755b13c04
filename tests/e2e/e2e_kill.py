#!/usr/bin/env python3
"""kill -9 at random times and signals: nothing committed is lost or trained twice. (At every step: tests/fault.)

EMOSWEEP_E2E_KILLS sets the number of random kills (default 4, so that the suite stays short).
"""
import os
import pathlib
import random
import signal
import time

import harness as h

KILLS = int(os.environ.get("EMOSWEEP_E2E_KILLS", "4"))


def undisturbed(folder, file):
    run = folder / "undisturbed"
    h.emosweep("run", file, "--all", "-o", run)
    return h.summary(run)


def test_killed_at_random_times(folder):
    dice = random.Random(20)
    file = h.small_file(folder, seeds="[1, 2, 3]", epochs=20)
    expected = undisturbed(folder, file)
    done, attempt = 0, 0
    while done < KILLS:
        run = folder / f"run-{attempt}"
        attempt += 1
        assert attempt < 3 * KILLS + 3, "the sweep ends before it can be killed"
        while done < KILLS:
            before = len(h.committed(run))
            process = h.start("run", file, "--all", "-o", run, ranks=2)
            while process.poll() is None and len(h.committed(run)) <= before:
                time.sleep(0.01)
            time.sleep(dice.uniform(0, 0.3))
            pids = h.processes_of(run)
            if process.poll() is not None or not pids:
                process.communicate()
                break  # it was faster: a fresh folder
            os.kill(process.pid if done % 2 else dice.choice(pids), signal.SIGKILL)
            process.communicate(timeout=60)
            done += 1
            h.wait_until(lambda: not h.processes_of(run), 5, f"ranks left after kill {done}: {h.processes_of(run)}")
        h.emosweep("run", file, "--all", "-o", run, ranks=2)
        h.check_whole(run, expected)


def test_no_rank_outlives_mpirun(folder):
    file, run = h.small_file(folder, seeds="[1, 2]", epochs=2000, **h.SLOW), folder / "run"
    process = h.start("run", file, "-e", "gate", "-o", run, ranks=2)
    h.wait_until(lambda: len(h.processes_of(run)) == 2 and (run / "state.json").exists(), 30, "two ranks at work")
    process.kill()
    process.communicate()
    h.wait_until(lambda: not h.processes_of(run), 5, "no rank left 5 s after kill -9 of mpirun")


def interrupted(folder, number, ranks):
    file, run = h.small_file(folder, seeds="[1, 2, 3]", epochs=40), folder / "run"
    expected = undisturbed(folder, file)
    process = h.start("run", file, "--all", "-o", run, ranks=ranks)
    h.wait_until(lambda: len(h.committed(run)) > 0, 60, "a first commit")
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 75, f"exit code {process.returncode}\n{err[-3000:]}"
    assert h.state(run)["state"] == "interrupted" and h.state(run)["exit_code"] == 75
    h.emosweep("status", run, "--exit-code", code=75)
    h.check_whole(run)
    h.emosweep("resume", run, ranks=2)
    h.check_whole(run, expected)


def test_usr2_under_mpirun_ends_with_75_and_resumes(folder):
    interrupted(folder, signal.SIGUSR2, 2)


def test_term_to_the_script_ends_with_75_and_resumes(folder):
    interrupted(folder, signal.SIGTERM, 2)


def test_mpirun_gives_the_ranks_time_after_a_term_of_its_own(folder):
    file, run = h.small_file(folder, seeds="[1, 2]", epochs=4000, **h.SLOW), folder / "run"
    process = h.start("run", file, "-e", "gate", "-o", run, ranks=2, env={"OMPI_MCA_odls_base_sigkill_timeout": ""})
    h.wait_until(lambda: len(h.processes_of(run)) == 2 and (run / "state.json").exists(), 30, "two ranks at work")
    rank = h.processes_of(run)[0]
    mpirun = int(pathlib.Path(f"/proc/{rank}/stat").read_text().rsplit(")", 1)[1].split()[1])
    setting = b"OMPI_MCA_odls_base_sigkill_timeout=4"
    assert setting in pathlib.Path(f"/proc/{mpirun}/environ").read_bytes().split(b"\0")
    os.kill(mpirun, signal.SIGTERM)
    process.communicate(timeout=60)
    assert h.state(run)["state"] == "interrupted" and h.state(run)["exit_code"] == 75
    h.check_whole(run)


def test_term_alone_ends_with_75_and_resumes(folder):
    interrupted(folder, signal.SIGTERM, None)


h.main(globals())
