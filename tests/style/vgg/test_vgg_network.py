"""VGG: names of layers, sizes, preprocessing, and the built-in weights."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from sfumato import InputError
from sfumato.layers import NOTHING, Needs, NoParameters
from sfumato.storage import load_tensors
from sfumato.style.vgg.network import layer_name, layer_names, load_vgg
from sfumato.style.vgg.preprocessing import CAFFE, TORCHVISION, Preprocessing
from sfumato.style.vgg.weights import BUILTIN, ORIGINAL_BIASES


@pytest.mark.parametrize("name", ["block5_conv2", "conv5_2", "relu5_2"])
@pytest.mark.parametrize("architecture", ["vgg16", "vgg19"])
def test_kerass_names_and_the_literatures_mean_the_same(name: str, architecture: str) -> None:
    assert layer_name(name, architecture) == "block5_conv2"
    assert layer_name("pool3", architecture) == layer_name("block3_pool", architecture) == "block3_pool"


def test_layers_come_in_order() -> None:
    assert layer_names("vgg16")[:4] == ["block1_conv1", "block1_conv2", "block1_pool", "block2_conv1"]
    assert [len(layer_names(name)) for name in ("vgg16", "vgg19")] == [18, 21]
    assert set(layer_names("vgg19")) - set(layer_names("vgg16")) == {f"block{n}_conv4" for n in (3, 4, 5)}


@pytest.mark.parametrize(
    ("name", "architecture", "message"),
    [
        ("block5_covn2", "vgg19", "vgg19 has no layer 'block5_covn2': did you mean block5_conv2?"),
        ("conv3-4", "vgg19", "vgg19 has no layer 'conv3-4': did you mean conv3_4?"),
        ("conv3_4", "vgg16", "vgg16 has no layer 'conv3_4': did you mean conv3_"),
        ("x", "vgg16", "vgg16 has no layer 'x': its layers are block1_conv1 to block5_pool, or conv1_1 to pool5"),
        ("conv1_1", "vgg11", "no network is called 'vgg11': use vgg16 or vgg19"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(name: str, architecture: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        layer_name(name, architecture)
    assert str(caught.value).startswith(message)


def test_a_wrong_pooling_and_vgg16_without_weights_say_what_there_is() -> None:
    with pytest.raises(InputError, match="no pooling is called 'mean': use max or average"):
        load_vgg(last="conv1_1", pooling="mean")
    with pytest.raises(InputError, match=r"the built-in weights are VGG19's: for vgg16 take keras .* or a file"):
        load_vgg("vgg16")


@pytest.mark.parametrize(
    ("last", "least"), [("block1_conv1", 1), ("pool1", 2), ("block2_conv2", 2), ("conv4_1", 8), ("block4_pool", 16)]
)
def test_images_may_be_as_small_as_the_last_layer_allows(last: str, least: int) -> None:
    vgg = load_vgg(last=last)
    network = vgg.network(least, least)
    assert network.output_shape[:2] == (1, 1)
    assert network.names[0] == "preprocessing"
    assert network.names[-1] == vgg.last == layer_name(last, "vgg19")
    if least > 1:
        with pytest.raises(
            InputError, match=f"40 x {least - 1} pixels .* too small for {vgg.last}: it needs {least} x"
        ):
            vgg.network(40, least - 1)


def test_the_built_in_weights_are_those_of_vgg19() -> None:
    vgg = load_vgg()
    assert vgg.theta.size == 20_024_384  # of Keras's VGG19 without the classifier
    assert vgg.theta.dtype == np.float32
    assert vgg.preprocessing == CAFFE
    parameters = vgg.network(32, 48).parameters(vgg.theta)
    np.testing.assert_allclose(parameters.block1_conv1.b[:4], ORIGINAL_BIASES["vgg19"], rtol=1e-6)
    tensors, header = load_tensors(Path(str(BUILTIN)))
    assert "CC BY 4.0" in header["licence"]
    for name in ("block1_conv1", "block3_conv4", "block5_conv4"):
        W, b = getattr(parameters, name)
        np.testing.assert_array_equal(W, tensors[f"{name}.codebook"][tensors[f"{name}.indices"]])
        np.testing.assert_array_equal(b, tensors[f"{name}.b"])
        assert len(np.unique(W)) == 256


def test_the_built_in_weights_see_edges_where_there_are_some() -> None:
    vgg = load_vgg(last="block2_conv2")
    half = np.zeros((1, 32, 32, 3), np.float32)
    half[:, :, 16:] = 1
    network = vgg.network(32, 32)
    features = network.apply(vgg.theta, half)[0]
    contrast = np.abs(np.diff(features, axis=1)).sum(axis=(0, 2))  # between neighbouring columns
    assert contrast[5:10].max() > 5 * contrast[1:4].max()
    assert np.isfinite(features).all()


def test_only_the_layers_asked_for_are_read() -> None:
    whole = load_vgg(last="block2_conv1").theta
    tracemalloc.start()
    part = load_vgg(last="block1_conv2").theta
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert part.size == 38_720
    np.testing.assert_array_equal(part, whole[: part.size])
    assert peak < 4e6


def test_loading_takes_little_more_memory_than_the_weights() -> None:
    tracemalloc.start()
    theta = load_vgg().theta
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < theta.nbytes + 60e6


def test_preprocessing_gives_what_the_weights_were_trained_on() -> None:
    x = np.array([[[[0.2, 0.4, 1.0]]]])
    caffe, _ = CAFFE.forward(NoParameters(), x, NOTHING)
    np.testing.assert_allclose(caffe[0, 0, 0], [255 - 103.939, 102 - 116.779, 51 - 123.68])
    torch, _ = TORCHVISION.forward(NoParameters(), x, NOTHING)
    np.testing.assert_allclose(torch[0, 0, 0], [(0.2 - 0.485) / 0.229, (0.4 - 0.456) / 0.224, (1 - 0.406) / 0.225])


@pytest.mark.parametrize("bgr", [True, False])
def test_the_way_back_through_preprocessing(bgr: bool) -> None:
    layer = Preprocessing((2.0, 3.0, 5.0), (1.0, 2.0, 3.0), bgr)
    rng = np.random.default_rng(0)
    x, step, dz = rng.standard_normal((3, 2, 4, 5, 3))
    z, backward = layer.forward(NoParameters(), x, Needs(weights=False, inputs=True))
    moved, _ = layer.forward(NoParameters(), x + step, NOTHING)
    dx = backward(dz, NoParameters())
    assert dx is not None
    np.testing.assert_allclose(np.sum(dx * step), np.sum(dz * (moved - z)))  # exact: the layer is affine
    with pytest.raises(InputError, match="height x width x 3"):
        layer.build((8, 8))
