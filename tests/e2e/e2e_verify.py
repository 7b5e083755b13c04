#!/usr/bin/env python3
"""verify finds what changed on the disk, and nothing where nothing did."""
import harness as h


def test_flipped_bits_are_found(folder):
    file, run = h.small_file(folder, seeds="[1]", experiments={"linear": {"model": "linear", "modality": "audio"}}), folder / "run"
    h.emosweep("run", file, "-o", run)
    h.emosweep("verify", run)
    record = run / "trials" / f"{h.committed(run)[0]}.h5"
    for path in (record, run / "summary.h5"):
        good = path.read_bytes()
        for where in (0, 97, 20 * 97, len(good) // 2, len(good) - 1):
            path.write_bytes(good[:where] + bytes([good[where] ^ 1 << where % 8]) + good[where + 1:])
            told = h.emosweep("verify", run, code=range(1, 256))
            assert path.name in told.stdout + told.stderr, f"byte {where} of {path.name}: {told.stdout}{told.stderr}"
        path.write_bytes(good[:-100])
        h.emosweep("verify", run, code=range(1, 256))
        path.write_bytes(good)
        h.emosweep("verify", run)


def test_a_lost_summary_is_rebuilt(folder):
    file, run = h.small_file(folder, seeds="[1]"), folder / "run"
    h.emosweep("run", file, "--all", "-o", run)
    expected = h.summary(run)
    (run / "summary.h5").unlink()
    h.emosweep("verify", run, code=range(1, 256))
    h.emosweep("run", file, "--all", "-o", run)
    h.check_whole(run, expected)


h.main(globals())
