#!/usr/bin/env python3
"""Writes tests/fixtures/audio/: half-second recordings in every format that data/audio/ decodes, and log_mel.json, spectrograms
that librosa gives for waveforms which a formula makes. Made with librosa 0.11, soundfile 0.14 and PyAV ("made_with" says):
    python3 -m venv ~/.cache/emosweep/peers-audio && ~/.cache/emosweep/peers-audio/bin/pip install librosa soundfile av
    ~/.cache/emosweep/peers-audio/bin/python scripts/make_audio_fixture.py
"""
import json
import pathlib

import av
import librosa
import numpy as np
import soundfile

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "tests/fixtures/audio"


def wave(samples, sr):
    """A rising tone, a steady one that begins late, and noise of 60 dB less: what the C++ test computes again."""
    t = np.arange(samples) / sr
    state, noise = 12345, np.empty(samples)
    for i in range(samples):
        state = (1103515245 * state + 12345) % 2**31
        noise[i] = state / 2**31 - 0.5
    late = np.where(t > 0.2, np.sin(2 * np.pi * 1500 * t), 0)
    y = 0.5 * np.sin(2 * np.pi * (200 * t + 2500 * t * t)) + 0.2 * late + 0.001 * noise
    return y.astype(np.float32).astype(np.float64)  # the samples that a recording gives, in double precision from there


def log_mel(case):
    y = wave(case["samples"], case["sr"])
    power = librosa.feature.melspectrogram(y=y, sr=case["sr"], n_mels=case["n_mels"], n_fft=case["n_fft"],
                                           hop_length=case["hop_length"], fmin=case["f_min"], fmax=case["f_max"] or None,
                                           dtype=np.float64)
    raw = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)
    # The window that a network sees: cropped or followed by silence, ref=max and top_db, standardised.
    frames = 1 + int(case["seconds"] * case["sr"]) // case["hop_length"]
    start = max(0, (raw.shape[1] - frames) // 2)
    crop = power[:, start:start + frames]
    crop = np.pad(crop, ((0, 0), (0, frames - crop.shape[1])))
    db = librosa.power_to_db(crop, ref=np.max, amin=1e-10, top_db=80)
    window = (db - db.mean()) / db.std()
    delta = raw[:, 2:] - raw[:, :-2]
    statistics = [raw.mean(1), raw.std(1), np.percentile(raw, 10, axis=1), np.percentile(raw, 75, axis=1),
                  delta.std(1), np.abs(delta).mean(1)]
    rounded = lambda x: [round(float(v), 6) for v in np.asarray(x).ravel()]
    return {**case, "raw": rounded(raw.T), "window": rounded(window), "frames": frames, "statistics": rounded(statistics)}


def recordings():
    def tone(sr, channels=1):  # 440 Hz; of two channels the second is twice as loud: their mean is .3
        y = np.sin(2 * np.pi * 440 * np.arange(sr // 2) / sr)
        return 0.3 * y if channels == 1 else np.stack([0.2 * y, 0.4 * y], axis=1)

    write = lambda name, sr, channels, **how: soundfile.write(FOLDER / name, tone(sr, channels), sr, **how)
    write("tone.wav", 16000, 1, subtype="PCM_16")
    write("stereo_24bit.wav", 11025, 2, subtype="PCM_24")
    write("float.wav", 8000, 1, subtype="FLOAT")
    write("stereo.flac", 48000, 2, subtype="PCM_16")
    write("tone.mp3", 44100, 1)
    write("vorbis.ogg", 22050, 1, format="OGG", subtype="VORBIS")
    write("tone.opus", 48000, 1, format="OGG", subtype="OPUS")
    for name, video in (("tone.m4a", False), ("film.mp4", True)):
        with av.open(str(FOLDER / name), "w") as out:
            picture = out.add_stream("mpeg4", rate=10) if video else None
            sound = out.add_stream("aac", rate=32000, layout="mono", bit_rate=160000)
            if video:
                picture.width = picture.height = 32
                picture.pix_fmt = "yuv420p"
                for i in range(5):
                    frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 40 * i, np.uint8), format="rgb24")
                    out.mux(picture.encode(frame))
                out.mux(picture.encode(None))
            y = tone(32000).astype(np.float32)[None, :]
            for begin in range(0, y.shape[1], 1024):
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(y[:, begin:begin + 1024]), format="fltp", layout="mono")
                frame.sample_rate, frame.pts = 32000, begin
                out.mux(sound.encode(frame))
            out.mux(sound.encode(None))


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    recordings()
    base = {"samples": 4000, "sr": 16000, "n_mels": 32, "n_fft": 512, "hop_length": 256, "f_min": 0.0, "f_max": 0.0,
            "seconds": 0.2}
    cases = [base, {**base, "sr": 22050, "n_mels": 24, "n_fft": 1024, "hop_length": 512, "seconds": 0.4},
             {**base, "n_fft": 400, "hop_length": 160, "n_mels": 20, "f_min": 60.0, "f_max": 7600.0, "samples": 3333}]
    text = {"made_with": {"librosa": librosa.__version__, "numpy": np.__version__, "soundfile": soundfile.__version__,
                          "av": av.__version__}, "cases": [log_mel(case) for case in cases]}
    (FOLDER / "log_mel.json").write_text(json.dumps(text, separators=(",", ":")) + "\n")


main()
