#!/usr/bin/env python3
"""Wrong input: exit code 2, the place as file:line:column (or row and column of the table), nothing trained."""
import re

import harness as h


def refused(*arguments, says, ranks=None):
    result = h.emosweep(*arguments, code=2, ranks=ranks)
    for pattern in says:
        assert re.search(pattern, result.stderr), f"stderr lacks /{pattern}/:\n{result.stderr}"
    assert not result.stdout.strip(), f"stdout should be empty:\n{result.stdout}"


def edited(folder, old, new):
    path = h.small_file(folder)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def test_all_mistakes_of_a_file_together(folder):
    path = folder / "e.yaml"
    path.write_text("experiments:\n"
                    "  - name: a\n"
                    f"    dataset: {h.FIXTURE}\n"
                    "    group: subject\n"
                    "    modality: audio\n"
                    "    lrr: 0.1\n"
                    "    epochs: many\n"
                    "    dropout: 1.5\n")
    refused("run", path, "-o", folder / "run",
            says=[r"e\.yaml:6:5: .*lrr.*\blr\b", r"e\.yaml:7:5: .*epochs", r"e\.yaml:8:5: .*dropout"])
    assert not (folder / "run/trials").exists()


def test_a_syntax_error_has_its_place(folder):
    path = folder / "e.yaml"
    path.write_text("experiments:\n  - name: [a\n")
    refused("plan", path, says=[r"e\.yaml:\d+:\d+"])


def test_files_that_are_not_there(folder):
    refused("plan", folder / "absent.yaml", says=[r"absent\.yaml"])
    refused("run", edited(folder, str(h.FIXTURE), str(folder / "nowhere")), "--all", "-o", folder / "run",
            says=[r"experiments\.yaml:\d+:\d+|nowhere"])
    refused("report", folder / "no-run", says=[r"no-run"])


def test_the_command_line(folder):
    path = h.small_file(folder)
    refused("run", path, "--alll", says=["--alll", "--all"])
    refused("frobnicate", says=["frobnicate"])
    refused("plan", path, "-e", "gatee", says=["gatee", "gate"])
    refused("plan", path, says=["one", "gate", "linear"])  # several experiments, none chosen: they are listed
    refused("plan", path, "--all", "--set", "lrr=1", says=["--set 'lrr=1'", r"\blr\b"])


def test_every_rank_agrees_on_exit_2(folder):
    refused("run", edited(folder, "epochs: 2", "epochs: -2"), "--all", "-o", folder / "run", ranks=2,
            says=[r"experiments\.yaml:\d+:\d+: .*epochs"])


def test_bad_tables_name_row_and_column(folder):
    data = h.copy_fixture(folder)
    table = h.table_of(data)
    rows = h.read_table(table)
    path = h.small_file(folder, dataset=data)

    def broken(change, says):
        changed = [list(row) for row in rows]
        change(changed)
        h.write_table(table, changed)
        refused("plan", path, "--all", says=[table.name, *says])

    feature = next(i for i, cell in enumerate(rows[1]) if "." in cell and h.is_number(cell))
    label = rows[0].index(h.LABEL)
    broken(lambda r: r[3].__setitem__(feature, "tall"), ["tall", rf":4|row 4|line 4", rows[0][feature]])
    broken(lambda r: r[4].__setitem__(label, "bored"), ["bored", rf":5|row 5|line 5"])
    broken(lambda r: r[2].append("extra"), [rf":3|row 3|line 3"])
    broken(lambda r: r.append(r[1]), [rows[1][0]])


h.main(globals())
