"""The work that emosweep and its peers both do: LOSO over 24 subjects of 15 clips, one validating, 22 training (330 rows)."""
import json
import math
import os
from pathlib import Path

from common import DATA, PROGRAM, ROOT, BUILD, call, fresh, say, synthetic, timing

BATCH = 32
PEERS = ROOT / "bench" / "peers"

EXPERIMENT = """
experiments:
  - {name: peers, dataset: %s, group: %s, protocol: loso, validation_groups: 1, model: mlp, modality: %s%s,
     hidden_size: %d, loss: focal, focal_gamma: 2.0, optimizer: adamw, lr: 1e-3, weight_decay: 0.01, dropout: 0.3,
     epochs: %d, batch_size: 32, selection_metric: macro_f1, seeds: 1}
"""


def peers_python():
    """The python of bench/peers/setup, or None."""
    cache = Path(os.environ.get("EMOSWEEP_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emosweep")
    python = cache / "peers-torch-2.11.0" / "bin" / "python"
    return python if python.exists() else None


class Work:
    """A folder with the data's place, its folds as a file for the peers, and emosweep's experiment files."""

    def __init__(self, name, epochs):
        self.folder, self.epochs = fresh(name), epochs
        self.table = DATA / "ravdess_av_features" / "combined_summary.csv"
        self.dataset, self.group, self.data = ROOT / "configs" / "datasets" / "ravdess_av", "actor", "ravdess_av"
        if not self.table.exists():
            say(f"bench/run {name}: no {self.table}: synthetic data of the same shape")
            synthetic(self.folder, "--subjects", 24, "--samples", 15, "--classes", 8, "--audio-width", 69,
                      "--visual-width", 56, "--missing-modality", 0)
            self.dataset, self.group, self.data = self.folder / "data", "subject", "synthetic"
            self.table = self.dataset / "samples.csv"
        self.folds = self.folder / "folds.json"
        self.folds.write_text(call(BUILD / "bench" / "bench_fold_rows", self.dataset, self.group))
        self.rows = {part: {len(fold[part]) for fold in json.loads(self.folds.read_text())}
                     for part in ("train", "validation", "test")}
        if self.rows != {"train": {330}, "validation": {15}, "test": {15}}:
            raise SystemExit(f"bench/run {name}: unexpected rows of the folds: {self.rows}")

    def experiment(self, model, hidden):
        file = self.folder / f"{model}-{hidden}.yaml"
        modality, fusion = ("audio", "") if model == "mlp" else ("both", f", fusion_type: {model}")
        file.write_text(EXPERIMENT % (self.dataset, self.group, modality, fusion, hidden, self.epochs))
        return file

    def trials(self, run, count):
        """The rows of timing.csv: `count` trials, each with the steps that the peers do."""
        rows, steps = timing(run), self.epochs * math.ceil(330 / BATCH)
        if len(rows) != count or {int(r["steps"]) for r in rows} != {steps}:
            raise SystemExit(f"{run}: not {count} trials of {steps} steps")
        return rows

    def peer(self, script, *options):
        return [peers_python(), PEERS / script, self.table, self.folds, "--epochs", self.epochs, *options]


def scores(run):
    """Mean test macro-F1 of a run's cells and its standard error over folds, as the peers print it."""
    report = json.loads(call(PROGRAM, "report", run, "--format", "json"))
    (condition,) = report["statistics"]["experiments"][0]["conditions"]
    cells = condition["macro_f1"]
    return {"test_macro_f1": cells["mean"], "test_macro_f1_se": cells["folds"]["sd"] / math.sqrt(cells["folds"]["n"])}


def disagreements(by_row):
    """Rows whose score is further from the first one's than 3 standard errors: not the same work."""
    first, *others = by_row.items()

    def error(score):
        return score["test_macro_f1_se"] or 0.0

    return [f"{name} {score['test_macro_f1']:.3f}, {first[0]} {first[1]['test_macro_f1']:.3f}" for name, score in others
            if abs(score["test_macro_f1"] - first[1]["test_macro_f1"]) > 3 * math.hypot(error(score), error(first[1]))]
