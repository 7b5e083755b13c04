"""The cells of the fault table: which fault, where, on which rank, and what the program owes its user then.

The points are those of base/fault.h. What is owed follows docs/errors.md and docs/distributed.md.
"""
import dataclasses

TIMEOUT = 4  # --timeout of the runs: a rank that does not answer for so long hangs

# Four ranks are two teams of two. One process without mpirun is "alone".
ROLES = {"leader-0": 0, "member-0": 1, "leader-1": 2, "member-1": 3}
ALONE = "alone"
ROLE_TEXT = {"leader-0": "rank 0: serves the store, leads team 0", "member-0": "member of team 0",
             "leader-1": "leader of team 1", "member-1": "member of team 1", ALONE: "one process without mpirun"}


@dataclasses.dataclass(frozen=True)
class Owed:
    """What has to be true of the run in which the fault came."""
    codes: tuple      # exit codes
    status: tuple     # of `emosweep status --exit-code` afterwards; 2: no plan.json yet
    found: float      # seconds from the fault to the first word of it in the ranks' logs, or to the end of the run
    ended: float      # seconds from the fault to the end of the run, where it ends the run
    failed: str = ""  # a trial is recorded as failed for this reason
    requeued: bool = False  # a trial went back into the queue and was done in the end


@dataclasses.dataclass(frozen=True)
class Cell:
    fault: str     # the row: a kind of base/fault.h, "read-only" or "two runs"
    place: str     # the column
    role: str
    points: tuple  # "<point>:<count>", one a repeat and again from the first
    owed: Owed
    needs: str = ""          # further faults in the same process, so that the point is reached
    options: tuple = ()      # of the run, so that the point is reached
    kind: str = "injected"   # how it is run: injected, disk or folder
    ranks: int = 4           # two teams; 2: one team, where the others have no part in it; 0: alone, without mpirun
    essential: bool = False  # also in the short table

    @property
    def name(self):
        return f"{self.fault}@{self.place}/{self.role}".replace(" ", "-")


DEAD = Owed((137,), (75,), 5, 5)  # mpirun grants the others a second
# A collective that waits ends after the timeout, the rendezvous of the next trial after another, and when the other teams
# are through the run ends after one more.
HANGING = Owed((3,), (3, 75), 3 * TIMEOUT + 8, 3 * TIMEOUT + 8)
ENDED = Owed((3,), (3,), 5, 5)
UNHARMED = Owed((0,), (0,), 0, 0)
REQUEUED = Owed((0,), (0,), 5, 0, requeued=True)
REASONS = {"throw": "exception", "bad_alloc": "out_of_memory", "nan": "non_finite"}


def of_training(fault):
    if fault in REASONS:
        return Owed((1,), (1,), 5, 0, REASONS[fault])
    return DEAD if fault == "kill" else HANGING


def of_writing(fault, early=False):
    """early: before plan.json or state.json is there, so that status knows less than mpirun."""
    owed = {"kill": DEAD, "stop": HANGING}.get(fault, ENDED)
    return dataclasses.replace(owed, status=(2, 75)) if early else owed


def counts(point, *numbers):
    return tuple(f"{point}:{n}" for n in numbers)


def steps(file, number=1):
    return tuple(f"{file}.{step}:{number}" for step in ("begin", "written", "synced", "renamed"))


TRAINING = {"rendezvous": counts("team.rendezvous", 1),
            "first collective": counts("team.collective", 1),
            "later collective": counts("team.collective", 2, 3, 5, 9, 17),
            "forward": counts("trainer.forward", 1, 2, 3, 5, 8),
            "backward": counts("trainer.backward", 1, 2, 3, 5, 8)}

# Where a file is written beside records, all by rank 0: points, and whether that is early.
EARLY = {"hash cache": steps("hash_cache"), "folders": counts("folder.begin", 1, 2, 3), "log": counts("log.begin", 1),
         "lease": ("lease.begin:1", "lease.written:1", "lease.linked:1"),
         "lock": ("lock.begin:1", "lock.written:1", "lock.linked:1"),
         "samples": steps("samples"), "plan": steps("plan"), "experiment": steps("experiment"),
         "resolved": steps("resolved"), "options": steps("options")}
LATE = {"log line": counts("log.line", 1, 2) + counts("log.written", 1, 2), "state": steps("state") + steps("state", 2),
        "model": steps("model"), "failure": steps("failure"), "wish": steps("wish"),
        "summary": steps("summary"), "timing": steps("timing")}
POISON = "nan@trainer.loss:1"
CHECKPOINT = steps("checkpoint") + steps("checkpoint", 2)  # of a leader's first and second trial
EVERY_TRIAL = ("--checkpoint-after", 0)


def training_cells():
    for place, points in TRAINING.items():
        for fault in ("kill", "stop", "throw", "bad_alloc"):
            for role in ROLES:
                # A team that cannot meet is nobody's fault: it meets again.
                owed = REQUEUED if place == "rendezvous" and fault in REASONS else of_training(fault)
                yield Cell(fault, place, role, points, owed)
    for role in ROLES:
        yield Cell("nan", "loss", role, counts("trainer.loss", 1, 2, 3, 5, 8), of_training("nan"))


def record_cells():
    for step in ("begin", "written", "synced", "renamed"):
        for fault in ("kill", "stop", "throw", "bad_alloc"):
            for role, number in (("leader-0", 2), ("leader-1", 1)):
                yield Cell(fault, f"record.{step}", role, counts(f"record.{step}", number), of_writing(fault))
        yield Cell("kill", f"record.{step}", ALONE, counts(f"record.{step}", 3), Owed((-9,), (75,), 5, 5), ranks=0)


def checkpoint_cells():
    for fault in ("kill", "stop", "throw", "bad_alloc"):
        for role in ("leader-0", "leader-1"):
            # A checkpoint that cannot be written costs what it would have saved.
            owed = UNHARMED if fault in REASONS else of_writing(fault)
            yield Cell(fault, "checkpoint", role, CHECKPOINT, owed, options=EVERY_TRIAL)


def other_write_cells():
    for fault in ("kill", "stop", "throw", "bad_alloc"):
        for place, points in EARLY.items():
            owed = of_writing(fault, early=True)
            if place == "hash cache" and fault in REASONS:
                owed = UNHARMED  # a cache that cannot be written costs time only
            if place == "hash cache" and fault == "stop":
                continue
            yield Cell(fault, place, "leader-0", points, owed, ranks=2)
        for place, points in LATE.items():
            if place == "failure":
                for role in ("leader-0", "leader-1"):
                    yield Cell(fault, place, role, points, of_writing(fault), POISON)
            else:
                owed = of_writing(fault)
                if place == "state" and fault in REASONS:  # the state that says so may be the one that was not written
                    owed = dataclasses.replace(owed, status=(3, 75))
                yield Cell(fault, place, "leader-0", points, owed, ranks=2)
        # The run is over and its state written: what comes now changes neither.
        after = {"kill": dataclasses.replace(DEAD, status=(0,)), "stop": dataclasses.replace(HANGING, status=(0,))}
        after = after.get(fault, UNHARMED)
        yield Cell(fault, "report", "leader-0", counts("report.begin", 1) + steps("page"), after, ranks=2)


def disk_cells():
    """The disk is full from the point on, until the filler is removed."""
    full = Owed((3,), (3, 75), 5, 5)
    for place, points in {**EARLY, **LATE}.items():
        first = tuple(p for p in points if p.split(":")[0].endswith((".begin", ".line")))
        if place == "hash cache":
            yield Cell("full disk", place, "leader-0", first, UNHARMED, kind="disk", ranks=2)
            continue
        owed = dataclasses.replace(full, status=(2, 75)) if place in EARLY else full
        needs = POISON if place == "failure" else ""
        yield Cell("full disk", place, "leader-0", first, owed, needs, kind="disk", ranks=2)
    # The run is over: a page that cannot be written is a warning.
    yield Cell("full disk", "report", "leader-0", ("page.begin:1",), UNHARMED, kind="disk", ranks=2)
    yield Cell("full disk", "checkpoint", "leader-0", counts("checkpoint.begin", 1), full, kind="disk", ranks=2,
               options=EVERY_TRIAL)
    for step in ("begin", "written"):  # at written the record still fits: the next one does not
        for role, number in (("leader-0", 2), ("leader-1", 1)):
            yield Cell("full disk", f"record.{step}", role, counts(f"record.{step}", number), full, kind="disk")
    yield Cell("full disk", "record.begin", ALONE, counts("record.begin", 3), full, kind="disk", ranks=0)


def folder_cells():
    refused = Owed((3,), (2, 3, 75), 0, 0)  # the status is what it was before
    yield Cell("read-only", "new folder", "leader-0", (), refused, kind="folder")
    yield Cell("read-only", "begun folder", "leader-0", (), refused, kind="folder")
    for role in ("leader-0", "leader-1"):
        yield Cell("read-only", "while it runs", role, counts("record.begin", 1), Owed((3,), (75,), 5, 5), kind="folder")
    yield Cell("two runs", "the owner trains", "leader-0", counts("record.written", 1), refused, kind="folder")
    yield Cell("two runs", "at one moment", "leader-0", (), refused, kind="folder")


# A fault of each kind in each phase, on changing roles: what the short table runs.
ESSENTIAL = {
    "kill@rendezvous/member-1", "kill@first-collective/leader-1", "kill@later-collective/member-0", "kill@forward/leader-0",
    "kill@checkpoint/leader-1", "throw@checkpoint/leader-0", "kill@record.synced/leader-1", "kill@record.renamed/alone", "kill@plan/leader-0", "kill@summary/leader-0",
    "stop@later-collective/member-1", "stop@record.begin/leader-0", "stop@summary/leader-0",
    "throw@rendezvous/leader-1", "throw@forward/member-0", "throw@record.renamed/leader-0", "throw@state/leader-0",
    "bad_alloc@backward/leader-1", "bad_alloc@first-collective/member-1", "bad_alloc@options/leader-0",
    "nan@loss/member-1", "nan@loss/leader-0", "full-disk@record.begin/leader-1", "full-disk@summary/leader-0",
    "read-only@while-it-runs/leader-1", "read-only@begun-folder/leader-0", "two-runs@the-owner-trains/leader-0"}

# Cells that cannot be, each with its reason.
EMPTY = [
    ("nan", "everywhere but the loss", "a file or a message of the program holds no number that may be NaN; gradients follow "
     "from the loss"),
    ("kill, stop, throw, bad_alloc", "record, model, failure, checkpoint on members", "leaders alone write these"),
    ("all", "set-up, state, summary, report on ranks other than 0", "rank 0 alone writes these"),
    ("full disk", "synced, renamed", "nothing is written between written and the next begin"),
    ("stop", "hash cache", "before all data is read and hashed a rank is given half an hour"),
    ("stop", "alone", "nobody is there to see it; `emosweep status` shows a heartbeat that ages"),
]


def table():
    cells = [*training_cells(), *record_cells(), *checkpoint_cells(), *other_write_cells(), *disk_cells(), *folder_cells()]
    names = {cell.name for cell in cells}
    assert len(names) == len(cells), "two cells of one name"
    assert ESSENTIAL <= names, f"no such cells: {sorted(ESSENTIAL - names)}"
    return [dataclasses.replace(cell, essential=cell.name in ESSENTIAL) for cell in cells]
