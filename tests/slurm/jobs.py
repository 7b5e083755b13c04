"""What the Slurm tests share: jobs of the cluster that tests/slurm/cluster started around this process."""
import functools
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import harness as h  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SWEEP, ARRAY = h.ROOT / "slurm/sweep.sbatch", h.ROOT / "slurm/array.sbatch"
TWO_NODES = ["-N2", "--ntasks-per-node=2", "-t5"]
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY"}

tempfile.tempdir = os.getcwd()  # run folders stand where both nodes see them: not in /tmp


def need_cluster():
    if os.environ.get("EMOSWEEP_NO_SLURM"):
        raise h.Skip(os.environ["EMOSWEEP_NO_SLURM"])


def slurm(*words, timeout=60):
    """A command of Slurm -> stdout."""
    result = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=timeout)
    assert result.returncode == 0, f"{words}: exit code {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout


class Job:
    """A submitted job, or one task of an array ("12_1")."""

    def __init__(self, name, output):
        self.name, self.output = str(name), pathlib.Path(output)

    def facts(self):
        return dict(re.findall(r"(\w+)=(\S*)", slurm("scontrol", "show", "job", "-o", self.name)))

    def text(self):
        return self.output.read_text(errors="replace") if self.output.exists() else "(no output)"

    def about(self, facts):
        return f"job {self.name}: {facts}\n--- output\n{self.text()}"

    def wait(self, condition, seconds, what):
        """Until condition(facts) -> facts."""
        deadline = time.monotonic() + seconds
        while not condition(facts := self.facts()):
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s\n{self.about(facts)}"
            time.sleep(0.1)
        return facts

    def commits(self, run):
        """Waits for the first."""
        def any_yet(facts):
            assert facts["JobState"] not in ENDED, f"it ended too soon: {self.about(facts)}"
            return h.committed(run)
        self.wait(any_yet, 60, "a first commit")

    def requeued(self, restarts=1, seconds=60):
        """Waits until Slurm has it in the queue again."""
        return self.wait(lambda f: int(f["Restarts"]) >= restarts and f["JobState"] == "PENDING", seconds, "requeued")

    def release(self):
        """Ends the two minutes that Slurm keeps a requeued job from starting."""
        time.sleep(2)  # a node refuses a job that starts in the second in which it was killed there
        slurm("scontrol", "update", f"jobid={self.name}", "starttime=now")

    def end(self, code, seconds=120, state=None):
        """Waits for its end, releasing it whenever it requeues itself -> facts."""
        def over(facts):
            if facts["JobState"] == "PENDING" and facts["Reason"] == "BeginTime":
                self.release()
            return facts["JobState"] in ENDED
        facts = self.wait(over, seconds, "end")
        states = {state} if state else {"COMPLETED", "FAILED"}
        assert facts["JobState"] in states and facts["ExitCode"] == f"{code}:0", (
            f"expected {states} with exit code {code}: {self.about(facts)}")
        return facts

    def task(self, index):
        return Job(f"{self.name}_{index}", self.output.with_name(f"{self.name}_{index}.out"))

    def signal(self, name):
        slurm("scancel", f"--signal={name}", self.name)


def submit(folder, script, *arguments, options=TWO_NODES, env=None):
    """sbatch from inside `folder` -> Job"""
    need_cluster()
    output = "%A_%a.out" if script == ARRAY else "%j.out"
    command = ["sbatch", "--parsable", f"--output={output}", *options, script, *arguments]
    result = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=60,
                            env={**os.environ, "EMOSWEEP_PROGRAM": h.PROGRAM, **(env or {})})
    assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    return Job(result.stdout.strip(), folder / f"{result.stdout.strip()}.out")


@functools.cache
def expected_summary(seeds, epochs):
    """Of sweep()'s experiments, by one undisturbed rank without Slurm."""
    with tempfile.TemporaryDirectory(prefix="emosweep-e2e-") as folder:
        run = pathlib.Path(folder) / "alone"
        h.emosweep("run", h.small_file(folder, seeds=seeds, epochs=epochs, **h.SLOW), "--all", "-o", run)
        return h.summary(run)


def sweep(folder, seeds="[1, 2]", epochs=150):
    """A sweep of some seconds -> (experiment file, run folder, summary to expect)."""
    need_cluster()
    file = h.small_file(folder, seeds=seeds, epochs=epochs, **h.SLOW)
    return file, folder / "run", expected_summary(seeds, epochs)


def nothing_left(run):
    """No process of the run on any node, and nobody holds the folder."""
    h.wait_until(lambda: not h.processes_of(run), 10, f"processes left: {h.processes_of(run)}")
    assert not list(run.glob("lease*")), list(run.glob("lease*"))


def started(folder, options=TWO_NODES):
    """A job that has committed its first trial -> (job, arguments, run folder, summary to expect)"""
    file, run, expected = sweep(folder)
    arguments = [file.name, "--all", "-o", run]
    job = submit(folder, SWEEP, *arguments, options=options)
    job.commits(run)
    return job, arguments, run, expected


def ends_whole(job, run, expected):
    assert int(job.end(0)["Restarts"]) >= 1
    h.check_whole(run, expected)
    nothing_left(run)


def daemons():
    """How many daemons of Slurm run in this cluster and in those that were started inside it."""
    count = 0
    for file in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            count += file.read_text().strip() in ("slurmctld", "slurmd", "munged")
        except OSError:
            pass  # it has just ended
    return count


def switch_off(name):
    """As hard as a power switch: everything on the node is gone, without a word to the others."""
    os.kill(int(pathlib.Path(f"/run/node.{name}").read_text()), signal.SIGKILL)


def switch_on(name):
    subprocess.run([HERE / "node", name], check=True)
