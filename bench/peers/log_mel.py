#!/usr/bin/env python3
"""The same as bench_audio, as Python does it: soundfile decodes, librosa resamples (soxr_hq) and makes the spectrogram.

log_mel.py SR N_MELS FILE... prints one line of JSON: CPU milliseconds a recording, after one that loads and compiles.
"""
import json
import sys
import time

import librosa
import numpy as np
import soundfile


def main():
    sr, mels, files = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]

    def decode(path):
        wave, rate = soundfile.read(path, dtype="float32")
        wave = wave if wave.ndim == 1 else wave.mean(axis=1)
        return wave if rate == sr else librosa.resample(wave, orig_sr=rate, target_sr=sr)

    def mel(wave):
        power = librosa.feature.melspectrogram(y=wave, sr=sr, n_mels=mels, n_fft=1024, hop_length=512)
        return 10 * np.log10(np.maximum(1e-10, power))

    mel(decode(files[0]))
    spent, total = [0.0, 0.0], 0.0
    for path in files:
        start = time.process_time()
        wave = decode(path)
        middle = time.process_time()
        spectrogram = mel(wave)
        spent[1] += time.process_time() - middle
        spent[0] += middle - start
        total += float(spectrogram.sum(dtype=np.float64))
    print(json.dumps({"decode_ms": 1000 * spent[0] / len(files), "mel_ms": 1000 * spent[1] / len(files), "mean_db": total}))


main()
