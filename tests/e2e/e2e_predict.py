#!/usr/bin/env python3
"""A kept model predicts for a fold's test rows what the record says, bit for bit."""
import csv
import io
import math
import shutil
import struct

import harness as h


def test_predict_equals_the_record(folder):
    models = {"gate": {"fusion_type": "gated"}, "audio": {"modality": h.AUDIO}, "linear": {"model": "linear"}}
    file, run = h.small_file(folder, seeds="[1]", experiments=models, save_models="true"), folder / "run"
    h.emosweep("run", file, "--all", "-o", run, ranks=2)
    ids = h.h5(run / "summary.h5", f"/samples/{h.DATASET}/id")
    rows = h.trials(run, "experiment", "id")
    for name in models:
        trial, sample, predicted, probability = (
            h.h5(run / "summary.h5", f"/predictions/{name}/{c}") for c in ("trial", "sample", "predicted", "probabilities"))
        classes = len(probability) // len(sample)
        first = int(trial[0])
        model = run / f"models/{rows[first][1]}.safetensors"
        table = list(csv.DictReader(io.StringIO(h.emosweep("predict", model, "--data", h.FIXTURE).stdout)))
        columns = list(table[0])
        by_id = {row[columns[0]]: row for row in table}
        compared = 0
        for k, (t, s) in enumerate(zip(trial, sample)):
            if int(t) != first:
                continue
            row = by_id[ids[int(s)]]
            for c in range(classes):
                got, want = single(row[columns[-classes + c]]), single(probability[k * classes + c])
                assert got == want, f"{name}, sample {ids[int(s)]}, class {c}: predict {got}, record {want}"
            compared += 1
        assert compared > 2


def single(value):
    return struct.pack("<f", float(value))


def rows(model_files, *options, code=0):
    done = h.emosweep("predict", *model_files, "--data", h.FIXTURE, *options, code=code)
    return list(csv.DictReader(io.StringIO(done.stdout))) if code == 0 else done.stderr


def test_models_that_answer_together(folder):
    file, run = h.small_file(folder, seeds="[1, 2]", experiments={"gate": {"fusion_type": "gated"}, "audio": {"modality": h.AUDIO}},
                             save_models="true", validation_predictions="true"), folder / "run"
    h.emosweep("run", file, "--all", "-o", run)
    cells = h.trials(run, "experiment", "fold", "id")
    fold = cells[0][1]
    ids = [i for name, f, i in cells if f == fold]
    assert len(ids) == 4, "two modalities, two seeds"
    models = [run / f"models/{i}.safetensors" for i in ids]
    alone = [rows([m]) for m in models]
    names = [c for c in alone[0][0] if c.startswith("probability_")]

    def mixed(weights, found, near=1e-6):
        for k, row in enumerate(found):
            want = [sum(w * float(one[k][c]) for w, one in zip(weights, alone)) for c in names]
            got = [float(row[c]) for c in names]
            assert max(abs(a - b) for a, b in zip(got, want)) < near, (row, want)
            best = max(range(len(names)), key=lambda c: got[c])
            assert row["predicted"] == names[best].removeprefix("probability_"), row
        return True

    assert mixed([.25] * 4, rows(models)) and mixed([.5, .25, 0, .25], rows(models, "--weights", "2,1,0,1"))
    # Chosen on the validation rows: no other weights give these a greater likelihood.
    chosen = rows(models, "--weights", "validation")
    truth, given = None, []
    for i in ids:
        record = run / f"trials/{i}.h5"
        own = [int(t) for t in h.h5(record, "/result/targets/0/validation_truth")]
        assert truth in (None, own)
        truth = own
        wide = h.h5(record, "/result/targets/0/validation_probability")
        given.append([wide[k * len(names) + t] for k, t in enumerate(own)])

    def likelihood(weights):
        return sum(math.log(sum(w * one[k] for w, one in zip(weights, given))) for k in range(len(truth)))

    def em(weights):
        for _ in range(5000):
            parts = [[w * one[k] for w, one in zip(weights, given)] for k in range(len(truth))]
            weights = [sum(p[m] / sum(p) for p in parts) / len(parts) for m in range(4)]
        return weights

    best = em([.25] * 4)
    assert likelihood(best) > likelihood([.25] * 4) and max(best) > .3, best
    assert mixed(best, chosen, near=1e-3)  # the likelihood is flat there
    equal = rows(models)
    assert max(abs(float(a[c]) - float(b[c])) for a, b in zip(chosen, equal) for c in names) > 5e-3
    # What does not fit is told before anything is predicted.
    assert "2 numbers for 4 models" in rows(models, "--weights", "1,1", code=2)
    assert "expected 'validation' or a number" in rows(models, "--weights", "1;1", code=2)
    assert "at least 0" in rows(models[:2], "--weights=-1,2", code=2)
    assert "nothing in common" in rows(models, "--embeddings", code=2)
    other = [run / f"models/{i}.safetensors" for name, f, i in cells if f != fold][0]
    assert "validated on other rows" in rows([models[0], other], "--weights", "validation", code=2)
    moved = folder / "moved/models" / models[0].name
    moved.parent.mkdir(parents=True)
    shutil.copy(models[0], moved)
    told = rows([moved], "--weights", "validation", code=2)
    assert "has no record at" in told and "DIR/models/ID.safetensors" in told, told


h.main(globals())
