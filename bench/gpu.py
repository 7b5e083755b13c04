#!/usr/bin/env python3
"""bench/run gpu: wall time of training and evaluating networks on a GPU, beside PyTorch eager and compiled (torch.compile, channels
innermost), both with TF32 allowed, and of fine-tuning an encoder beside transformers.

  bench/gpu.py [--programs DIR] [--python PYTHON] [--encoder DIR] [--posts FILE] [--rounds 3]   where these are elsewhere

PYTHON needs torch with CUDA, torchvision and transformers. Posts: one a line."""
import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHAPES = [("small_cnn", 64, 94), ("resnet18", 64, 94), ("resnet18", 128, 130)]  # height, width
STEPS, LENGTH, BATCH = 200, 128, 16


def answer(*command, **options):
    text = subprocess.run([str(c) for c in command], check=True, text=True, stdout=subprocess.PIPE, **options).stdout
    return json.loads(text.splitlines()[-1])


def over(ours, peers, key, peer_key=None):
    ratios = [b[peer_key or key] / a[key] for a, b in zip(ours, peers)]
    return {"median": round(statistics.median(ratios), 2), "least": round(min(ratios), 2), "most": round(max(ratios), 2)}


def images(programs, python, rounds):
    script = ROOT / "bench" / "peers" / "image_networks.py"
    for model, height, width in SHAPES:
        ours, peers = [], {"eager": [], "compiled": []}
        for _ in range(rounds):  # alternated, so that a drift of the machine hits all
            ours.append(answer(programs / "bench_images", "--cuda", model, height, width, STEPS))
            for name, rows in peers.items():
                more = ["--compile"] if name == "compiled" else []
                rows.append(answer(python, script, model, height, width, "--cuda", "--tf32", "--steps", STEPS, *more,
                                   stderr=subprocess.DEVNULL))
        print(json.dumps({"bench": "gpu", "model": model, "height": height, "width": width}
                         | {key: statistics.median(row[key] for row in ours) for key in ("train_ms", "evaluate_ms")}
                         | {f"{name}_over_{key.removesuffix('_ms')}": over(ours, rows, key)
                            for name, rows in peers.items() for key in ("train_ms", "evaluate_ms")}), flush=True)


def text(programs, python, encoder, posts, rounds):
    ours, peers = [], []
    for _ in range(rounds):
        for rows, command in ((ours, [programs / "bench_text_training", "--cuda", encoder, LENGTH, BATCH]),
                              (peers, [python, ROOT / "bench" / "peers" / "text_training.py", encoder, LENGTH, BATCH, "--cuda"])):
            with open(posts) as lines:
                rows.append(answer(*command, stdin=lines, stderr=subprocess.DEVNULL))
    print(json.dumps({"bench": "gpu", "model": "transformer", "posts": ours[0]["posts"],
                      "posts_per_s": round(ours[0]["posts"] / statistics.median(row["train_s"] for row in ours)),
                      "usual_over": over(ours, peers, "train_s", "usual_s"), "best_over": over(ours, peers, "train_s", "best_s")}))


def gpu(rounds=3, programs=ROOT / "build" / "cuda" / "bench", python=sys.executable, encoder=None, posts=None):
    seen = subprocess.run([python, "-c", "import torch; assert torch.cuda.is_available()"], stderr=subprocess.DEVNULL)
    if seen.returncode:
        sys.exit(f"bench/run gpu: {python} has no torch that sees a GPU")
    images(programs, python, rounds)
    if encoder and posts:
        text(programs, python, encoder, posts, rounds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=Path, default=ROOT / "build" / "cuda" / "bench")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--encoder")
    parser.add_argument("--posts")
    parser.add_argument("--rounds", type=int, default=3)
    gpu(**vars(parser.parse_args()))


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    main()
