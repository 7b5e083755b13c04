"""bench/run images: CPU time a clip of training and evaluating SmallCNN and ResNet18, beside PyTorch eager and compiled."""
import json
import shutil
import statistics
import subprocess

from common import BUILD, DATA, ENV, ROOT, call, ratios, say, show
from peer_work import PEERS, peers_python

SHAPES = [("small_cnn", 64, 94, 36), ("small_cnn", 128, 130, 12), ("resnet18", 64, 94, 12)]  # height, width, steps
WINDOWS = ROOT / "configs" / "datasets" / "ravdess_audio" / "spectrograms.yaml"


def torchvision(python):
    """Whether the peers' environment has it; fetched once, as bench/peers/setup does not."""
    if subprocess.run([python, "-c", "import torchvision"], env=ENV, stderr=subprocess.DEVNULL).returncode == 0:
        return True
    return subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary=:all:", "--no-deps",
                           "torchvision==0.26.0", "pillow"], env=ENV, stdout=subprocess.DEVNULL).returncode == 0


def peer(python, model, height, width, steps, *options):
    script = PEERS / "image_networks.py"
    text = call(python, script, model, height, width, "--steps", steps, *options, stderr=subprocess.DEVNULL)
    return json.loads(text.splitlines()[-1])


def images(rounds=3):
    python = peers_python()
    if python is None:
        say("bench/run images: no peers: run bench/peers/setup first; emosweep's own figures only")
    compiler = shutil.which("g++")
    if python and not compiler:
        say("bench/run images: torch.compile needs g++: not measured")
    recordings = [WINDOWS] if (DATA / "ravdess_audio" / "manifest.csv").exists() else []
    for model, height, width, steps in SHAPES:
        peers = {}
        if python and (model == "small_cnn" or torchvision(python)):
            peers["eager"] = []
            if compiler and model == "small_cnn":
                peers["compiled"] = ["--compile"]
        ours, theirs = [], {name: [] for name in peers}
        for _ in range(rounds):  # alternated, so that a drift of the machine hits all
            own = (BUILD / "bench" / "bench_images", model, height, width, steps)
            # The dataset's windows are 64 x 94.
            ours.append(json.loads(call(*own, *(recordings if (model, height) == ("small_cnn", 64) else []))))
            for name, options in peers.items():
                theirs[name].append(peer(python, model, height, width, steps, *options))
        figures = {"model": model, "height": height, "width": width}
        for work in ("train_ms", "evaluate_ms"):
            figures[work] = statistics.median(row[work] for row in ours)
            for name, rows in theirs.items():
                figures[f"{name}_{work}"] = statistics.median(row[work] for row in rows)
                figures[f"{name}_over_{work.removesuffix('_ms')}"] = ratios([r[work] for r in rows], [r[work] for r in ours])
        if "batch_ms" in ours[0]:
            figures["batch_ms"] = statistics.median(row["batch_ms"] for row in ours)
            figures["batch_share"] = statistics.median(r["batch_ms"] / (r["batch_ms"] + r["train_ms"]) for r in ours)
        show("images", **figures)
