"""Positions of the windows of a convolution."""

from typing import NamedTuple

from sfumato.arrays import Shape


class Geometry(NamedTuple):
    """Size, stride and padding of a convolution's windows.

    Attributes:
        kernel: Height and width of a window.
        stride: Pixels from one window to the next.
        padding: Rings of zeros around the image.
    """

    kernel: Shape
    stride: int = 1
    padding: int = 0

    def positions(self, image: Shape) -> tuple[int, int]:
        """Count the windows that fit down and across an image, (height, width); below 1 where none does.

        >>> Geometry((3, 3), stride=2, padding=1).positions((28, 27))
        (14, 14)
        """
        rows, columns = (
            (size + 2 * self.padding - edge) // self.stride + 1 for size, edge in zip(image, self.kernel, strict=True)
        )
        return rows, columns
