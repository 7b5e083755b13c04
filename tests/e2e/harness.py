"""What the end-to-end tests share: the program run as users run it, on the committed fixture. Standard library only.

A test file defines functions test_*() and calls harness.main(globals()). Output lines look like GoogleTest's, so that
tests/check_skips reads both. The program is $EMOSWEEP_PROGRAM.
"""
import csv
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("EMOSWEEP_PROGRAM", str(ROOT / "build/ci/emosweep"))
FIXTURE = ROOT / "tests/fixtures/synthetic"
DATA = pathlib.Path(os.environ.get("EMOSWEEP_TEST_DATA") or ROOT.parent / "shared" / "data")


class Skip(Exception):
    """The reason why a test cannot run here."""


def need_data(name):
    if not (DATA / name).is_dir():
        raise Skip("no test data: set EMOSWEEP_TEST_DATA")
    return DATA / name


# ---- the program

def command(arguments, ranks=None):
    if ranks is None:
        return [PROGRAM, *map(str, arguments)]
    return [str(ROOT / "scripts/sweep"), "-np", str(ranks), *map(str, arguments)]


def start(*arguments, ranks=None, env=None):
    # Open MPI's own second: most tests end with a code that is not 0, which takes mpirun twice that time.
    always = {"EMOSWEEP_PROGRAM": PROGRAM, "OMPI_MCA_odls_base_sigkill_timeout": "1"}
    return subprocess.Popen(command(arguments, ranks), env={**os.environ, **always, **(env or {})},
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def emosweep(*arguments, ranks=None, env=None, code=0, timeout=120):
    """Runs it and checks the exit code (an int, or a collection of them). -> CompletedProcess."""
    process = start(*arguments, ranks=ranks, env=env)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{arguments} did not end within {timeout} s\n{out[-2000:]}\n{err[-4000:]}")
    codes = (code,) if isinstance(code, int) else code
    assert process.returncode in codes, (
        f"{' '.join(command(arguments, ranks))}\nexit code {process.returncode}, expected {code}\n"
        f"--- stdout\n{out[-2000:]}\n--- stderr\n{err[-4000:]}")
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


# ---- the fixture and experiments

DATASET, GROUP_COLUMN, LABEL, AUDIO, VISUAL = "synthetic", "subject", "emotion", "audio", "visual"

TEMPLATE = {"dataset": str(FIXTURE), "protocol": "loso", "group": "subject", "validation_groups": 1, "modality": "both",
            "hidden_size": 8, "epochs": 2, "batch_size": 16, "lr": "1.0e-2",
            "pack": "off"}  # most tests watch single trials end; e2e_packs.py has the others


def yaml_of(entry):
    return "".join(f"    {key}: {value}\n" for key, value in entry.items())


def experiment_file(folder, experiments, **changes):
    """experiments: {name: {key: value}}; TEMPLATE and changes stand under all of them."""
    text = "experiments:\n"
    for name, keys in experiments.items():
        text += f'  - name: "{name}"\n' + yaml_of({**TEMPLATE, **changes, **keys})
    path = pathlib.Path(folder) / "experiments.yaml"
    path.write_text(text)
    return path


SMALL = {"one": {"modality": "audio"}, "gate": {"fusion_type": "gated"}, "linear": {"model": "linear"}}
NETWORK_ONLY = {"hidden_size", "epochs", "batch_size", "lr", "kernels", "pack"}

# For tests that need a trial of seconds.
SLOW = {"kernels": "torch"}


def small_file(folder, seeds="[1, 2]", experiments=None, **changes):
    """A sweep of two small networks and a linear model; linear without the keys that only networks read."""
    text = "experiments:\n"
    for name, keys in (experiments or SMALL).items():
        entry = {**TEMPLATE, **changes, **keys, "seeds": seeds}
        if entry.get("model") == "linear":
            entry = {k: v for k, v in entry.items() if k not in NETWORK_ONLY}
        text += f'  - name: "{name}"\n' + yaml_of(entry)
    path = pathlib.Path(folder) / "experiments.yaml"
    path.write_text(text)
    return path


def copy_fixture(folder):
    target = pathlib.Path(folder) / "data"
    shutil.copytree(FIXTURE, target)
    return target


def read_table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def write_table(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def table_of(dataset):
    """The CSV that dataset.yaml names."""
    text = (pathlib.Path(dataset) / "dataset.yaml").read_text()
    return pathlib.Path(dataset) / re.search(r"^samples:\s*(\S+)", text, re.M).group(1)


def is_number(cell):
    return re.fullmatch(r"-?\d+(\.\d+)?(e[-+]?\d+)?", cell.strip()) is not None


# ---- run folders

def h5(file, path):
    """A dataset of an HDF5 file as a list of numbers or strings, by h5dump."""
    result = subprocess.run(["h5dump", "-y", "-w", "0", "-m", "%.9g", "-d", path, str(file)], capture_output=True, text=True)
    assert result.returncode == 0, f"h5dump {path} {file}: {result.stderr}"
    data = result.stdout[result.stdout.index("DATA {") + 6:]
    if "H5T_STRING" in result.stdout:
        return [s.replace("\\000", "").rstrip() for s in re.findall(r'"((?:[^"\\]|\\.)*)"', data)]
    return [float(v) for v in re.findall(r"-?(?:nan|inf|\d+(?:\.\d+)?(?:e[-+]?\d+)?)", data)]


def trials(run, *columns):
    """Rows of /trials of a run's summary, as tuples of the named columns."""
    return list(zip(*(h5(run / "summary.h5", f"/trials/{c}") for c in columns)))


def summary(run):
    return (run / "summary.h5").read_bytes()


def state(run):
    return json.loads((run / "state.json").read_text())


def committed(run):
    return sorted(pathlib.Path(p).stem for p in glob.glob(str(run / "trials/*.h5")))


def commit_lines(run):
    """Ids of the commit lines of all ranks' logs, over all restarts."""
    ids = []
    for path in sorted(glob.glob(str(run / "log/*.log"))):
        ids += re.findall(r"^.*\bcommit(?:ted)? ([0-9a-f]{16,64})\b", pathlib.Path(path).read_text(errors="replace"), re.M)
    return sorted(ids)


def check_whole(run, expected_summary=None):
    """verify is content, every committed id has one commit line, and the summary is the expected one."""
    emosweep("verify", run)
    assert commit_lines(run) == committed(run), (
        f"{len(commit_lines(run))} commit lines, {len(committed(run))} records: "
        f"double {sorted({i for i in commit_lines(run) if commit_lines(run).count(i) > 1})[:3]}, "
        f"missing {sorted(set(committed(run)) - set(commit_lines(run)))[:3]}")
    if expected_summary is not None:
        assert summary(run) == expected_summary, f"{run}/summary.h5 differs from the undisturbed run's"


def processes_of(run):
    """Pids of programs that have this run folder on their command line."""
    found = []
    for entry in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            words = pathlib.Path(entry).read_bytes().split(b"\0")
        except OSError:
            continue
        pid = int(entry.split("/")[2])
        if str(run).encode() in words and words[0].endswith(b"emosweep") and pid != os.getpid():
            found.append(pid)
    return found


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def safetensors(path):
    """-> ({name: (dtype, shape, bytes)}, metadata)."""
    blob = pathlib.Path(path).read_bytes()
    size = int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8:8 + size])
    metadata = header.pop("__metadata__", {})
    body = blob[8 + size:]
    return ({name: (t["dtype"], t["shape"], body[slice(*t["data_offsets"])]) for name, t in header.items()}, metadata)


# ---- the runner

def main(namespace):
    suite = pathlib.Path(sys.argv[0]).stem
    wanted = sys.argv[1:]
    failed = 0
    for name, function in list(namespace.items()):
        if not name.startswith("test_") or (wanted and name not in wanted):
            continue
        label, begin = f"{suite}.{name[5:]}", time.monotonic()
        folder = pathlib.Path(tempfile.mkdtemp(prefix="emosweep-e2e-"))
        try:
            print(f"[ RUN      ] {label}", flush=True)
            function(folder)
            print(f"[       OK ] {label} ({(time.monotonic() - begin) * 1000:.0f} ms)", flush=True)
        except Skip as reason:
            print(f"[  SKIPPED ] {label}: {reason}", flush=True)
        except Exception as error:  # reported, and the next test runs
            failed += 1
            if not isinstance(error, AssertionError):
                traceback.print_exc(file=sys.stdout)
            else:
                print(error, "\n  at", "".join(traceback.format_tb(error.__traceback__)[1:2]).strip())
            print(f"[  FAILED  ] {label} ({(time.monotonic() - begin) * 1000:.0f} ms)", flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)
