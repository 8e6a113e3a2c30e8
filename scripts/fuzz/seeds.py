"""Small valid files of every kind, and the whole files that stand beside a damaged one on a command line."""

import gzip
import importlib.util
import io
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, features

from sfumato import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    MeanSquaredError,
    Model,
    convolutional_network,
    multilayer_perceptron,
)
from sfumato.arrays import Array
from sfumato.data import Scaling, load
from sfumato.data.idx import DTYPES
from sfumato.minimize import RunOptions
from sfumato.sound.play import checkpoint_of as checkpoint_of_sound
from sfumato.sound.play import play
from sfumato.storage import save_tensors
from sfumato.style.stylize import checkpoint_of, stylize
from sfumato.training.preparation import Training, prepare
from sfumato.training.settings import TrainingSettings
from sfumato.training.splits import Splits, load_splits

IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")

Seeds = dict[str, list[bytes]]
"""Valid files by their kind."""

ROWS, MODEL, IMAGE_MODEL, CONTENT, STYLE = "rows.csv", "model.safetensors", "images.safetensors", "content.png", "s.png"
SOUND, SOUND_STYLE = "sound.wav", "style.wav"
"""Names of the whole files."""

TRAINING: dict[str, Any] = {"hidden": (3,), "epochs": 2, "batch_size": 4, "validation": 0.25}
PAINTING: dict[str, Any] = {"size": 32, "steps": 2, "scales": 1, "engine": "numpy"}
PAINTING |= {"content_layers": {"block1_conv2": 1.0}, "style_layers": {"block1_conv1": 1.0}}
PLAYING: dict[str, Any] = {"steps": 3, "sample_rate": 8000, "engine": "numpy"}
"""Settings of the runs that the checkpoints are of."""


def make_files(folder: Path) -> Seeds:
    """Write the whole files into a folder, and make the seeds."""
    random = np.random.default_rng(0)
    (folder / ROWS).write_text(_table(random))
    for name, seed in ((CONTENT, 1), (STYLE, 2)):
        _picture(seed).save(folder / name)
    data = load(folder / ROWS)
    network = multilayer_perceptron(4, [3], 3)
    inputs = Scaling.fit(data.examples.x, "standard")
    colours = {"colour": ("blue", "red")}
    names = ("a", "b", "colour")
    classes, names, colours = ("x", "y", "z"), ("a", "b", "colour"), {"colour": ("blue", "red")}
    loss = CategoricalCrossEntropy()
    flowers = Model(network, network.initialize(0), loss, inputs, classes, names, "kind", colours)
    flowers.save(folder / MODEL)
    digits = _image_model()
    digits.save(folder / IMAGE_MODEL)
    value = multilayer_perceptron(4, [2], 1)
    values = Model(value, value.initialize(0), MeanSquaredError(), Scaling.none())
    values.save(folder / "values.safetensors")
    models = [(folder / name).read_bytes() for name in (MODEL, IMAGE_MODEL, "values.safetensors")]
    weights = {f"{name}.{part}": value for name, part, value in _layers(flowers)}
    images, labels = _idx(8, (4, 8, 8), random), _idx(8, (4,), random)
    for name, content in zip(IDX_FILES, (images, labels), strict=True):
        (folder / name).write_bytes(content)
    return {
        "csv": [(folder / ROWS).read_bytes(), b"1,2,0\n3,4,1\n5,6,0\n", b'a;b;c\n1,5;"u;v";x\n2,5;w;y\n'],
        "idx images": [images, _idx(0x0D, (4, 8, 8), random)],
        "idx images in gzip": [gzip.compress(images, mtime=0)],
        "idx labels": [labels],
        "model": models,
        "training checkpoint": [_training_checkpoint(folder)],
        "style checkpoint": [_style_checkpoint(folder)],
        **_sounds(folder),
        "sound checkpoint": [_sound_checkpoint(folder)],
        "safetensors weights": [_safetensors(folder, weights), models[0]],
        **_pictures(),
        **_parquet(folder),
        **_torch_files(weights),
        **_keras_files(folder, flowers),
    }


def _table(random: np.random.Generator) -> str:
    columns = random.normal(size=12), random.integers(9, size=12), ["blue", "red"] * 6, "xyz" * 4
    rows = [f"{a:.3f},{b},{colour},{kind}" for a, b, colour, kind in zip(*columns, strict=True)]
    return "\n".join(["a,b,colour,kind", *rows]) + "\n"


def _picture(seed: int, mode: str = "RGB") -> Image.Image:
    shape = (32, 32) if mode == "L" else (32, 32, 4 if mode == "RGBA" else 3)
    return Image.fromarray(np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8))


def _image_model() -> Model:
    network = convolutional_network((8, 8, 1), 1, filters=[2], hidden=[])
    return Model(network, network.initialize(0), BinaryCrossEntropy(), Scaling.none(), ("0", "1"))


def _layers(model: Model) -> list[tuple[str, str, Array]]:
    """Weights of a perceptron as PyTorch would call and lay them."""
    found = []
    dense = [own for own in model.network.parameters(model.theta) if own]
    for number, own in enumerate(dense):
        found += [(f"{2 * number}", "weight", np.ascontiguousarray(own.W.T)), (f"{2 * number}", "bias", own.b.copy())]
    return found


def _idx(kind: int, shape: tuple[int, ...], random: np.random.Generator) -> bytes:
    numbers = random.integers(2, size=shape).astype(DTYPES[kind])
    numbers.reshape(-1)[0] = 1 - numbers.reshape(-1)[1]
    return bytes([0, 0, kind, len(shape)]) + np.array(shape, ">u4").tobytes() + numbers.tobytes()


def _pictures() -> Seeds:
    """Pictures of each format, of several kinds of pixels, with metadata."""
    exif = Image.Exif()
    exif[274], exif[305] = 6, "a program"
    resolution: dict[str, Any] = {"exif": exif, "dpi": (72, 72)}
    rgb, grey, layer = _picture(1), _picture(1, "L"), _picture(1, "RGBA")
    sixteen = Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16) * 257)
    palette, white = rgb.quantize(8), Image.new("L", (32, 32), 255)
    made: dict[str, list[tuple[Image.Image, dict[str, Any]]]] = {
        "PNG": [(rgb, resolution), (layer, {}), (palette, {"transparency": 1}), (sixteen, {})],
        "JPEG": [(rgb, resolution), (grey, {"progressive": True}), (rgb.convert("CMYK"), {})],
        "TIFF": [
            (rgb, resolution),
            (layer, {"compression": "tiff_lzw"}),
            (sixteen, {}),
            (rgb, {"compression": "jpeg"}),
        ],
        "WebP": [(rgb, resolution), (layer, {"lossless": True})],
        "GIF": [(palette, {}), (palette, {"save_all": True, "append_images": [grey.quantize(4)]})],
        "mask": [(white, {}), (grey, {}), (layer, {})],
    }
    seeds = {
        name: [_encoded(image, "PNG" if name == "mask" else name, how) for image, how in some]
        for name, some in made.items()
    }
    others = ["BMP", "PPM"] + (["JPEG2000"] if features.check("jpg_2000") else [])
    others += ["AVIF"] if features.check("avif") else []
    return {**seeds, "other picture": [_encoded(rgb, name, {}) for name in others]}


def _encoded(image: Image.Image, name: str, how: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **how)
    return buffer.getvalue()


def training(folder: Path) -> tuple[Training, Splits]:
    """A prepared run of training, and its data."""
    settings = TrainingSettings.of(TRAINING)
    splits = load_splits(folder / ROWS, settings, 0)
    return prepare(splits, settings, 0), splits


def _training_checkpoint(folder: Path) -> bytes:
    path, (prepared, splits) = folder / "checkpoint", training(folder)
    prepared.fit(splits, RunOptions(engine="numpy", checkpoint=path, callback=lambda record: record.epoch == 1))
    return path.read_bytes()


def _style_checkpoint(folder: Path) -> bytes:
    out = folder / "unfinished.png"
    stylize(folder / CONTENT, folder / STYLE, out=out, callback=lambda record: True, **PAINTING)
    return checkpoint_of(out).read_bytes()


def _sounds(folder: Path) -> Seeds:
    """Sounds of each format, one of them as a whole file."""
    from scipy.io import wavfile

    samples = 0.3 * np.sin(np.arange(8000) * np.array([[0.2], [0.3]]) ** 1.01).T
    for name, channel in zip((SOUND, SOUND_STYLE), samples.T, strict=True):
        wavfile.write(folder / name, 8000, np.round(channel * 32767).astype(np.int16))
    seeds = {"WAV": [(folder / SOUND).read_bytes()]}
    if importlib.util.find_spec("soundfile") is None:
        return seeds
    import soundfile

    made = {"WAV": ("PCM_24", "FLOAT", "ULAW"), "FLAC": ("PCM_16",), "OGG": ("VORBIS", "OPUS"), "MP3": (None,)}
    for kind, subtypes in made.items():
        for subtype in subtypes:
            file = io.BytesIO()
            soundfile.write(file, samples, 8000, format=kind, subtype=subtype)
            seeds.setdefault("Ogg" if kind == "OGG" else kind, []).append(file.getvalue())
    return seeds


def _sound_checkpoint(folder: Path) -> bytes:
    out = folder / "unfinished.wav"
    play(folder / SOUND, folder / SOUND_STYLE, out=out, callback=lambda _: True, **PLAYING)
    return checkpoint_of_sound(out).read_bytes()


def _safetensors(folder: Path, weights: dict[str, Array]) -> bytes:
    save_tensors(folder / "weights", weights, {})
    return (folder / "weights").read_bytes()


def _parquet(folder: Path) -> Seeds:
    if importlib.util.find_spec("pyarrow") is None:
        return {}
    frame, seeds = pd.read_csv(folder / ROWS), []
    for compression in ("snappy", None, "gzip"):
        buffer = io.BytesIO()
        frame.to_parquet(buffer, compression=compression, row_group_size=6)
        seeds.append(buffer.getvalue())
    return {"parquet": seeds}


def _torch_files(weights: dict[str, Array]) -> Seeds:
    if importlib.util.find_spec("torch") is None:
        return {}
    import torch

    tensors, seeds = OrderedDict((name, torch.from_numpy(value.copy())) for name, value in weights.items()), {}
    for name, new in (("pth", True), ("old pth", False)):
        buffer = io.BytesIO()
        torch.save(tensors, buffer, _use_new_zipfile_serialization=new)
        seeds[name] = [buffer.getvalue()]
    return seeds


def _keras_files(folder: Path, model: Model) -> Seeds:
    if importlib.util.find_spec("h5py") is None:
        return {}
    import h5py

    path, packed = folder / "weights.h5", io.BytesIO()
    with h5py.File(path, "w") as file:
        for number, (_, part, value) in enumerate(_layers(model)):
            layer = "dense" if number < 2 else f"dense_{number // 2}"
            file[f"layers/{layer}/vars/{int(part == 'bias')}"] = value.T
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("config.json"), "{}")
        archive.writestr(zipfile.ZipInfo("model.weights.h5"), path.read_bytes())
    return {"h5": [path.read_bytes()], "keras": [packed.getvalue()]}
