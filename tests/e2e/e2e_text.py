#!/usr/bin/env python3
"""Sweeps over texts by a pretrained encoder: what it knows, one encoding for all ranks and runs, predictions, mistakes."""
import csv
import io
import os
import pathlib
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


h.main(globals())
