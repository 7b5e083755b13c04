"""bench/run sweep: wall seconds of a whole sweep, from the command to its results, against what people run otherwise."""
import csv
import json
import shutil
import subprocess
import sys

from common import PROGRAM, measured, mpirun, ratios, say, show, spread, table
from peer_work import Work, disagreements, peers_python, scores

FOLDS, HIDDEN = 24, 64
EMOSWEEP = "emosweep"
PEERS = [("loop", 1), ("joblib", 1), ("ray", 1), ("joblib", 2), ("ray", 2)]


def run_emosweep(work, seeds, ranks):
    """mpirun, the trials, their records, summary.h5 and the report."""
    run = work.folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    command = mpirun(ranks, PROGRAM, "run", work.experiment("mlp", HIDDEN), "-o", run, "-q", "--set", f"seeds={seeds}")
    report, wall, _ = measured(*command)
    work.trials(run, FOLDS * seeds)
    if not report.strip() or not (run / "summary.h5").exists():
        sys.exit("bench/run sweep: emosweep left no summary or no report")
    return wall, scores(run)


def run_peer(work, seeds, system, jobs):
    results = work.folder / f"{system}-{jobs}.csv"
    results.unlink(missing_ok=True)
    text, wall, _ = measured(*work.peer("sweep.py", "--with", system, "--jobs", jobs, "--seeds", seeds, "--results", results,
                                        "--hidden", HIDDEN))
    with open(results, newline="") as file:
        if len(list(csv.DictReader(file))) != FOLDS * seeds:
            sys.exit(f"bench/run sweep: {system} left not {FOLDS * seeds} results")
    line = json.loads(text.splitlines()[-1])
    return wall, {k: line[k] for k in ("test_macro_f1", "test_macro_f1_se")}


def peers_here():
    """Those that are installed; why another is not measured is said."""
    ray = subprocess.run([str(peers_python()), "-c", "import ray.tune"], capture_output=True, text=True)
    if ray.returncode == 0:
        return PEERS
    say("bench/run sweep: skips Ray Tune: " + (ray.stderr.strip().splitlines() or ["it does not start"])[-1] +
        "; bench/peers/setup installs it where pip can get it")
    return [peer for peer in PEERS if peer[0] != "ray"]


def measure(work, seeds, rounds, peers):
    wall, score = {}, {}

    def keep(row, figures):
        wall.setdefault(row, []).append(figures[0])
        score[f"{row[0]} {row[1]}"] = figures[1]

    for _ in range(rounds):  # alternated, so that a drift of the machine hits all
        for jobs in (1, 2):
            keep((EMOSWEEP, jobs), run_emosweep(work, seeds, jobs))
            for system, _ in [peer for peer in peers if peer[1] == jobs]:
                keep((system, jobs), run_peer(work, seeds, system, jobs))
    over = {f"{system} {jobs}": ratios(v, wall[EMOSWEEP, jobs]) for (system, jobs), v in wall.items() if system != EMOSWEEP}
    return {"wall_seconds": {f"{system} {jobs}": spread(v) for (system, jobs), v in wall.items()},
            "over_emosweep": over, "scores": score}


def sweep(quick=False, rounds=3):
    if peers_python() is None:
        sys.exit("bench/run sweep: needs bench/peers/setup")
    peers = peers_here()
    rounds, work = (1, Work("sweep", 5)) if quick else (rounds, Work("sweep", 50))
    wrong = []
    for seeds in (1, 5):
        result = measure(work, seeds, rounds, peers)
        show("sweep", trials=FOLDS * seeds, hidden=HIDDEN, data=work.data, epochs=work.epochs, rounds=rounds, **result)
        lines = []
        for row, wall in result["wall_seconds"].items():
            ratio = result["over_emosweep"].get(row)
            lines.append([row, f"{wall['median']:.2f}", f"{wall['min']:.2f} to {wall['max']:.2f}",
                          f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})" if ratio else "1",
                          "{test_macro_f1:.3f} ({test_macro_f1_se:.3f})".format(**result["scores"][row])])
        table(f"{FOLDS * seeds} trials of mlp {HIDDEN}, {work.epochs} epochs, from the command to the results",
              ["system, processes", "wall seconds", "least to most", "over emosweep's", "macro-F1 (standard error)"], lines)
        wrong += [f"{FOLDS * seeds} trials: {d}" for d in disagreements(result["scores"])]
    if wrong:
        sys.exit("bench/run sweep: scores differ by more than 3 standard errors, so the work does: " + "; ".join(wrong))
