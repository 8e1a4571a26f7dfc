"""The stream that the sections of this package work on: 600 s of 3 Mbps, made once a run."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

SECONDS: Final = 600
WHAT: Final = f"{SECONDS} s of 3 Mbps 720p30 with AAC"
_CLIP_SECONDS: Final = 20


def make_stream(folder: Path, suffix: str = ".flv") -> Path:
    """Make it, once for each suffix: a noisy clip, encoded, then repeated without encoding."""
    target = folder / f"stream{suffix}"
    if not target.exists():
        clip = folder / "clip.flv"
        if not clip.exists():
            _make_clip(clip)
        rounds = str(SECONDS // _CLIP_SECONDS - 1)
        _ffmpeg("-stream_loop", rounds, "-i", str(clip), "-c", "copy", str(target))
    return target


def _make_clip(path: Path) -> None:
    picture = "testsrc2=size=1280x720:rate=30,noise=alls=8:allf=t,format=yuv420p"
    inputs = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=sample_rate=44100")
    x264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "60", "-threads", "1")
    rate = ("-b:v", "3000k", "-maxrate", "3000k", "-bufsize", "3000k")
    aac = ("-c:a", "aac", "-b:a", "128k")
    _ffmpeg(*inputs, "-t", str(_CLIP_SECONDS), *x264, *rate, *aac, str(path))


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(("ffmpeg", "-v", "error", "-nostdin", "-y", *arguments), check=True)
