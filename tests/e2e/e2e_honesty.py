#!/usr/bin/env python3
"""The machine is honest: labels that mean nothing give chance, and test rows move no weight."""
import random

import harness as h

MODELS = {"audio": {"modality": h.AUDIO}, "visual": {"modality": h.VISUAL}, "concat": {"fusion_type": "concat"},
          "gated": {"fusion_type": "gated"}, "attention": {"fusion_type": "cross_attention", "tokens": 2, "heads": 2},
          "linear": {"model": "linear"}}


def accuracies(run):
    """Pooled over folds and seeds, from /predictions."""
    result = {}
    for name in MODELS:
        truth, predicted = (h.h5(run / "summary.h5", f"/predictions/{name}/{c}") for c in ("true", "predicted"))
        result[name] = sum(t == p for t, p in zip(truth, predicted)) / len(truth)
    return result


def permute(table, column, seed):
    rows = h.read_table(table)
    index = rows[0].index(column)
    labels = [row[index] for row in rows[1:]]
    random.Random(seed).shuffle(labels)
    for row, label in zip(rows[1:], labels):
        row[index] = label
    h.write_table(table, rows)


def test_permuted_labels_give_chance_on_the_fixture(folder):
    data = h.copy_fixture(folder)
    file = h.small_file(folder, seeds="[1]", experiments=MODELS, epochs=10)
    h.emosweep("run", file, "--all", "-o", folder / "true", ranks=2)
    permute(h.table_of(data), h.LABEL, 1)
    file = h.small_file(folder, seeds="[1]", experiments=MODELS, epochs=10, dataset=data)
    h.emosweep("run", file, "--all", "-o", folder / "permuted", ranks=2)
    learnt, chance = accuracies(folder / "true"), accuracies(folder / "permuted")
    classes = len(set(h.h5(folder / "true/summary.h5", "/predictions/linear/true")))
    count = len(h.h5(folder / "true/summary.h5", "/predictions/linear/true"))
    sd = (1 / classes * (1 - 1 / classes) / count) ** 0.5
    for name in MODELS:
        assert chance[name] < 1 / classes + 3.5 * sd, f"{name}: {chance[name]:.3f} on permuted labels, chance {1 / classes:.3f}"
    assert learnt["linear"] > 1 / classes + 2.5 * sd, f"the same machine learns the true labels: {learnt}"


def test_permuted_labels_give_chance_on_ravdess(folder):
    source = h.need_data("ravdess_av_features")
    data = folder / "data"
    data.mkdir()
    table = data / "combined_summary.csv"
    table.write_bytes((source / table.name).read_bytes())
    permute(table, "emotion", 2)
    (data / "dataset.yaml").write_text(
        "name: ravdess_permuted\nsamples: combined_summary.csv\nid: file\n"
        "label: {column: emotion, classes: [neutral, calm, happy, sad, angry, fearful, disgust, surprised]}\n"
        "groups: {actor: actor}\n"
        "modalities:\n  audio: {kind: features, columns: [f0_mean .. rel_se0_sd]}\n"
        "  visual: {kind: features, columns: [anger_mean .. mouth_openness_std]}\n")
    models = {name: {k: {h.AUDIO: "audio", h.VISUAL: "visual"}.get(v, v) for k, v in keys.items()}
              for name, keys in MODELS.items()}
    file = h.small_file(folder, seeds="[1]", experiments=models, dataset=data, group="actor", protocol="group_kfold",
                        folds=4, validation_groups=2, epochs=12, hidden_size=32, batch_size=32, lr="1.0e-3",
                        modality="both")
    h.emosweep("run", file, "--all", "-o", folder / "run", ranks=2, timeout=300)
    for name, accuracy in accuracies(folder / "run").items():
        assert abs(accuracy - 0.125) <= 0.04, f"{name}: {accuracy:.3f} on permuted labels, chance .125"


def test_test_rows_change_no_weight(folder):
    data = h.copy_fixture(folder)
    table = h.table_of(data)
    models = {name: MODELS[name] for name in ("gated", "attention", "linear")}

    def train(run):
        file = h.small_file(folder, seeds="[1]", experiments=models, dataset=data, save_models="true", epochs=5,
                            normalise="train")
        h.emosweep("run", file, "--all", "-o", run, ranks=2)
        best = h.trials(run, "experiment", "fold", "id", "best_epoch")
        return {(e, f): (h.safetensors(run / f"models/{i}.safetensors")[0], b) for e, f, i, b in best}

    before = train(folder / "before")
    rows = h.read_table(table)
    group, label = rows[0].index(h.GROUP_COLUMN), rows[0].index(h.LABEL)
    subject = rows[1][group]
    labels = sorted({row[label] for row in rows[1:]})
    features = [i for i, cell in enumerate(rows[1]) if i not in (group, label) and h.is_number(cell)]
    changed = 0
    for row in rows[1:]:
        if row[group] == subject:
            row[label] = labels[(labels.index(row[label]) + 1) % len(labels)]
            for i in features:
                row[i] = str(float(row[i]) * 3 + 7) if h.is_number(row[i]) else row[i]
            changed += 1
    assert changed > 1 and len(features) > 2
    h.write_table(table, rows)
    after = train(folder / "after")
    for experiment in models:
        assert after[experiment, subject] == before[experiment, subject], f"{experiment}: the test rows moved the model"
    others = [key for key in before if key[1] != subject]
    assert any(after[key][0] != before[key][0] for key in others), "the rows that train do move the others"


h.main(globals())
