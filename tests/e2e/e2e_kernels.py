#!/usr/bin/env python3
"""Where libxsmm can make no code, networks multiply by plain loops: the run says so once, and its records name it."""
import ctypes
import re
import subprocess

import harness as h

PR_SET_MDWE, PR_GET_MDWE, REFUSE_EXEC_GAIN = 65, 66, 1
WARNING = "products of small matrices are computed by plain loops"


def small_sweep(folder):
    return h.small_file(folder, seeds="[1]", experiments={"gate": {"fusion_type": "gated"}, "line": {"model": "linear"}})


def instructions_of(run):
    """-> {instructions: number of records}."""
    counts = {}
    for id in h.committed(run):
        out = subprocess.run(["h5dump", "-a", "/result/instructions", str(run / f"trials/{id}.h5")],
                             capture_output=True, text=True, check=True).stdout
        value = re.search(r'\(0\): "([^"]*)"', out).group(1).replace("\\000", "").strip()
        counts[value] = counts.get(value, 0) + 1
    return counts


def refuse_code_in_memory():
    """In the child: what systemd's MemoryDenyWriteExecute and SELinux's execmem do."""
    if ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) != 0:
        raise OSError("prctl")


def test_records_name_the_products(folder):
    file, run = small_sweep(folder), folder / "run"
    result = h.emosweep("run", file, "--all", "-o", run)
    assert WARNING not in result.stderr, result.stderr
    instructions = instructions_of(run)
    levels = {name.partition("+")[0] for name in instructions}
    assert len(levels) == 1 and len(instructions) == 2, instructions  # of the linear model and of the network
    assert any(re.fullmatch(r"\w+\+products:(wsm|hsw|skx|knl|knm)", name) for name in instructions), instructions


def test_one_warning_a_run_where_no_code_is_made(folder):
    file, run = small_sweep(folder), folder / "run"
    result = h.emosweep("run", file, "--all", "-o", run, ranks=2, env={"LIBXSMM_TARGET": "generic"})
    assert result.stderr.count(WARNING) == 1, result.stderr
    assert re.search(r"plain loops.* rank 0 on \S+, rank 1 on \S+: libxsmm makes no code", result.stderr), result.stderr
    assert sum(n for name, n in instructions_of(run).items() if name.endswith("+products:plain")) == 6, instructions_of(run)
    h.check_whole(run)
    again = h.emosweep("resume", run, env={"LIBXSMM_TARGET": "generic"})
    assert WARNING not in again.stderr, "nothing is trained: " + again.stderr
    line = h.emosweep("run", file, "-e", "line", "-o", folder / "line", env={"LIBXSMM_TARGET": "generic"})
    assert WARNING not in line.stderr, "a linear model has no such products: " + line.stderr
    torch = folder / "torch"
    result = h.emosweep("run", file, "-e", "gate", "-o", torch, "--set", "kernels=torch", env={"LIBXSMM_TARGET": "generic"})
    assert result.stderr.count(WARNING) == 1, result.stderr
    assert all(name.endswith("+products:plain") for name in instructions_of(torch)), instructions_of(torch)


def test_memory_that_may_not_hold_code(folder):
    if ctypes.CDLL(None).prctl(PR_GET_MDWE, 0, 0, 0, 0) < 0:
        raise h.Skip("the kernel cannot refuse memory that is written and executed")
    file, run = small_sweep(folder), folder / "run"
    result = subprocess.run(h.command(["run", file, "--all", "-o", run]), preexec_fn=refuse_code_in_memory,
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, (result.returncode, result.stderr[-3000:])
    assert result.stderr.count(WARNING) == 1 and "written and then executed" in result.stderr, result.stderr
    plain = folder / "plain"
    h.emosweep("run", file, "--all", "-o", plain, env={"LIBXSMM_TARGET": "generic"})
    h.check_whole(run, h.summary(plain))


h.main(globals())
