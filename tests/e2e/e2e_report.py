#!/usr/bin/env python3
"""The report's formats from one run: well-formed, complete, self-contained, with the same numbers."""
import csv
import html.parser
import io
import json
import re
import xml.etree.ElementTree

import harness as h

HOSTILE = "</script><img src=x onerror=alert(1)>"
VOID = {"meta", "link", "br"}


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text, self.links = [], [], "", []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [v for k, v in attributes if k in ("href", "src")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-5:])
        self.open.pop()

    def handle_data(self, data):
        if "script" not in self.open and "style" not in self.open:
            self.text += data


def sweep(folder):
    h.emosweep("prepare", "synthetic", folder / "data", "--subjects", "6", "--samples", "24")
    description = folder / "data" / "dataset.yaml"
    text = description.read_text()
    first = re.search(r"classes: \[([^,\]]+)", text).group(1)
    description.write_text(text.replace(first, f"'{HOSTILE}'"))
    table = next((folder / "data").glob("*.csv"))
    table.write_text(re.sub(rf"(?m)(^|,){re.escape(first)}(?=,|$)", rf'\g<1>"{HOSTILE}"', table.read_text()))
    (folder / "experiment.yaml").write_text("""
template: &template {dataset: data, group: subject, protocol: loso, modality: audio, seeds: 2}
experiments:
  - {<<: *template, name: "a <b> & 'c'", model: mlp, hidden_size: 8, epochs: 6, batch_size: 16, grid: {lr: [1.0e-2, 1.0e-3]}}
  - {<<: *template, name: linear, model: linear, C: 1}
""")
    h.emosweep("run", folder / "experiment.yaml", "--all", "-o", folder / "run", "-q")
    return folder / "run"


def test_every_format(folder):
    run = sweep(folder)
    page = (run / "report.html").read_text()  # a run ends with its page
    again = h.emosweep("report", run, "--format", "html")
    assert again.stdout.strip() == str(run / "report.html")
    assert (run / "report.html").read_text() == page
    parsed = Page(page)
    assert HOSTILE in parsed.text and "a <b> & 'c'" in parsed.text
    assert parsed.tags.count("img") == 0 and parsed.tags.count("script") == 1
    assert all(link.startswith(("#", "data:")) for link in parsed.links), parsed.links
    assert len(page) < 1 << 20

    statistics = json.loads(h.emosweep("report", run, "--format", "json").stdout)["statistics"]
    by_name = {e["name"]: e for e in statistics["experiments"]}
    nested = by_name["a <b> & 'c'"]["nested"]
    assert f"{nested['pooled_macro_f1']['mean']:.3f}" in parsed.text
    assert nested["overall_winner"] in ("lr=0.01", "lr=0.001")

    rows = list(csv.DictReader(io.StringIO(h.emosweep("report", run, "--format", "csv").stdout)))
    assert len(rows) == (1 + 2 + 1) * 3
    (row,) = [r for r in rows if r["experiment"] == "linear" and r["metric"] == "uar"]
    stored = by_name["linear"]["conditions"][0]["pooled_uar"]
    assert float(row["mean"]) == stored["mean"] and float(row["new_subject_upper"]) == stored["new_subject_upper"]

    latex = h.emosweep("report", run, "--format", "latex", "-o", folder / "tables.tex")
    assert latex.stdout.strip() == str(folder / "tables.tex")
    text = (folder / "tables.tex").read_text()
    assert text.count("\\begin{table}") == text.count("\\end{table}") == 3 and "a \\textless{}b" in text

    figures = h.emosweep("report", run, "--figures", folder / "figures")
    assert figures.stdout == "" and "figures in" in figures.stderr
    files = sorted((folder / "figures").iterdir())
    assert len(files) >= 12, files
    for file in files:
        root = xml.etree.ElementTree.parse(file).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg" and root[0].tag.endswith("title")


def test_mistakes(folder):
    run = sweep(folder)
    wrong = h.emosweep("report", run, "--format", "htm", code=2)
    assert "did you mean 'html'" in wrong.stderr, wrong.stderr
    two = h.emosweep("report", run, run / ".." / "run2", "--format", "html", code=2)
    assert two.stderr, two
    nowhere = h.emosweep("report", run, "--format", "csv", "-o", folder / "no" / "such" / "file.csv", code=2)
    assert "cannot write the report" in nowhere.stderr, nowhere.stderr


h.main(globals())
