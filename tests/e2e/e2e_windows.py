#!/usr/bin/env python3
"""emosweep predict --windows and --embeddings: which windows there are, hostile values, and a second model on embeddings."""
import array
import csv
import io
import math
import wave

import harness as h

CNN = """
experiments:
  - name: "tones"
    dataset: data
    protocol: loso
    group: speaker
    model: small_cnn
    epochs: %d
    batch_size: 10
    lr: 0.003
    seeds: [1]
    save_models: true
    normalise: %s
"""
DATASET = """
name: tones
samples: clips.csv
id: path
label: {column: mood, classes: [sad, glad]}
groups: {speaker: speaker}
modalities:
  audio: {kind: audio, column: path, sr: 8000, n_mels: 12, n_fft: 256, hop_length: 128, seconds: 0.25}
"""


def tone(path, hz, seconds):
    samples = array.array("h", (int(16383 * math.sin(2 * math.pi * hz * i / 8000)) for i in range(int(8000 * seconds))))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())


def corpus(folder):
    """Four speakers, two kinds of tone: high ones are glad. -> (experiment file, environment)"""
    data = folder / "data"
    (data / "clips").mkdir(parents=True)
    rows = ["path,speaker,mood"]
    for speaker in range(4):
        for i in range(10):
            name = f"clips/{speaker}_{i}.wav"
            tone(data / name, (900 if i % 2 else 300) + 37 * i + 11 * speaker, 0.3 + 0.02 * i)
            rows.append(f"{name},{speaker},{'glad' if i % 2 else 'sad'}")
    (data / "clips.csv").write_text("\n".join(rows) + "\n")
    (data / "dataset.yaml").write_text(DATASET)
    return folder / "tones.yaml", {"EMOSWEEP_CACHE": str(folder / "cache")}


def predicted(model, data, *options, env, code=0):
    done = h.emosweep("predict", model, "--data", data, *options, env=env, code=code)
    return done.stderr if code else list(csv.DictReader(io.StringIO(done.stdout)))


def model_testing(run, group):
    """The model of the fold that holds out this group."""
    return run / f"models/{next(id for id, held in h.trials(run, 'id', 'group') if held == group)}.safetensors"


def test_windows_of_recordings(folder):
    file, env = corpus(folder)
    file.write_text(CNN % (2, "group"))
    h.emosweep("run", file, "-o", folder / "run", "-q", env=env)
    model, data = model_testing(folder / "run", "0"), folder / "data"
    plain = predicted(model, data, env=env)
    rows = predicted(model, data, "--windows", "0.1", env=env)
    assert list(rows[0]) == ["id", "start", "end", "predicted", "probability_sad", "probability_glad"]
    # Tones of .30, .32, ..., .48 s, windows of .25 s: frames of .016 s, 16 a window, begin every .1 s (6.25 frames).
    for i, clip in enumerate(plain):
        seconds = 0.3 + 0.02 * (i % 10)
        frames = 1 + int(8000 * seconds) // 128
        starts = sorted({min(int(6.25 * k + 0.5), frames - 16) for k in range(9)})
        own = [row for row in rows if row["id"] == clip["id"]]
        assert [float(row["start"]) for row in own] == [s * 128 / 8000 for s in starts], (own, starts)
        assert abs(float(own[-1]["end"]) - int(8000 * seconds) / 8000) < 1e-9, own
        assert all(abs(float(row["probability_sad"]) + float(row["probability_glad"]) - 1) < 1e-6 for row in own)
    # Longer steps than a recording leave its two ends.
    for seconds in ("100", "1e300"):
        ends = predicted(model, data, "--windows", seconds, "--id", "clips/0_9.wav", env=env)
        assert [(row["start"], row["end"]) for row in ends] == [("0", "0.25"), ("0.24", "0.48")], ends
    for wrong in ("0", "-1", "nan", "inf", "1e999", "1x", "", "0.001"):
        told = predicted(model, data, f"--windows={wrong}", env=env, code=2)
        assert "--windows" in told, (wrong, told)
    # How long recordings may be is no part of what the model was trained on.
    yaml = data / "dataset.yaml"
    yaml.write_text(yaml.read_text().replace("seconds: 0.25", "seconds: 0.25, max_seconds: 0.4"))
    assert "too long: more than max_seconds 0.4" in predicted(model, data, "--windows", "0.1", env=env, code=2)
    yaml.write_text(yaml.read_text().replace("max_seconds: 0.4", "max_seconds: 3600"))
    assert predicted(model, data, "--windows", "0.1", env=env) == rows
    # A model of features has no windows, and a linear one no embeddings.
    other = h.small_file(folder, seeds="[1]", experiments={"linear": {"model": "linear"}}, save_models="true")
    h.emosweep("run", other, "-o", folder / "linear", "-q")
    linear = next((folder / "linear/models").iterdir())
    for option in (("--windows", "1"), ("--embeddings",)):
        told = predicted(linear, h.FIXTURE, *option, env=env, code=2)
        assert option[0] in told and "is of model: linear" in told, told


EMBEDDED = """
name: embedded
samples: joined.csv
id: path
label: {column: mood, classes: [sad, glad]}
groups: {speaker: speaker}
splits: {column: split}
modalities:
  embedding: {kind: features, columns: [embedding_0 .. embedding_127]}
"""


def test_embeddings_are_features_of_another_dataset(folder):
    file, env = corpus(folder)
    file.write_text(CNN % (8, "none"))
    h.emosweep("run", file, "-o", folder / "run", "-q", env=env)
    model, data = model_testing(folder / "run", "0"), folder / "data"  # it has not heard speaker 0
    done = h.emosweep("predict", model, "--data", data, "--embeddings", "-o", data / "embeddings.csv", env=env)
    assert done.stdout == ""
    table = h.read_table(data / "embeddings.csv")
    assert table[0] == ["id"] + [f"embedding_{i}" for i in range(128)] and len(table) == 41
    (data / "dataset.yaml").write_text(EMBEDDED)
    part = {"speaker": "split", "0": "test", "1": "validation"}
    rows = h.read_table(data / "clips.csv")
    assert [row[0] for row in rows[1:]] == [row[0] for row in table[1:]]
    h.write_table(data / "joined.csv", [row + [part.get(row[1], "train")] + own[1:] for row, own in zip(rows, table)])
    for network in ("model: linear", "model: mlp\n    epochs: 10\n    lr: 0.01"):
        file.write_text(f"experiments:\n  - name: second\n    dataset: data\n    protocol: official\n    group: speaker\n"
                        f"    {network}\n    seeds: [1]\n")
        h.emosweep("run", file, "-o", folder / network[7:10], "-q", env=env)
        assert min(h.h5(folder / network[7:10] / "summary.h5", "/trials/accuracy")) >= 0.9


def test_windows_and_embeddings_of_real_speech(folder):
    source = h.need_data("ravdess_audio")
    env = {"EMOSWEEP_CACHE": str(folder / "cache")}
    data = folder / "data"
    data.mkdir()
    (data / "dataset.yaml").write_text(
        f"name: speech\nroot: {source.resolve()}\nsamples: manifest.csv\nid: clip\nlabel: {{column: sentiment}}\n"
        "groups: {actor: actor}\nmodalities:\n  wave: {kind: audio, column: path, sr: 16000, n_mels: 32, hop_length: 512, "
        "seconds: 1}\n")
    file = folder / "speech.yaml"
    file.write_text("experiments:\n  - {name: speech, dataset: data, where: {actor: [1, 2, 3]}, protocol: loso, group: actor, "
                    "validation_groups: 1, modality: wave, model: small_cnn, epochs: 1, seeds: [1], save_models: true, class_weights: balanced}\n")
    h.emosweep("run", file, "-o", folder / "run", "-q", env=env, timeout=300)
    with open(source / "manifest.csv") as known:
        clips = [row for row in csv.DictReader(known) if row["actor"] == "1"][:12]
    ids = [word for row in clips for word in ("--id", row["clip"])]
    model = model_testing(folder / "run", "1")
    rows = predicted(model, data, "--windows", "0.5", *ids, env=env)
    embedded = predicted(model, data, "--windows", "0.5", "--embeddings", *ids, env=env)
    assert [(r["id"], r["start"], r["end"]) for r in embedded] == [(r["id"], r["start"], r["end"]) for r in rows]
    assert len(embedded[0]) == 3 + 128
    for clip in clips:
        own = [row for row in rows if row["id"] == clip["clip"]]
        length = int(clip["samples_16k"]) / 16000
        assert float(own[0]["start"]) == 0 and abs(float(own[-1]["end"]) - length) < 1e-9, (own, clip)
        steps = [float(b["start"]) - float(a["start"]) for a, b in zip(own, own[1:])]
        assert all(abs(step - 0.5) <= 0.032 for step in steps[:-1]) and 0 < steps[-1] <= 0.532, steps
        assert len(own) in (int((length - 1) / 0.5) + 1, int((length - 1) / 0.5) + 2), (len(own), length)


h.main(globals())
