"""The base class of max and average pooling: windows that slide over an image."""

from dataclasses import dataclass

from sfumato.arrays import Shape
from sfumato.checks import whole
from sfumato.errors import InputError
from sfumato.kernels.pooling import pooled_shape
from sfumato.layers.base import Built, Layer, NoParameters, ReceptiveField, image_shape


@dataclass(frozen=True)
class Pooling(Layer[NoParameters]):
    """Pooling: one number a channel for each window of an image; shapes (n, height, width, channels) before and after.

    Args:
        size: Height and width of a window.
        stride: Pixels from one window to the next; by default the size, so that windows lie side by side.

    Raises:
        InputError: if either is no whole number of at least 1.
    """

    size: int = 2
    stride: int | None = None

    def __post_init__(self) -> None:
        whole("size of pooling", self.size, 1)
        whole("stride of pooling", self.step, 1)

    @property
    def step(self) -> int:
        """Pixels from one window to the next: the stride, by default the size."""
        return self.size if self.stride is None else self.stride

    @property
    def parallel(self) -> bool:
        return True

    @property
    def receptive_field(self) -> ReceptiveField:
        return ReceptiveField(self.size, self.step)

    def build(self, shape: Shape) -> Built:
        height, width, _ = image_shape(shape, "pooling")
        if min(height, width) < self.size:
            raise InputError(f"an image of {height} x {width} is too small for a window of {self.size} x {self.size}")
        return Built(pooled_shape((1, *shape), self.size, self.step)[1:], NoParameters())
