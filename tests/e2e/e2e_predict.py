#!/usr/bin/env python3
"""A kept model predicts for a fold's test rows what the record says, bit for bit."""
import csv
import io
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


h.main(globals())
