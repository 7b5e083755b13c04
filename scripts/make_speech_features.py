#!/usr/bin/env python3
"""scripts/make_speech_features.py RAVDESS_AUDIO OUT: one row of features a clip, for docs/is_the_difference_real.md.

RAVDESS_AUDIO holds manifest.csv (path, clip, actor, emotion, ...) and the clips; OUT becomes a dataset folder: features.csv
with mean and standard deviation over time of 40 MFCCs and their differences, of energy, zero crossings and spectral shape,
a column `split` (actors 23 and 24 test, 21 and 22 validation, the others train), and dataset.yaml. Needs librosa and soundfile:
    python3 -m venv ~/.cache/emosweep/peers-audio && ~/.cache/emosweep/peers-audio/bin/pip install librosa soundfile
"""
import csv
import pathlib
import sys

import librosa
import numpy as np
import soundfile

DATASET = """# Made by scripts/make_speech_features.py from RAVDESS speech (Livingstone and Russo 2018, CC BY-NC-SA 4.0).
name: ravdess_speech
samples: features.csv
id: clip
label: {column: emotion, classes: [neutral, calm, happy, sad, angry, fearful, disgust, surprised]}
groups: {actor: actor}
metadata: [gender, intensity]
splits: {column: split}
modalities:
  audio: {kind: features, columns: [f0000 .. LAST]}
"""


def features(path):
    signal, rate = soundfile.read(path, dtype="float32")
    mfcc = librosa.feature.mfcc(y=signal, sr=rate, n_mfcc=40, n_fft=512, hop_length=160)
    rows = [mfcc, librosa.feature.delta(mfcc), librosa.feature.rms(y=signal, frame_length=512, hop_length=160),
            librosa.feature.zero_crossing_rate(signal, frame_length=512, hop_length=160),
            librosa.feature.spectral_centroid(y=signal, sr=rate, n_fft=512, hop_length=160),
            librosa.feature.spectral_contrast(y=signal, sr=rate, n_fft=512, hop_length=160)]
    return np.concatenate([f(r, axis=1) for r in rows for f in (np.mean, np.std)])


def main(source, target):
    source, target = pathlib.Path(source), pathlib.Path(target)
    target.mkdir(parents=True, exist_ok=True)
    with open(source / "manifest.csv", newline="", encoding="utf-8") as file:
        clips = list(csv.DictReader(file))
    with open(target / "features.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, clip in enumerate(clips):
            values = features(source / clip["path"])
            if number == 0:
                writer.writerow(["clip", "actor", "gender", "intensity", "emotion", "split"] +
                                [f"f{i:04d}" for i in range(len(values))])
                (target / "dataset.yaml").write_text(DATASET.replace("LAST", f"f{len(values) - 1:04d}"))
            actor = int(clip["actor"])
            split = "test" if actor >= 23 else "validation" if actor >= 21 else "train"
            writer.writerow([clip["clip"], actor, clip["gender"], clip["intensity"], clip["emotion"], split] +
                            [f"{v:.6g}" for v in values])


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(*sys.argv[1:])
