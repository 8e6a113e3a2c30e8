"""Images and filters with the axes in the order that PyTorch counts them, for its kernels (oneDNN, cuDNN, Metal).

Images are n x height x width x channels here as everywhere. Seen with their channels second, as PyTorch counts them,
they are "channels last", the order in which those libraries are fastest, and nothing is moved.

The backward passes are kernels like any other, called by name with dz: no graph is recorded and nothing is
differentiated.
"""

from typing import Any

from sfumato.arrays import Array


def channels_second(x: Any) -> Any:
    """View images, or filters, as PyTorch counts their axes: the same memory."""
    return x.permute(0, 3, 1, 2)


def channels_last(x: Any) -> Array:
    """View a result of PyTorch's with the channels as the last axis again: the same memory."""
    images: Array = x.permute(0, 2, 3, 1)
    return images
