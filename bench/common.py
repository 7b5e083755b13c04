"""What the benchmarks share: where things are, how programs are called and measured, how results are printed."""
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
PROGRAM = BUILD / "emosweep"
FILES = ROOT / "build" / "bench-runs"
DATA = Path(os.environ.get("EMOSWEEP_TEST_DATA", ROOT / ".." / "shared" / "data")).resolve()
ENV = dict(os.environ, OMP_NUM_THREADS="1", EMOSWEEP_TEST_DATA=str(DATA), PYTHONDONTWRITEBYTECODE="1")
if os.geteuid() == 0:
    ENV.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")


def call(*command, **options):
    return subprocess.run([str(c) for c in command], env=ENV, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def measured(*command):
    """-> stdout, wall seconds, CPU seconds of the process and of those it waited for. Its stderr is shown if it fails."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        begin = time.monotonic()
        child = subprocess.Popen([str(c) for c in command], env=ENV, stdout=out, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            errors.seek(0)
            sys.exit(f"{' '.join(map(str, command))}\ngave exit code {child.returncode}:\n{errors.read()[-3000:]}")
        out.seek(0)
        return out.read(), wall, usage.ru_utime + usage.ru_stime


def build():
    subprocess.run(["cmake", "--preset", "release", "-B", BUILD, "-DEMOSWEEP_BENCH=ON", "-DEMOSWEEP_TESTS=OFF"],
                   cwd=ROOT, env=ENV, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD], env=ENV, check=True, stdout=subprocess.DEVNULL)


def mpirun(ranks, *command):
    return ["mpirun", "-np", ranks, "--bind-to", "none", "--oversubscribe", *command]


def fresh(name):
    folder = FILES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def synthetic(folder, *options):
    call(PROGRAM, "prepare", "synthetic", folder / "data", *options)


def write(folder, text):
    file = folder / "experiment.yaml"
    file.write_text(text)
    return file


def timing(run):
    with open(run / "timing.csv", newline="") as file:
        return [row for row in csv.DictReader(file) if row["wall_seconds"]]


def rounded(value):
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) and abs(value) < 1 else (
        round(value, 4) if isinstance(value, float) else value)


def show(name, **figures):
    print(json.dumps({"bench": name, **rounded(figures)}), flush=True)


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def ratios(numerators, denominators):
    """Round by round, so that a drift of the machine cancels."""
    return spread([n / d for n, d in zip(numerators, denominators)])


def say(text):
    """For people: stdout holds nothing but JSON lines."""
    print(text, file=sys.stderr, flush=True)


def table(title, header, rows):
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    say("\n" + title)
    for line in lines:
        say("  " + line[0].ljust(widths[0]) + "".join("  " + cell.rjust(w) for cell, w in zip(line[1:], widths[1:])))
