"""Cells about the run folder: a full disk, a read-only folder, two runs on one folder.

Disks are small tmpfs, which takes root; the table runs in a mount namespace of its own, so that nothing stays mounted.
"""
import contextlib
import os
import signal
import subprocess

import harness as h
import injected as i
from cells import ROLES

SIZE = "6m"


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True, capture_output=True, text=True)


@contextlib.contextmanager
def small_disk(place):
    place.mkdir()
    mount("-t", "tmpfs", "-o", f"size={SIZE}", "none", place)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def full_disk(cell, number, reference, folder):
    outcome = i.Outcome()
    with small_disk(folder / "disk") as disk:
        dir_, filler, env = disk / "run", disk / "filler", {"EMOSWEEP_FAULT_FILL": str(disk / "filler")}
        if cell.place == "hash cache":  # the cache is on the full disk, the run is not
            env["EMOSWEEP_CACHE"], dir_ = str(disk / "cache"), folder / "run"
        point = cell.points[number % len(cell.points)]
        fault = ",".join(filter(None, (cell.needs, f"fill@{point}")))
        run = i.Run(i.words(reference, dir_, *cell.options), cell.ranks, {ROLES.get(cell.role, 0): fault}, env)
        run.wait()
        came = run.injected(point.split(":")[0])
        outcome.fired = came is not None
        if not outcome.fired:
            outcome.wrong.append(f"{fault} never came (exit code {run.process.returncode})")
            outcome.tail = run.text()
            return outcome
        i.judge(outcome, run, cell.owed, dir_, came[0])
        if cell.owed.codes != (0,) and "No space left" not in run.text(100):
            outcome.wrong.append("no message names the full disk")
        filler.unlink()
        i.go_on(outcome, reference, dir_, i.TEAM if cell.ranks else None)
    return outcome


def refused_start(outcome, cell, reference, dir_, remount):
    remount("ro")
    run = i.Run(i.words(reference, dir_), cell.ranks)
    run.wait()
    i.judge(outcome, run, cell.owed, dir_, 0)
    if "Read-only file system" not in run.text(100) or str(dir_) not in run.text(100):
        outcome.wrong.append("no message names the folder and says that it is read-only")
    remount("rw")


def read_only(cell, number, reference, folder):
    outcome = i.Outcome()
    with small_disk(folder / "disk") as disk:
        dir_ = disk / "run"
        if cell.place == "while it runs":
            read_only_meanwhile(outcome, cell, number, reference, dir_)
        else:
            if cell.place == "begun folder":  # with a part of its trials done
                begun = i.Run(i.words(reference, dir_), cell.ranks, {0: "throw@record.begin:2"})
                assert begun.wait() == 3, begun.text()
            refused_start(outcome, cell, reference, dir_, lambda how: mount("-o", f"remount,{how}", disk))
        i.go_on(outcome, reference, dir_, i.TEAM)
    return outcome


def read_only_meanwhile(outcome, cell, number, reference, dir_):
    """The rank is stopped before it writes, the folder becomes read-only under it, and it goes on."""
    point = cell.points[number % len(cell.points)]
    run = i.Run(i.words(reference, dir_), cell.ranks, {ROLES[cell.role]: f"stop@{point}"})
    came = run.wait_for(point.split(":")[0])
    if came is None:
        run.wait()
        outcome.fired, outcome.tail = False, run.text()
        outcome.wrong.append(f"stop@{point} never came")
        return
    # A mount over the folder: unlike a remount it does not wait until nobody has a file open for writing.
    mount("--bind", dir_, dir_)
    mount("-o", "remount,bind,ro", dir_)
    os.kill(came[1], signal.SIGCONT)
    begin = i.time.time()
    run.wait()
    i.judge(outcome, run, cell.owed, dir_, begin)
    if "Read-only file system" not in run.text(100):
        outcome.wrong.append("no message says that the folder is read-only")
    subprocess.run(["umount", "--lazy", str(dir_)], check=True)


def two_runs(cell, number, reference, folder):
    outcome, dir_ = i.Outcome(), folder / "run"
    if cell.place == "at one moment":
        runs = [i.Run(i.words(reference, dir_), cell.ranks) for _ in range(2)]
        codes = sorted(run.wait() for run in runs)
        outcome.code, outcome.orphans = codes[-1], sum(len(run.orphans) for run in runs)
        outcome.hung = any(run.hung for run in runs)
        if codes not in ([0, 3], [0, 0]):  # 0, 0: the second came when the first was over
            outcome.wrong.append(f"exit codes {codes}")
            outcome.tail = "\n".join(run.text() for run in runs)
    else:
        point = cell.points[number % len(cell.points)]
        owner = i.Run(("run", reference.file, "-o", dir_), cell.ranks, {0: f"stop@{point}"})  # with patience
        came = owner.wait_for(point.split(":")[0])
        second = i.Run(i.words(reference, dir_), cell.ranks)
        second.wait()
        outcome.fired = came is not None
        if came:
            i.judge(outcome, second, cell.owed, dir_, 0)
            if f"in use by process {came[1]}" not in second.text(100):
                outcome.wrong.append("no message names the owner of the folder")
            os.kill(came[1], signal.SIGCONT)
        if owner.wait() != 0:
            outcome.wrong.append(f"the owner ended with {owner.process.returncode}")
            outcome.tail = owner.text()
    i.go_on(outcome, reference, dir_, i.TEAM)
    return outcome


def of_folder(cell, number, reference, folder):
    return (two_runs if cell.fault == "two runs" else read_only)(cell, number, reference, folder)


def own_mounts(words):
    """Starts the program anew in a mount namespace of its own, where that is allowed: what is mounted goes with it."""
    unshare = ["unshare", "--mount", "--propagation", "private"]
    if os.environ.get("EMOSWEEP_FAULT_MOUNTS") or os.geteuid() != 0:
        return
    if subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode == 0:
        os.environ["EMOSWEEP_FAULT_MOUNTS"] = "own"
        os.execvp("unshare", [*unshare, *words])


def why_not():
    """The reason why disks cannot be mounted here, or ""."""
    return "" if os.environ.get("EMOSWEEP_FAULT_MOUNTS") else "mounting a small disk takes root"
