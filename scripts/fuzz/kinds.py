"""The kinds of files: how each is changed, how it is read, and the command that reads it.

A kind's share says how many of about 500 inputs are of it. Those of pictures and checkpoints are smaller than those of
what takes less time; and a Keras file is read by a process of its own, which takes a quarter of a second: one is an
.h5, and one a .keras.
"""

import contextlib
import functools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from scripts.fuzz import seeds
from scripts.fuzz.mutations import Mutation, cells, gzipped, png_chunk, safetensors_header, zip_member

import sfumato
from sfumato import Model, data
from sfumato.errors import SfumatoError
from sfumato.interchange.weights import import_weights
from sfumato.minimize import RunOptions, resumed
from sfumato.outputs import CHECKPOINT
from sfumato.pictures.as_examples import load_picture
from sfumato.pictures.files import open_image, read_description
from sfumato.sound import play as playing
from sfumato.sound.files import read_sound
from sfumato.storage import refusing_damage
from sfumato.style.control.masks import make_regions
from sfumato.style.inputs import Style, read_styles
from sfumato.style.job import PaintingJob
from sfumato.style.problem import StyleProblem
from sfumato.style.result import recorded_plan
from sfumato.style.settings import Reading
from sfumato.style.stylize import checkpoint_of
from sfumato.style.tiles.memory import Plan, check_plan, make_plan
from sfumato.style.transfer import StyleTransfer
from sfumato.training.preparation import Training
from sfumato.training.splits import Splits

MEMORY = 10**9
"""Bytes that pictures may take, as by `--memory 1GB`."""

Reader = Callable[[Path, Path], object]
"""Reads a file, given the folder of the whole files and its path, as a command does."""

Command = Callable[[Path, Path, Path], list[str]]
"""Arguments of the program, given the folder of the whole files, the file, and an empty folder to write to."""


class Kind(NamedTuple):
    """A kind of files.

    Attributes:
        share: How many of about 500 inputs are of it.
        suffix: Of its files' names.
        read: How it is read.
        command: The command that reads it.
        mutations: Its own, beside those of any bytes.
    """

    share: int
    suffix: str
    read: Reader
    command: Command
    mutations: tuple[Mutation, ...] = ()


@functools.cache
def _model(path: Path) -> Model:
    return Model.load(path)


def _rows(folder: Path, path: Path) -> object:
    """Rows of a table, to train on and to predict."""
    model = _model(folder / seeds.MODEL)
    try:
        model.predict(model.inputs(path))
    except SfumatoError:  # it has other columns, but may be a table all the same
        return data.load(path)
    return data.load(path)


def _idx_folder(folder: Path, path: Path, name: str) -> Path:
    """A folder of IDX files, all whole but the one of this name."""
    beside = path.with_suffix("")
    beside.mkdir(exist_ok=True)
    for whole in seeds.IDX_FILES:
        (beside / whole).write_bytes((path if name == whole else folder / whole).read_bytes())
    return beside


def _idx(share: int, name: str, *mutations: Mutation) -> Kind:
    """A kind of IDX files: images or labels."""
    return Kind(
        share,
        ".idx",
        lambda folder, path: data.load(_idx_folder(folder, path, name)),
        lambda folder, path, out: ["evaluate", str(folder / seeds.IMAGE_MODEL), str(_idx_folder(folder, path, name))],
        mutations,
    )


def _picture(folder: Path, path: Path) -> object:
    """A picture to paint, with all that it brings, and one to classify."""
    _ignoring(lambda: read_description(path))
    _ignoring(lambda: open_image(path, memory=MEMORY))
    open_image(path, first_frame=True, memory=MEMORY)
    return load_picture(str(path), _model(folder / seeds.IMAGE_MODEL).network.input_shape)


def _ignoring(read: Callable[[], object]) -> None:
    with contextlib.suppress(SfumatoError):
        read()


def _picture_kind(suffix: str, *mutations: Mutation) -> Kind:
    """A kind of pictures."""
    return Kind(
        30,
        suffix,
        _picture,
        lambda folder, path, out: ["predict", str(folder / seeds.IMAGE_MODEL), str(path)],
        mutations,
    )


def _mask(folder: Path, path: Path) -> object:
    return make_regions(_styles(folder), [(path, 1)], (32, 32), Reading(memory=MEMORY))


@functools.cache
def _styles(folder: Path) -> list[Style]:
    return read_styles(folder / seeds.STYLE)


def _stored_model(folder: Path, path: Path) -> object:
    """A model, to predict the rows of a table or a picture."""
    model = Model.load(path)
    if len(model.network.input_shape) == 3:
        rows, _ = load_picture(str(folder / seeds.CONTENT), model.network.input_shape)
        return model.predict(rows)
    return model.predict(model.inputs(folder / seeds.ROWS))


def _weights(folder: Path, path: Path) -> object:
    return import_weights(path, like=_model(folder / seeds.MODEL))


def _import(folder: Path, path: Path, out: Path) -> list[str]:
    return ["import", str(path), "--like", str(folder / seeds.MODEL), "-o", str(out / "model.safetensors")]


@functools.cache
def _training(folder: Path) -> tuple[Training, Splits]:
    return seeds.training(folder)


def _training_checkpoint(folder: Path, path: Path) -> object:
    training, splits = _training(folder)
    run = RunOptions(engine="numpy", checkpoint=path, resume=True, stop=lambda: True)
    result = training.fit(splits, run)
    return training.model(training.in_own_units(result), splits.dataset)


def _resume_training(folder: Path, path: Path, out: Path) -> list[str]:
    (out / "run").mkdir()
    (out / "run" / CHECKPOINT).write_bytes(path.read_bytes())
    settings = [f"--{name.replace('_', '-')}={_text(value)}" for name, value in seeds.TRAINING.items()]
    return ["train", str(folder / seeds.ROWS), *settings, "--backend=numpy", f"--out={out / 'run'}", "--resume"]


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@functools.cache
def _painting(folder: Path) -> tuple[StyleProblem, Plan]:
    """A painting as it is before it looks for a checkpoint; the network is loaded only once."""
    problem = StyleProblem(StyleTransfer(**seeds.PAINTING), folder / seeds.CONTENT, [(folder / seeds.STYLE, 1.0)])
    return problem, make_plan(problem, 32, 32)


def _style_checkpoint(folder: Path, path: Path) -> object:
    """The checkpoint of a painting, up to the step that would follow."""
    problem, _ = _painting(folder)
    plan = recorded_plan(path)
    check_plan(problem, 32, 32, plan)
    job = PaintingJob(problem, [(32, 32)], plan)
    state = resumed(job, RunOptions(checkpoint=path, resume=True))
    assert state is not None
    with refusing_damage(path, "the checkpoint"):
        job.go_on(state)
    return job.picture(state)


def _resume_painting(folder: Path, path: Path, out: Path) -> list[str]:
    picture = out / "picture.png"
    checkpoint_of(picture).write_bytes(path.read_bytes())
    return [*_style(folder), f"--out={picture}", "--resume"]


def _style(folder: Path) -> list[str]:
    """Options of the painting that the checkpoint is of."""
    settings = ["--size=32", "--steps=2", "--scales=1", "--backend=numpy", "--quiet"]
    settings += ["--content-layers=block1_conv2", "--style-layers=block1_conv1"]
    return ["style", str(folder / seeds.CONTENT), str(folder / seeds.STYLE), *settings]


def _sound(folder: Path, path: Path) -> object:
    """A sound to play."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is cut off
        return read_sound(path, memory=MEMORY)


def _sound_kind(share: int, suffix: str) -> Kind:
    """A kind of sounds."""
    return Kind(share, suffix, _sound, _play_sound)


def _play_sound(folder: Path, path: Path, out: Path) -> list[str]:
    return ["sound", str(path), str(folder / seeds.SOUND_STYLE), "--steps=1", "--quiet", f"--out={out / 'played.wav'}"]


def _sound_checkpoint(folder: Path, path: Path) -> object:
    """The checkpoint of a sound, up to the step that would follow."""
    out = path.with_suffix(".wav")
    playing.checkpoint_of(out).write_bytes(path.read_bytes())
    return sfumato.play(
        folder / seeds.SOUND, folder / seeds.SOUND_STYLE, out=out, resume=True, callback=lambda _: True, **seeds.PLAYING
    )


def _resume_playing(folder: Path, path: Path, out: Path) -> list[str]:
    sound = out / "played.wav"
    playing.checkpoint_of(sound).write_bytes(path.read_bytes())
    settings = ["--steps=3", "--sample-rate=8000", "--backend=numpy", "--quiet", "--resume"]
    return ["sound", str(folder / seeds.SOUND), str(folder / seeds.SOUND_STYLE), *settings, f"--out={sound}"]


def _predict_with(folder: Path, path: Path, out: Path) -> list[str]:
    return ["predict", str(path), str(folder / seeds.ROWS)]


def _predict_rows(folder: Path, path: Path, out: Path) -> list[str]:
    return ["predict", str(folder / seeds.MODEL), str(path)]


def _paint_with_mask(folder: Path, path: Path, out: Path) -> list[str]:
    return [*_style(folder), f"--mask={path}=1", f"--out={out / 'picture.png'}"]


KINDS = {
    "csv": Kind(30, ".csv", _rows, _predict_rows, (cells,)),
    "parquet": Kind(30, ".parquet", _rows, _predict_rows),
    "idx images": _idx(20, seeds.IDX_FILES[0]),
    "idx labels": _idx(10, seeds.IDX_FILES[1]),
    "idx images in gzip": _idx(15, seeds.IDX_FILES[0], gzipped),
    "PNG": _picture_kind(".png", png_chunk),
    "JPEG": _picture_kind(".jpg"),
    "TIFF": _picture_kind(".tif"),
    "WebP": _picture_kind(".webp"),
    "GIF": _picture_kind(".gif"),
    "other picture": _picture_kind(".png"),
    "mask": Kind(20, ".png", _mask, _paint_with_mask, (png_chunk,)),
    "model": Kind(35, ".safetensors", _stored_model, _predict_with, (safetensors_header,)),
    "training checkpoint": Kind(20, ".safetensors", _training_checkpoint, _resume_training, (safetensors_header,)),
    "style checkpoint": Kind(8, ".safetensors", _style_checkpoint, _resume_painting, (safetensors_header,)),
    "WAV": _sound_kind(15, ".wav"),
    "FLAC": _sound_kind(10, ".flac"),
    "Ogg": _sound_kind(10, ".ogg"),
    "MP3": _sound_kind(10, ".mp3"),
    "sound checkpoint": Kind(5, ".safetensors", _sound_checkpoint, _resume_playing, (safetensors_header,)),
    "safetensors weights": Kind(20, ".safetensors", _weights, _import, (safetensors_header,)),
    "pth": Kind(20, ".pth", _weights, _import, (zip_member,)),
    "old pth": Kind(20, ".pth", _weights, _import),
    "h5": Kind(1, ".h5", _weights, _import),
    "keras": Kind(1, ".keras", _weights, _import, (zip_member,)),
}
"""All kinds by name; a kind is left out where what makes its seeds is not installed."""
