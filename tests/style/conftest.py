"""Networks of VGG's layers with few filters, and files of their weights."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from sfumato.arrays import Array
from sfumato.style.vgg import architecture
from sfumato.style.vgg.architecture import vgg_layers

Parts = dict[str, tuple[Array, Array]]


@pytest.fixture
def small_vgg(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Parts]:
    """Makes VGG have few filters, and gives weights W (filters, 3, 3, channels) and b for it by convolution."""
    monkeypatch.setattr(architecture, "FILTERS", (4, 5, 6, 7, 8))

    def weights(name: str) -> Parts:
        rng = np.random.default_rng(0)
        return {
            layer.name: (
                rng.standard_normal((layer.filters, 3, 3, layer.channels)).astype(np.float32),
                rng.standard_normal(layer.filters).astype(np.float32),
            )
            for layer in vgg_layers(name)
            if layer.filters
        }

    return weights


@pytest.fixture
def write_keras() -> Callable[[Path, Parts], None]:
    """Writes weights as Keras's releases have them."""

    def write(path: Path, parts: Parts) -> None:
        with h5py.File(path, "w") as file:
            for name, (W, b) in parts.items():
                file[f"{name}/{name}_W_1:0"] = W.transpose(1, 2, 3, 0)
                file[f"{name}/{name}_b_1:0"] = b
            file["fc1/fc1_W_1:0"] = np.zeros((2, 3))

    return write


@pytest.fixture
def narrow_vgg(small_vgg: Callable[[str], Parts], write_keras: Callable[[Path, Parts], None], tmp_path: Path) -> str:
    """Weights of VGG19 with few filters, whose features stay of the size of what comes in: for settings' vgg_weights.

    For what holds for any weights: the filters of the real one cost most of the time.
    """
    parts = {name: (W * np.sqrt(2 / W[0].size), 0.1 * b) for name, (W, b) in small_vgg("vgg19").items()}
    write_keras(tmp_path / "narrow.h5", parts)
    return str(tmp_path / "narrow.h5")
