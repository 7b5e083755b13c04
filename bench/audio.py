"""bench/run audio: decoding and spectrograms beside soundfile and librosa, on the first recordings of RAVDESS."""
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from common import BUILD, DATA, ENV, ROOT, call, say, show


def python_with_librosa():
    cache = Path(os.environ.get("EMOSWEEP_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emosweep")
    venv = cache / "peers-audio"
    if not (venv / ".complete").exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary=:all:",
                        "librosa==0.11.0", "soundfile==0.14.0", "av==18.1.0"], check=True)
        (venv / ".complete").touch()
    return venv / "bin/python"


def audio(rounds=5):
    files = sorted((DATA / "ravdess_audio").glob("Actor_*/*.flac"))[:120]
    if not files:
        say("bench/run audio: no recordings under EMOSWEEP_TEST_DATA: skipped")
        return
    python = python_with_librosa()
    ENV.update(OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
    for sr, mels in ((16000, 64), (22050, 128)):
        ours, peer = [], []
        for _ in range(rounds):
            ours.append(json.loads(call(BUILD / "bench" / "bench_audio", sr, mels, *files)))
            peer.append(json.loads(call(python, ROOT / "bench/peers/log_mel.py", sr, mels, *files)))
        whole = lambda row: row["decode_ms"] + row["mel_ms"]
        median = lambda rows, key: statistics.median(row[key] for row in rows)
        show("audio", sr=sr, n_mels=mels, recordings=len(files), decode_ms=median(ours, "decode_ms"), mel_ms=median(ours, "mel_ms"),
             librosa_decode_ms=median(peer, "decode_ms"), librosa_mel_ms=median(peer, "mel_ms"),
             librosa_over=statistics.median(whole(b) / whole(a) for a, b in zip(ours, peer)))
