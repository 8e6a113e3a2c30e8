"""Make what docs/sound.md measures, plays and shows: its tables, its sounds and its pictures.

    apt-get install fluidsynth fluid-soundfont-gm espeak-ng sonic-pi-samples
    pip install '.[sound]' librosa onnxruntime && pip install --no-deps basic-pitch
    python -m scripts.make_sound_guide

Some minutes on two cores. Tables are put between the comments of the page that name them. The ideal answer, which the
program never hears, is the piano's tune, played by the guitar's samples.
"""

import io
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.sound import levelled
from benchmarks.sound_files import RATE, SECONDS, make_sounds, read
from benchmarks.sound_measures import Judge, Judgement
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon
from PIL import Image

import sfumato
from sfumato.arrays import Array
from sfumato.cli.sound.options import measured_settings
from sfumato.layers.base import NOTHING, NoParameters
from sfumato.losses.autocorrelation import autocorrelation
from sfumato.sound.builtin import sound_path
from sfumato.sound.files import Sound, read_sound, write_sound
from sfumato.sound.spectrum import Spectrum
from sfumato.sound.starts import equalised

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "sound.md"
SOUNDS = ROOT / "docs" / "_static" / "sounds"
IMAGES = ROOT / "docs" / "images"

CONTENT, STYLE = "sound:piano", "sound:guitar"
SPEECH: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "`--preset subtle`": {"preset": "subtle"},
    "`--preset subtle --keep spectrum`": {"preset": "subtle", "keep": "spectrum"},
}

HEARD = 5
"""Seconds of each sound that the page plays."""

BANDS, TICKS = 96, (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Mel bands of the pictures, and the kHz that are marked."""


def played(content: Any = CONTENT, style: Any = STYLE, **settings: Any) -> Array:
    """A sound in the manner of another, (samples,)."""
    result = sfumato.play(content, style, **settings)
    return result.samples[:, 0]


def main() -> None:
    """Make it all."""
    SOUNDS.mkdir(parents=True, exist_ok=True)
    content, style, tabla = (loaded(f"sound:{name}") for name in ("piano", "guitar", "tabla"))
    with tempfile.TemporaryDirectory() as folder:
        make_sounds(Path(folder))
        ideal, speech = (read(Path(folder), name, SECONDS) for name in ("green_guitar", "speech"))
    judge, result = Judge(content, style, ideal), played()
    rows = {
        "the piano, unchanged": content,
        "through a filter with the guitar's mean spectrum": equalised(content, [(style, 1.0)]),
        "**the result**": result,
        "the ideal answer": ideal,
    }
    judged = {name: judge(x) for name, x in rows.items()}
    parts = {
        "settings": measured_settings(),
        "summary": summary(list(judged.values())),
        "measured": table("", judged),
        "strength": table("`--style-weight`", {f"{w}": judge(played(style_weight=w)) for w in (1, 10, 100)}),
        "keep": table("`--keep`", {k: judge(played(keep=k)) for k in ("pitch", "spectrum", "chroma")}),
        "start": table("`--start`", {s: judge(played(start=s)) for s in ("content", "eq", "mosaic", "noise")}),
        "speech": speech_table(speech, style),
        "texture": texture_table(tabla, content),
    }
    text = PAGE.read_text(encoding="utf-8")
    for name, made in parts.items():
        print(f"{name}\n{made}\n")
        before, after = re.split(rf"(?<=<!-- {name} -->\n\n)[^<]*(?=\n\n<!-- end -->)", text)
        text = before + made + after
    PAGE.write_text(text, encoding="utf-8")

    shown = {"piano": content, "guitar": style, "piano-as-guitar": result, "ideal": ideal}
    for name, x in shown.items():
        path = SOUNDS / f"{name}.mp3"
        write_sound(path, Sound(x[: HEARD * RATE, None], RATE))
        print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")
    titles = ("the piano", "the style: another tune", "the result", "the ideal answer")
    save(four(dict(zip(titles, shown.values(), strict=True))), IMAGES / "sound.jpg", 190)
    save(two(content, result), IMAGES / "sound-play.png", 80)


def save(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure: JPEG, or a PNG of 48 colours."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=dpi)
    picture = Image.open(drawn).convert("RGB")
    if path.suffix == ".png":
        picture.quantize(48, dither=Image.Dither.NONE).save(path, optimize=True)
    else:
        picture.save(path, quality=80, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")


def summary(rows: Sequence[Judgement]) -> str:
    """Paragraph on what was kept and changed."""
    unchanged, filtered, result, _ = rows
    return (
        f"In figures: of the piano's notes an independent network hears {result.note:.2f} again (F1), and of its\n"
        f"harmony {result.chroma:.2f} is kept. The distance of its timbre to the guitar's falls to "
        f"{result.frechet:.2f} of what it\nwas, and that to the same tune, played on that guitar, from "
        f"{unchanged.ideal:.1f} dB to {result.ideal:.1f}.\nA filter alone gets to {filtered.frechet:.2f} and to "
        f"{filtered.ideal:.1f} dB."
    )


def table(head: str, rows: Mapping[str, Judgement]) -> str:
    """A table in Markdown, a row for each sound."""
    lines = [
        f"| {head} | notes kept | chroma kept | style's notes | timbre | to the ideal |",
        "|---|---|---|---|---|---|",
    ]
    for name, m in rows.items():
        figures = (f"{m.note:.2f}", f"{m.chroma:.2f}", f"{m.leak:.2f}", f"{m.frechet:.2f}", f"{m.ideal:.1f} dB")
        lines.append(f"| {name} | {' | '.join(figures)} |")
    return "\n".join(lines)


def speech_table(speech: Array, style: Array) -> str:
    """Table of speech in the manner of the guitar: how much of its syllables stays, and of its timbre."""
    judge, lines = Judge(speech, style, None), ["| | syllables kept | timbre |", "|---|---|---|"]
    for name, settings in SPEECH.items():
        judged = judge(played((speech, RATE), **settings))
        lines.append(f"| {name} | {judged.onset:.2f} | {judged.frechet:.2f} |")
    return "\n".join(lines)


def texture_table(tabla: Array, piano: Array) -> str:
    """Table of textures: how near they come to the tabla's rhythm, and to its timbre, for each weight of rhythm."""
    lags, judge = round(4 * RATE / 512), Judge(piano, tabla, None)
    wanted = autocorrelation(spectrum(levelled(tabla), 20, 2048), lags)
    lines = ["| `--rhythm-weight` | rhythm, off by | timbre |", "|---|---|---|"]
    for weight in (0, 2):
        x = played(None, "sound:tabla", preset="texture", rhythm_weight=weight, seconds=8)
        own = autocorrelation(spectrum(levelled(x), 20, 2048), lags)
        off = float(np.linalg.norm(own - wanted) / np.linalg.norm(wanted))
        lines.append(f"| {weight} | {off:.0%} | {judge(x).frechet:.2f} |")
    return "\n".join(lines)


def loaded(name: str) -> Array:
    """Samples of a built-in sound, (samples,)."""
    mono: Array = read_sound(sound_path(name)).samples[:, 0]
    return mono


def spectrum(x: Array, bands: int, size: int) -> Array:
    """Loudness of mel bands over time, (1, frames, 1, bands)."""
    L, _ = Spectrum(size, size // 4, "mel", bands, RATE).forward(NoParameters(), x[None], NOTHING)
    return L


def draw(axes: Any, x: Array) -> None:
    """Draw a spectrogram."""
    L = spectrum(x, BANDS, 2048)[0, :, 0]
    axes.imshow(L.T, origin="lower", aspect="auto", cmap="magma", extent=(0, len(x) / RATE, 0, BANDS), vmin=0, vmax=5)
    highest = np.log10(1 + RATE / 2 / 700)
    axes.set_yticks([BANDS * np.log10(1 + 1000 * k / 700) / highest for k in TICKS], [f"{k:g}" for k in TICKS])


def four(sounds: Mapping[str, Array]) -> Figure:
    """Four spectrograms."""
    figure = Figure(figsize=(4.4, 4.2), layout="constrained")
    grid = figure.subplots(2, 2, sharex=True, sharey=True)
    for axes, (title, x) in zip(grid.flat, sounds.items(), strict=True):
        draw(axes, x)
        axes.set_title(title, fontsize=10)
        axes.tick_params(labelsize=8)
    for axes in grid[1]:
        axes.set_xlabel("seconds", fontsize=9)
    for axes in grid[:, 0]:
        axes.set_ylabel("kHz", fontsize=9)
    return figure


def two(*sounds: Array) -> Figure:
    """Two spectrograms with a sign for playing between them, for the README."""
    figure = Figure(figsize=(8.0, 1.8))
    for place, x in enumerate(sounds):
        axes = figure.add_axes((0.505 * place, 0.0, 0.495, 1.0))
        draw(axes, x)
        axes.axis("off")
    middle = figure.add_axes((0.5 - 0.1125, 0.0, 0.225, 1.0))
    middle.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal")
    middle.axis("off")
    middle.add_patch(Circle((0, 0), 0.42, facecolor="white", edgecolor="none"))
    triangle: Sequence[tuple[float, float]] = ((-0.13, -0.22), (-0.13, 0.22), (0.25, 0.0))
    middle.add_patch(Polygon(triangle, facecolor="#3b0f70"))
    return figure


if __name__ == "__main__":
    main()
