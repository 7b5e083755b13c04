#!/usr/bin/env python3
"""Sweeps over texts by an encoder, frozen and fine-tuned: what it knows, one encoding for all ranks and runs, predictions, resumes,
mistakes."""
import csv
import io
import json
import os
import pathlib
import re
import shutil

import harness as h

GLAD = ["I am so happy about {}", "{} made my day, wonderful", "What a joy: {}", "I love {}, thank you all", "Great news about {}!"]
SAD = ["I am so sad about {}", "{} made me cry, awful", "What a loss: {}", "I miss {} and feel alone", "Terrible news about {}."]
THINGS = ["the match", "my dog", "this update", "our trip"]
EXPERIMENT = """
experiments:
  - name: "texts"
    dataset: data
    protocol: loso
    group: author
    modality: post
    model: linear
    C: 0.1
    save_models: true
"""


def encoder():
    cache = os.environ.get("EMOSWEEP_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "emosweep")
    folder = pathlib.Path(os.environ.get("EMOSWEEP_MODELS") or os.path.join(cache, "models")) / "all-minilm-l6-v2"
    assert (folder / "model.safetensors").exists(), f"no encoder at {folder}: scripts/get-encoder installs it"
    return folder


def posts(folder, model, keys=""):
    data = folder / "data"
    data.mkdir(parents=True)
    with open(data / "posts.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "title", "text", "author", "mood"])
        for a, thing in enumerate(THINGS):
            for i, (mood, sentence) in enumerate([("glad", s) for s in GLAD] + [("sad", s) for s in SAD]):
                out.writerow([f"{a}.{i}", sentence.format(thing), "" if i % 2 else "Just saying.", f"author {a}", mood])
    (data / "dataset.yaml").write_text(
        "name: posts\nsamples: posts.csv\nid: id\nlabel: {column: mood, classes: [sad, glad]}\ngroups: {author: author}\n"
        f"modalities:\n  post: {{kind: embeddings, columns: [title, text], encoder: \"{model}\"{keys}}}\n")
    (folder / "texts.yaml").write_text(EXPERIMENT)
    return folder / "texts.yaml", {"EMOSWEEP_CACHE": str(folder / "cache")}


def test_an_encoder_tells_glad_from_sad_and_encodes_once(folder):
    file, env = posts(folder, encoder())
    h.emosweep("run", file, "-o", folder / "run", ranks=2, env=env)  # whichever rank is first encodes for both
    made = {p.name: p.stat().st_mtime_ns for p in (folder / "cache/embeddings").glob("*.emb")}
    assert len(made) == 1, made
    h.check_whole(folder / "run")
    scores = [float(row[0]) for row in h.trials(folder / "run", "accuracy")]
    assert sum(scores) / 4 >= 0.95, scores
    again = h.emosweep("run", file, "-o", folder / "again", "--set", "C=1", env=env)
    assert "encoding" not in again.stderr
    assert {p.name: p.stat().st_mtime_ns for p in (folder / "cache/embeddings").glob("*.emb")} == made
    shutil.rmtree(folder / "cache")
    assert "encoding 40 texts" in h.emosweep("plan", file, env=env).stderr
    model = sorted((folder / "run/models").iterdir())[0]
    (folder / "new").mkdir()
    (folder / "new/new.csv").write_text('id,title,text\nx,"My heart is broken",\ny,"Best day ever, so much fun!",yes\n')
    yaml = (folder / "data/dataset.yaml").read_text()
    (folder / "new/dataset.yaml").write_text(yaml.replace("posts.csv", "new.csv").replace("groups: {author: author}\n", ""))
    table = h.emosweep("predict", model, "--data", folder / "new", env=env).stdout
    assert [row["predicted"] for row in csv.DictReader(io.StringIO(table))] == ["sad", "glad"], table
    (folder / "new/dataset.yaml").write_text((folder / "new/dataset.yaml").read_text().replace('"}', '", pooling: cls}'))
    told = h.emosweep("predict", model, "--data", folder / "new", env=env, code=2).stderr
    assert "column" in told, told


def test_encoders_that_cannot_be_read_say_why(folder):
    file, env = posts(folder, "model")
    model = folder / "data/model"
    told = h.emosweep("plan", file, env=env, code=2).stderr
    assert "dataset.yaml:7:" in told and "there is no folder" in told, told
    shutil.copytree(encoder(), model)
    os.truncate(model / "model.safetensors", 1_000_000)
    told = h.emosweep("plan", file, env=env, code=2).stderr
    assert "model.safetensors" in told and "truncated" in told, told
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    told = h.emosweep("plan", file, env=env, code=2).stderr
    assert "convert them: python -c" in told, told


TUNED = """
experiments:
  - name: "tuned"
    dataset: data
    protocol: holdout
    group: author
    validation_fraction: 0.25
    test_fraction: 0.25
    modality: post
    model: transformer
    encoder: ${TINY:-tiny}
    encoder_weights: random
    max_length: 16
    dropout: 0.1
    lr: 2.0e-2
    layer_lr_decay: 0.9
    clip_norm: 1
    epochs: 25
    batch_size: 8
    save_models: true
"""


def tiny(folder, file):
    """A vocabulary of the posts' own words, and the config of a small BERT without weights."""
    text = " ".join(s.format(t) for s in GLAD + SAD for t in THINGS) + " Just saying ."
    words = sorted(set(re.findall(r"[a-z]+|[^a-z\s]", text.lower())))
    (folder / "tiny").mkdir()
    (folder / "tiny/vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]) + "\n")
    (folder / "tiny/config.json").write_text(json.dumps({
        "model_type": "bert", "vocab_size": len(words) + 5, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 32, "type_vocab_size": 2}))
    data = folder / "data/dataset.yaml"
    data.write_text(re.sub("post: {.*}", "post: {kind: text, columns: [title, text]}", data.read_text()))
    file.write_text(TUNED)


def test_an_encoder_of_random_weights_learns_alone_and_as_a_team(folder):
    file, env = posts(folder, "none")
    tiny(folder, file)
    plan = h.emosweep("plan", file, env=env).stdout
    assert "transformer on post" in plan and "text encoders" in plan, plan
    h.emosweep("run", file, "-o", folder / "one", "--seeds", "1,2", "-q", env=env)
    scores = [float(row[0]) for row in h.trials(folder / "one", "accuracy")]
    assert min(scores) >= 0.9, scores
    h.emosweep("run", file, "-o", folder / "two", "--seeds", "1,2", "-q", ranks=2, env=env)
    assert h.summary(folder / "two") == h.summary(folder / "one")
    h.emosweep("run", file, "-o", folder / "team", "--set", "ranks_per_trial=2", "-q", ranks=2, env=env)
    loss = lambda run: float(h.trials(run, "validation_loss")[0][0])
    assert abs(loss(folder / "team") - loss(folder / "one")) < 0.05, (loss(folder / "team"), loss(folder / "one"))
    # The same texts under another folder's name are the same trials, and a saved model needs no encoder.
    (folder / "tiny").rename(folder / "moved")
    h.emosweep("run", file, "-o", folder / "one", "--seeds", "1,2", "-q", env={**env, "TINY": "moved"})
    summary = folder / "one/summary.h5"
    shutil.rmtree(folder / "moved")
    ids, trials = h.h5(summary, "/samples/posts/id"), h.h5(summary, "/trials/id")
    columns = [h.h5(summary, f"/predictions/tuned/{c}") for c in ("trial", "sample", "predicted")]
    for model in sorted((folder / "one/models").glob("*.safetensors")):
        rows = csv.DictReader(io.StringIO(h.emosweep("predict", model, "--data", folder / "data", env=env).stdout))
        own = {row["id"]: ["sad", "glad"].index(row["predicted"]) for row in rows}
        for trial, sample, predicted in zip(*columns):
            if trials[int(trial)] == model.stem:
                assert own[ids[int(sample)]] == int(predicted), (model, sample)


def test_a_killed_encoder_goes_on_in_mid_epoch(folder):
    file, env = posts(folder, "none")
    tiny(folder, file)
    file.write_text(TUNED.replace("epochs: 25", "epochs: 150").replace("batch_size: 8", "batch_size: 2"))
    h.emosweep("run", file, "-o", folder / "whole", "-q", env=env)
    every = ("--checkpoint-after", "0")
    for checkpoint in range(2, 8):
        run = folder / f"killed{checkpoint}"
        h.emosweep("run", file, "-o", run, *every, code=-9, env={**env, "EMOSWEEP_FAULT": f"kill@checkpoint.renamed:{checkpoint}"})
        told = h.emosweep("resume", run, *every, env=env).stderr
        place = re.search(r"resumed from epoch (\d+), step (\d+)", told)
        assert place, told
        assert h.summary(run) == h.summary(folder / "whole"), told
        if int(place[2]) % 10:  # 20 training rows
            return
    raise AssertionError("no checkpoint was written within an epoch")


def test_a_pretrained_encoder_is_tuned_above_frozen_layers(folder):
    file, env = posts(folder, "none")
    tiny(folder, file)
    file.write_text(TUNED.replace("tiny}", f"{encoder()}}}").replace("random", "pretrained").replace("2.0e-2", "2.0e-4").replace(
        "epochs: 25", "epochs: 5") + "    freeze: 4\n    head_lr: 1.0e-2\n")
    h.emosweep("run", file, "-o", folder / "run", "-q", env=env)
    assert float(h.trials(folder / "run", "accuracy")[0][0]) >= 0.9


def test_a_vocabulary_is_learned_from_texts(folder):
    file, env = posts(folder, "none")
    tiny(folder, file)
    args = ("prepare", "vocab", folder / "own", "--data", folder / "data", "--size", "120", "--hidden-size", "16", "--positions", "32")
    told = h.emosweep(*args, env=env).stderr
    assert "pieces from 40 texts (post)" in told and " 0 of them unknown" in told, told
    pieces = (folder / "own/vocab.txt").read_text().split("\n")
    assert pieces[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] and "update" in pieces and len(pieces) <= 121, pieces
    h.emosweep("run", file, "-o", folder / "run", "-q", env={**env, "TINY": "own"})
    assert float(h.trials(folder / "run", "accuracy")[0][0]) >= 0.9
    assert "--subjects is an option of synthetic" in h.emosweep(*args, "--subjects", "3", env=env, code=2).stderr
    assert "needs --data" in h.emosweep(*args[:3], env=env, code=2).stderr


def test_mistakes_about_encoders_are_told_before_training(folder):
    file, env = posts(folder, "none")
    tiny(folder, file)
    cases = {"    encoder: ${TINY:-tiny}\n": ("", "needs `encoder`"), "${TINY:-tiny}": ("nowhere", "there is no config.json"),
             "encoder_weights: random": ("encoder_weights: pretrained", "there is no model.safetensors"),
             "max_length: 16": ("max_length: 40", "the encoder has 32 positions"),
             "model: transformer": ("model: mlp", "of kind text, which transformer takes"),
             "dropout: 0.1": ("freeze: 3", "an encoder of 2; to freeze all of it take kind: embeddings")}
    for old, (new, wanted) in cases.items():
        file.write_text(TUNED.replace(old, new))
        told = h.emosweep("plan", file, env=env, code=2).stderr
        assert wanted in told and "texts.yaml:" in told, (new, told)


h.main(globals())
