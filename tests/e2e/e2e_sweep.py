#!/usr/bin/env python3
"""A small sweep from the experiment file to the summary: any number of ranks, again, extended, read back."""
import json

import harness as h


def test_any_number_of_ranks_gives_the_same_summary(folder):
    file = h.small_file(folder)
    h.emosweep("run", file, "--all", "-o", folder / "alone")  # without a launcher
    expected = h.summary(folder / "alone")
    assert len(set(h.committed(folder / "alone"))) > 4
    for ranks in (1, 2, 3):
        run = folder / f"ranks-{ranks}"
        h.emosweep("run", file, "--all", "-o", run, ranks=ranks)
        h.check_whole(run, expected)
        assert h.state(run)["state"] == "done" and h.state(run)["exit_code"] == 0
    # Every planned cell is a row, and equal conditions share one trial (linear does not read the seed).
    rows = h.trials(folder / "alone", "experiment", "seed", "fold", "status", "id")
    subjects = {fold for _, _, fold, _, _ in rows}
    assert len(rows) == 3 * 2 * len(subjects)
    assert {status for *_, status, _ in rows} == {"done"} or {status for *_, status, _ in rows} == {"committed"}
    assert len({i for *_, i in rows}) == len(h.committed(folder / "alone"))


def test_a_second_run_trains_nothing(folder):
    file, run = h.small_file(folder), folder / "run"
    h.emosweep("run", file, "--all", "-o", run, ranks=2)
    before = {i: (run / f"trials/{i}.h5").read_bytes() for i in h.committed(run)}
    again = h.emosweep("run", file, "--all", "-o", run, ranks=2)
    assert before == {i: (run / f"trials/{i}.h5").read_bytes() for i in h.committed(run)}
    assert again.stderr or again.stdout
    h.check_whole(run)


def test_more_seeds_extend_the_same_folder(folder):
    file, run = h.small_file(folder, seeds="[1]"), folder / "run"
    h.emosweep("run", file, "--all", "-o", run)
    before = {i: (run / f"trials/{i}.h5").read_bytes() for i in h.committed(run)}
    h.emosweep("run", file, "--all", "-o", run, "--seeds", "1,2", ranks=2)
    after = h.committed(run)
    assert set(before) < set(after)
    assert all((run / f"trials/{i}.h5").read_bytes() == b for i, b in before.items()), "a record was trained again"
    h.emosweep("run", h.small_file(folder, seeds="[1, 2]"), "--all", "-o", folder / "at-once")
    # The plans' texts differ (--seeds), the records must not.
    assert after == h.committed(folder / "at-once")
    h.check_whole(run)


def test_status_report_and_resume(folder):
    file, run = h.small_file(folder), folder / "run"
    h.emosweep("run", file, "--all", "-o", run)
    assert str(len(h.committed(run))) in h.emosweep("status", run).stdout
    h.emosweep("status", run, "--exit-code")
    text = h.emosweep("report", run).stdout
    for name in h.SMALL:
        assert name in text
    report = json.loads(h.emosweep("report", run, "--format", "json").stdout)
    assert "statistics" in report
    h.emosweep("resume", run)
    h.check_whole(run)


def test_plan_trains_nothing_and_prints_counts(folder):
    file = h.small_file(folder)
    text = h.emosweep("plan", file, "--all").stdout
    assert "gate" in text and "linear" in text
    assert sorted(p.name for p in folder.iterdir()) == ["experiments.yaml"]


def test_version_names_revision_and_libraries(folder):
    text = h.emosweep("--version").stdout
    assert "torch 2." in text and "hdf5 1." in text.lower(), text


h.main(globals())
