"""bench/run text: tokens, frozen embeddings and fine-tuning of EmoCare's posts by MiniLM, beside tokenizers and transformers, one
thread."""
import csv
import json
import statistics
import subprocess

from common import BUILD, DATA, ENV, ROOT, call, say, show

TEXTS, LENGTH, TRAINED, BATCH = 320, 128, 176, 16


def python_with_transformers():
    python = call(ROOT / "bench/peers/setup").strip().splitlines()[-1]
    if subprocess.run([python, "-c", "import transformers, tokenizers"], capture_output=True).returncode:
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary=:all:",
                        "transformers==5.23.0", "tokenizers==0.23.3"], check=True)
    return python


def posts_of(count):
    table = DATA / "emocare_reddit/train_split.csv"
    if not table.exists():
        return []
    with open(table, encoding="utf-8-sig", newline="") as file:
        return [" ".join((row["title"] + " " + row["text"]).split()) for row in csv.DictReader(file)][:count]


def trained_posts():
    return posts_of(TRAINED)


def text(rounds=3):
    posts = posts_of(TEXTS)
    if not posts:
        say("bench/run text: no posts under EMOSWEEP_TEST_DATA: skipped")
        return
    encoder = call(ROOT / "scripts/get-encoder").strip().splitlines()[-1]
    python, lines = python_with_transformers(), "\n".join(posts) + "\n"
    ours, peer = [], []
    run = lambda *command: json.loads(subprocess.run(["taskset", "-c", "0", *map(str, command), encoder, str(LENGTH)], input=lines, text=True,
                                                     capture_output=True, check=True, env=ENV).stdout)
    for _ in range(rounds):
        ours.append(run(BUILD / "bench" / "bench_text"))
        peer.append(run(python, ROOT / "bench/peers/text.py"))
    for a, b in zip(ours, peer):  # the same tokens and, summed over all, the same embeddings
        if a["tokens"] != b["tokens"] or abs(a["sum"] - b["sum"]) > 1e-3 * len(posts):
            raise SystemExit(f"bench/run text: the work differs: {a} {b}")
    rate = lambda rows, key: len(posts) / statistics.median(row[key] for row in rows)
    ratio = lambda key, peer_key: statistics.median(b[peer_key] / a[key] for a, b in zip(ours, peer))
    show("text", texts=len(posts), tokens=ours[0]["tokens"], tokenizer_texts_per_s=rate(ours, "tokenize_s"),
         tokenizers_over=ratio("tokenize_s", "tokenize_s"), embeddings_per_s=rate(ours, "embed_s"),
         usual_transformers_over=ratio("embed_s", "usual_s"), bucketed_transformers_over=ratio("embed_s", "bucketed_s"))
    ours, peer, lines = [], [], "\n".join(posts[:TRAINED]) + "\n"
    train = lambda *command: json.loads(subprocess.run(["taskset", "-c", "0", *map(str, command), encoder, str(LENGTH), str(BATCH)], input=lines,
                                                       text=True, capture_output=True, check=True, env=ENV).stdout)
    for _ in range(rounds):
        ours.append(train(BUILD / "bench" / "bench_text_training"))
        peer.append(train(python, ROOT / "bench/peers/text_training.py"))
    if any(a["posts"] != b["posts"] for a, b in zip(ours, peer)):
        raise SystemExit("bench/run text: the work differs")
    each = lambda key: [b[key] / a["train_s"] for a, b in zip(ours, peer)]
    show("text_training", posts=ours[0]["posts"], posts_per_s=ours[0]["posts"] / statistics.median(row["train_s"] for row in ours),
         usual_transformers_over=statistics.median(each("usual_s")), best_transformers_over=statistics.median(each("best_s")),
         best_least=min(each("best_s")), best_most=max(each("best_s")))
