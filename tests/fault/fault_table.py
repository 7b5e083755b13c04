#!/usr/bin/env python3
"""tests/fault/fault_table.py [--short] [--list] [--keep] [--repeats N] [--jobs N] [CELL...]

Injects every fault at every place on every rank and checks what the program owes its user: the exit code, no hang, no
orphan, nothing committed lost, and after `resume` the same bytes as without the fault. CELL is a name or a pattern of
--list, such as 'kill@record.synced/leader-1' or 'stop@*'; without one all run. --keep keeps the run folders of cells that
fail. EMOSWEEP_FAULT_REPEATS (5) and EMOSWEEP_FAULT_JOBS (3: most runs wait most of the time) are the defaults of the
options; --short runs the essential cells once. The program is $EMOSWEEP_PROGRAM.
"""
import argparse
import concurrent.futures
import fnmatch
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import cells as table  # noqa: E402
import folders  # noqa: E402
import injected  # noqa: E402

RUNNERS = {"injected": injected.injected, "disk": folders.full_disk, "folder": folders.of_folder}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", nargs="*")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--repeats", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("EMOSWEEP_FAULT_JOBS") or 3))
    options = parser.parse_args()
    options.repeats = options.repeats or (1 if options.short else int(os.environ.get("EMOSWEEP_FAULT_REPEATS") or 5))
    return options


def chosen(options):
    cells = [cell for cell in table.table() if cell.essential or not options.short]
    if options.cells:
        cells = [cell for cell in cells if any(fnmatch.fnmatchcase(cell.name, p) for p in options.cells)]
        if not cells:
            sys.exit(f"no cell is named {' or '.join(options.cells)}: --list names them")
    return cells


class Tally:
    """The outcomes, cell by cell, and the log of the table: a line a run."""

    def __init__(self, total, keep):
        self.outcomes, self.lock, self.total, self.keep, self.done = {}, threading.Lock(), total, keep, 0

    def add(self, cell, number, outcome, seconds, folder):
        with self.lock:
            self.done += 1
            self.outcomes.setdefault(cell.name, []).append(outcome)
            print(f"[{self.done}/{self.total}] {cell.name} #{number + 1}: {'FAILED' if outcome.wrong else 'ok'}, code "
                  f"{outcome.code}, found after {longest([outcome.found])}, ended after {longest([outcome.ended])} "
                  f"({seconds:.1f} s)", flush=True)
            if outcome.wrong:
                print("".join(f"    {line}\n" for w in outcome.wrong for line in w.splitlines()) +
                      "    the end of its stderr:\n" +
                      "".join(f"    | {line}\n" for line in outcome.tail.splitlines()) +
                      f"    again: tests/fault/fault_table.py --keep '{cell.name}'" +
                      (f"\n    kept: {folder}" if self.keep else ""), flush=True)


def run_one(cell, number, references, folder, tally):
    place, begin = folder / f"{cell.name.replace('/', '-')}-{number}", time.monotonic()
    place.mkdir()
    reference = references[injected.TEAM if cell.ranks else 1]
    try:
        outcome = RUNNERS[cell.kind](cell, number, reference, place)
        if not outcome.fired and not outcome.hung:  # on a busy machine the others may have done all work before
            shutil.rmtree(place)
            place.mkdir()
            outcome = RUNNERS[cell.kind](cell, number, reference, place)
    except Exception as error:  # a defect of the table is a failure of the cell
        outcome = injected.Outcome(wrong=[f"{type(error).__name__}: {error}"])
    tally.add(cell, number, outcome, time.monotonic() - begin, place)
    if not (tally.keep and outcome.wrong):
        shutil.rmtree(place, ignore_errors=True)


def columns(rows):
    widths = [max(len(str(row[c])) for row in rows) for c in range(len(rows[0]))]
    return "\n".join("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def longest(times):
    times = [time for time in times if time is not None]
    return f"{max(times):.2f} s" if times else "-"


HEAD = ("runs", "found after", "ended after", "codes", "hangs", "orphans", "lost", "equal", "wrong")


def row(of):
    return (len(of), longest([o.found for o in of]), longest([o.ended for o in of]),
            ",".join(map(str, sorted({o.code for o in of}))), sum(o.hung for o in of), sum(o.orphans for o in of),
            sum(o.lost for o in of), f"{sum(o.equal for o in of)}/{len(of)}", sum(bool(o.wrong) for o in of))


def report(cells, outcomes):
    """A row a cell, then a row a fault; times are the longest."""
    ran = [cell for cell in cells if cell.name in outcomes]
    of_cells = [("fault", "place", "rank", *HEAD)]
    of_cells += [(cell.fault, cell.place, cell.role, *row(outcomes[cell.name])) for cell in ran]
    of_faults = [("fault", *HEAD)]
    for fault in dict.fromkeys(cell.fault for cell in ran):
        of_faults.append((fault, *row([o for cell in ran if cell.fault == fault for o in outcomes[cell.name]])))
    return columns(of_cells) + "\n\n" + columns(of_faults)


def main():
    options = arguments()
    cells = chosen(options)
    if options.list:
        print("\n".join(cell.name for cell in cells))
        return 0
    folders.own_mounts([sys.executable, "-B", *sys.argv])
    skipped = [cell for cell in cells if cell.kind == "disk" or cell.fault == "read-only"] if folders.why_not() else []
    for cell in skipped:
        print(f"[  SKIPPED ] fault_table.{cell.name}: {folders.why_not()}", flush=True)
    cells = [cell for cell in cells if cell not in skipped]
    folder, begin = pathlib.Path(tempfile.mkdtemp(prefix="emosweep-fault-")), time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    tally = Tally(len(cells) * options.repeats, options.keep)
    try:
        references = {n: injected.Reference.make(folder / f"reference-{n}", n) for n in sorted({1, injected.TEAM})}
        with concurrent.futures.ThreadPoolExecutor(max(1, options.jobs)) as pool:
            try:
                list(pool.map(lambda work: run_one(*work, references, folder, tally),
                              [(cell, number) for number in range(options.repeats) for cell in cells]))
            except BaseException:  # Ctrl-C, TERM: no further runs, and those that go on end now
                pool.shutdown(wait=False, cancel_futures=True)
                injected.kill_all()
                raise
    finally:
        injected.kill_all()
        if not (options.keep and any(o.wrong for of in tally.outcomes.values() for o in of)):
            shutil.rmtree(folder, ignore_errors=True)
    everything = [o for of in tally.outcomes.values() for o in of]
    print("\n" + report(cells, tally.outcomes) + "\n\nempty cells")
    print("\n".join(f"  {fault}; {place}: {reason}" for fault, place, reason in table.EMPTY))
    print(f"  timeout of the runs: {table.TIMEOUT} s; ranks: " +
          "; ".join(f"{role} = {text}" for role, text in table.ROLE_TEXT.items()))
    bad = sum(bool(o.wrong) for o in everything)
    print(f"== {len(everything)} injected faults in {len(cells)} cells, {bad} wrong, {time.monotonic() - begin:.0f} s")
    return 1 if bad or not everything else 0


sys.exit(main())
