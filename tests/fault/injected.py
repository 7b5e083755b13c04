"""One run with a fault in it: started, watched, judged, resumed and compared with the undisturbed run."""
import calendar
import dataclasses
import glob
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time
import uuid

import harness as h
from cells import ROLES, TIMEOUT

TEAM = 2  # ranks of a team
OPTIONS = ("--timeout", TIMEOUT)
LIMIT = 45  # seconds of a run, then it counts as hanging
EXPERIMENT = {"one": {"modality": "audio", "epochs": 8, "save_models": "true"}}
MARK = "EMOSWEEP_FAULT_TEST"  # in the environment of everything that a run starts
INJECTED = re.compile(r"emosweep: injected (\w+) at (\S+) \(pass (\d+), pid (\d+)\)")


def experiment_file(folder, ranks_per_trial):
    folder.mkdir(parents=True, exist_ok=True)
    return h.small_file(folder, experiments=EXPERIMENT, ranks_per_trial=ranks_per_trial)


@dataclasses.dataclass
class Reference:
    """What the undisturbed run of the same experiment left."""
    file: pathlib.Path
    summary: bytes
    models: dict

    @staticmethod
    def make(folder, ranks_per_trial):
        file, run = experiment_file(folder, ranks_per_trial), folder / "undisturbed"
        h.emosweep("run", file, "-o", run, ranks=ranks_per_trial)
        return Reference(file, h.summary(run), models_of(run))


@dataclasses.dataclass
class Outcome:
    """wrong: what the program owes its user and did not do, in words; empty where all is well."""
    code: int = 0
    found: float | None = None  # seconds until the fault was found; None: nothing had to be found
    ended: float | None = None  # seconds until the run ended; None: it did not end for this
    fired: bool = True
    hung: bool = False
    orphans: int = 0
    lost: int = 0
    equal: bool = False
    wrong: list = dataclasses.field(default_factory=list)
    tail: str = ""


def models_of(run):
    return {pathlib.Path(p).name: pathlib.Path(p).read_bytes() for p in glob.glob(str(run / "models/*.safetensors"))}


def records_of(run):
    return {i: (run / f"trials/{i}.h5").read_bytes() for i in h.committed(run)}


# ---- processes of a run, by the mark in their environment

def marked(mark):
    found = []
    for entry in glob.glob("/proc/[0-9]*/environ"):
        try:
            if f"{MARK}={mark}".encode() in pathlib.Path(entry).read_bytes().split(b"\0"):
                found.append(int(entry.split("/")[2]))
        except OSError:
            continue
    return found


def left_after(mark, seconds):
    deadline = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def kill_all():
    """Of every run of this table: for its own end."""
    for mark in list(Run.going):
        kill_marked(mark)


def kill_marked(mark):
    for pid in marked(mark):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


# ---- the run

def command(arguments, ranks, faults):
    """mpirun with an environment of its own for each rank that has faults; 0 ranks: without mpirun."""
    program = [h.PROGRAM, *map(str, arguments)]
    if ranks == 0:
        return program
    groups, previous = [], None
    for rank in range(ranks):
        wanted = faults.get(rank)
        if wanted is None and groups and previous is None:
            groups[-1][0] += 1
        else:
            groups.append([1, wanted])
        previous = wanted
    words = ["mpirun", "--bind-to", "none", "--oversubscribe"]
    for number, (count, wanted) in enumerate(groups):
        words += [":"] * (number > 0) + ["-np", str(count)] + (["-x", f"EMOSWEEP_FAULT={wanted}"] if wanted else []) + program
    return words


class Run:
    """A started run; its stderr is read line by line, each with the time of its arrival."""
    going = set()  # marks of runs that nobody has waited for yet

    def __init__(self, arguments, ranks, faults=None, env=None):
        self.mark = uuid.uuid4().hex
        faults = faults or {}
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1",
                       "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", **(env or {}), MARK: self.mark}
        environment.pop("EMOSWEEP_FAULT", None)
        if ranks == 0 and 0 in faults:
            environment["EMOSWEEP_FAULT"] = faults[0]
        self.words = command(arguments, ranks, faults)
        self.lines, self.hung, self.end = [], False, None
        Run.going.add(self.mark)
        self.process = subprocess.Popen(self.words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, errors="replace")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append((time.time(), line.rstrip("\n")))

    def injected(self, point):
        """(time, pid) of the fault at the point, or None while it has not come."""
        for when, line in list(self.lines):
            match = INJECTED.search(line)
            if match and match.group(2) == point:
                return when, int(match.group(4))
        return None

    def wait_for(self, point, seconds=30):
        deadline = time.monotonic() + seconds
        while (found := self.injected(point)) is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                return None
            time.sleep(0.01)
        return found

    def wait(self):
        """-> exit code. A run that does not end in time is killed, and hung."""
        try:
            self.process.wait(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self.hung = True
            kill_marked(self.mark)
            self.process.wait()
        self.end = time.time()
        self.orphans = left_after(self.mark, 5)
        kill_marked(self.mark)
        Run.going.discard(self.mark)
        self.reader.join(timeout=5)
        return self.process.returncode

    def text(self, last=25):
        return "\n".join(line for _, line in self.lines[-last:])


def first_word(run, since):
    """Time of the first `fail` or `requeue` line of the ranks' logs, the verb and the reason, or None."""
    found = []
    for path in glob.glob(str(run / "log/*.log")):
        for line in pathlib.Path(path).read_text(errors="replace").splitlines():
            match = re.match(r"(\S+)\.(\d+)Z (fail|requeue) [0-9a-f]{64} (\w+)", line)
            if match:
                when = calendar.timegm(time.strptime(match.group(1), "%Y-%m-%dT%H:%M:%S")) + int(match.group(2)) / 1000
                found.append((max(when - since, 0.0), match.group(3), match.group(4)))
    return min(found, default=None)


def status_code(run):
    return h.emosweep("status", run, "--exit-code", code=range(256)).returncode


def leftovers(run):
    """Temporary files; .lease.tmp.* is harmless and another run's to remove."""
    return [str(p.relative_to(run)) for p in run.rglob(".*.tmp.*") if not p.name.startswith(".lease.")]


# ---- the judgement, shared by all kinds of cells

def judge(outcome, run, owed, dir_, fault_time):
    """What the run in which the fault came owes."""
    outcome.hung, outcome.orphans, outcome.code = run.hung, len(run.orphans), run.process.returncode
    wrong, outcome.tail = outcome.wrong, run.text()
    if outcome.hung:
        wrong.append(f"did not end within {LIMIT} s")
    elif outcome.code not in owed.codes:
        wrong.append(f"exit code {outcome.code}, owed {owed.codes}")
    if outcome.orphans:
        wrong.append(f"{outcome.orphans} processes left 5 s after the end")
    outcome.lost = len(set(h.commit_lines(dir_)) - set(h.committed(dir_)))
    if outcome.lost:
        wrong.append(f"{outcome.lost} committed trials have no record")
    if (status := status_code(dir_)) not in owed.status:
        wrong.append(f"status --exit-code says {status}, owed {owed.status}")
    if not fault_time:
        return
    word, ended = first_word(dir_, fault_time), max(run.end - fault_time, 0.0)
    if owed.failed and (word is None or word[1:] != ("fail", owed.failed)):
        wrong.append(f"no trial is recorded as failed for {owed.failed}: {word}")
    if owed.requeued and (word is None or word[1] != "requeue"):
        wrong.append(f"no trial went back into the queue: {word}")
    if owed.ended:
        outcome.ended = ended
    if owed.found:
        outcome.found = word[0] if word else ended
    for what, seconds, limit in (("found", outcome.found, owed.found), ("ended", outcome.ended, owed.ended)):
        if seconds is not None and seconds > limit:
            wrong.append(f"{what} after {seconds:.1f} s, owed {limit} s")


def go_on(outcome, reference, dir_, ranks):
    """Without the fault: exactly the missing trials are trained, and all is as if nothing had been."""
    before = records_of(dir_)
    begun = (dir_ / "options.json").exists() and (dir_ / "plan.json").exists()
    words = ("resume", dir_) if begun else ("run", reference.file, "-o", dir_)
    try:
        h.emosweep(*words, "--retry-failed", ranks=ranks)
        changed = [i for i, content in before.items() if (dir_ / f"trials/{i}.h5").read_bytes() != content]
        assert not changed, f"{len(changed)} records that were there before are others now"
        h.check_whole(dir_, reference.summary)
        assert models_of(dir_) == reference.models, "models differ from the undisturbed run's"
        assert not leftovers(dir_), f"temporary files left: {leftovers(dir_)}"
        assert h.state(dir_)["exit_code"] == 0, "state.json does not say that all is done"
        outcome.equal = True
    except AssertionError as error:
        outcome.wrong.append(f"going on: {error}")


def words(reference, dir_, *options):
    return ("run", reference.file, "-o", dir_, *OPTIONS, *options)


def injected(cell, number, reference, folder):
    """The number-th repeat of a cell of kind injected."""
    dir_, env, outcome = folder / "run", {}, Outcome()
    point = cell.points[number % len(cell.points)]
    fault = ",".join(filter(None, (cell.needs, f"{cell.fault}@{point}")))
    if cell.place == "hash cache":  # an empty one, so that it is written
        env["EMOSWEEP_CACHE"] = str(folder / "cache")
    run = Run(words(reference, dir_, *cell.options), cell.ranks, {ROLES.get(cell.role, 0): fault}, env)
    run.wait()
    came = run.injected(point.split(":")[0])
    outcome.fired = came is not None
    if not outcome.fired:
        outcome.wrong.append(f"{fault} never came (exit code {run.process.returncode})")
        outcome.tail, outcome.hung, outcome.orphans = run.text(), run.hung, len(run.orphans)
        return outcome
    judge(outcome, run, cell.owed, dir_, came[0])
    go_on(outcome, reference, dir_, TEAM if cell.ranks else None)
    return outcome
