"""Parameters and multiplications of VGG19, ResNet50 and Inception v3, added up over their layers.

    python examples/network_sizes.py

The layers are those of the networks' papers (Simonyan and Zisserman 2014; He et al. 2015; Szegedy et al. 2015, without
its auxiliary classifier), each at the size that it was trained for. A convolution of VGG19 has a bias for each filter;
of the other two, a scale and a shift of its batch normalisation instead.
"""

from collections.abc import Iterator
from typing import NamedTuple


class Convolution(NamedTuple):
    """A window of `rows` by `columns` over `inputs` channels, with `filters`, whose outputs are `size` by `size`."""

    inputs: int
    filters: int
    rows: int
    columns: int
    size: int

    @property
    def weights(self) -> int:
        """Numbers in the filters; each is multiplied once at every place."""
        return self.inputs * self.filters * self.rows * self.columns


def square(inputs: int, filters: int, width: int, size: int) -> Convolution:
    """Convolution with a square window."""
    return Convolution(inputs, filters, width, width, size)


def chain(inputs: int, size: int, *steps: tuple[int, int, int]) -> Iterator[Convolution]:
    """Convolutions one after the other, each `(rows, columns, filters)`."""
    for rows, columns, filters in steps:
        yield Convolution(inputs, filters, rows, columns, size)
        inputs = filters


def vgg19() -> Iterator[Convolution]:
    """Sixteen convolutions of 3 x 3 in five blocks, each block half as wide and high as the one before."""
    inputs = 3
    for filters, layers, size in [(64, 2, 224), (128, 2, 112), (256, 4, 56), (512, 4, 28), (512, 4, 14)]:
        yield from chain(inputs, size, *[(3, 3, filters)] * layers)
        inputs = filters


def resnet50() -> Iterator[Convolution]:
    """Sixteen bottlenecks; the first of each stage has a projection beside it."""
    yield square(3, 64, 7, 112)
    inputs = 64
    for narrow, blocks, size in [(64, 3, 56), (128, 4, 28), (256, 6, 14), (512, 3, 7)]:
        for block in range(blocks):
            if block == 0:
                yield square(inputs, 4 * narrow, 1, size)
            yield from chain(inputs, size, (1, 1, narrow), (3, 3, narrow), (1, 1, 4 * narrow))
            inputs = 4 * narrow


def inception_v3() -> Iterator[Convolution]:
    """Five plain convolutions, then eleven modules of parallel branches; pooling has no weights."""
    yield from (square(3, 32, 3, 149), square(32, 32, 3, 147), square(32, 64, 3, 147))
    yield from (square(64, 80, 1, 73), square(80, 192, 3, 71))
    for inputs, pooled in [(192, 32), (256, 64), (288, 64)]:
        yield from (square(inputs, 64, 1, 35), square(inputs, pooled, 1, 35))
        yield from chain(inputs, 35, (1, 1, 48), (5, 5, 64))
        yield from chain(inputs, 35, (1, 1, 64), (3, 3, 96), (3, 3, 96))
    yield square(288, 384, 3, 17)
    yield from chain(288, 35, (1, 1, 64), (3, 3, 96))
    yield square(96, 96, 3, 17)
    for c in (128, 160, 160, 192):
        yield from (square(768, 192, 1, 17), square(768, 192, 1, 17))
        yield from chain(768, 17, (1, 1, c), (1, 7, c), (7, 1, 192))
        yield from chain(768, 17, (1, 1, c), (7, 1, c), (1, 7, c), (7, 1, c), (1, 7, 192))
    yield from (square(768, 192, 1, 17), square(192, 320, 3, 8))
    yield from chain(768, 17, (1, 1, 192), (1, 7, 192), (7, 1, 192))
    yield square(192, 192, 3, 8)
    for inputs in (1280, 2048):
        yield from (square(inputs, 320, 1, 8), square(inputs, 192, 1, 8), square(inputs, 384, 1, 8))
        yield from chain(inputs, 8, (1, 1, 448), (3, 3, 384))
        yield from [Convolution(384, 384, 1, 3, 8), Convolution(384, 384, 3, 1, 8)] * 2


def main() -> None:
    """Print the three networks as a table."""
    networks = {
        "VGG19": (vgg19(), 1, [(7 * 7 * 512, 4096), (4096, 4096), (4096, 1000)]),
        "ResNet50": (resnet50(), 2, [(2048, 1000)]),
        "Inception v3": (inception_v3(), 2, [(2048, 1000)]),
    }
    print(f"{'network':<13} {'parameters':>12} {'without dense layers':>21} {'multiplications':>16}")
    for name, (layers, numbers_a_filter, dense) in networks.items():
        convolutions = list(layers)
        features = sum(layer.weights + numbers_a_filter * layer.filters for layer in convolutions)
        whole = features + sum(n_in * n_out + n_out for n_in, n_out in dense)
        products = sum(layer.weights * layer.size**2 for layer in convolutions)
        products += sum(n_in * n_out for n_in, n_out in dense)
        print(f"{name:<13} {whole:>12,} {features:>21,} {products:>16,}")


if __name__ == "__main__":
    main()
