"""Names of version 0.1.0: each that its README and documents use still works, and says what it is called now."""

import importlib
import sys
import warnings

import pytest

from sfumato._renamed import MODULES, NAMES

# What README.md, docs/ and examples/ of 0.1.0 import, private names aside, and what they take from imported modules.
USED = {
    "sfumato": (
        "Adam AdamW AveragePooling BinaryCrossEntropy CategoricalCrossEntropy ConfusionMatrix Convolution Dense "
        "DivergenceError Dropout Evaluation Flatten Glorot GradientDescent He InputError LBFGS Layer LayerObjective "
        "LeakyReLU MaxPooling MeanSquaredError Model Momentum Nesterov Network NetworkObjective Normal Objective "
        "RMSProp ReLU Sigmoid Softmax Tanh Xavier Zeros check_gradient convolutional_network fit "
        "multilayer_perceptron report"
    ),
    "sfumato.arrays": "Array Engine NUMPY_DOUBLE Shape Stream choose_engine generator namespace",
    "sfumato.data": (
        "Examples Scaling blobs breast_cancer circles digits limit load_mnist load_table moons spiral split"
    ),
    "sfumato.data.dataset": "Dataset Examples Scaling limit split subset",
    "sfumato.estimators": "NetworkClassifier NetworkRegressor",
    "sfumato.feeding": "MemoryFeed",
    "sfumato.gradient_check": "relative_difference",
    "sfumato.history": "EpochRecord diagnose",
    "sfumato.initializers": "Glorot He Normal Xavier Zeros",
    "sfumato.kernels.convolution": "convolve filter_gradients input_gradient",
    "sfumato.kernels.pooling": "max_pool_gradient",
    "sfumato.kernels.products": "column_sums",
    "sfumato.kernels.threads": "parallel_kernels",
    "sfumato.kernels.winograd": "POINTS transforms",
    "sfumato.kernels.workers": "Workers join_workers",
    "sfumato.layers": "Affine Layer Want",
    "sfumato.layers.base": (
        "Activation Backward Built EVERYTHING Layer NOTHING NoParameters ParameterSpec ReceptiveField Want"
    ),
    "sfumato.layers.dense": "Affine",
    "sfumato.layers.sigmoid": "Sigmoid sigmoid",
    "sfumato.layers.softmax": "softmax",
    "sfumato.losses": "BinaryCrossEntropy CategoricalCrossEntropy Loss MeanSquaredError",
    "sfumato.network": "Network convolutional_network multilayer_perceptron",
    "sfumato.notebook": "source",
    "sfumato.onnx_export": "save_onnx",
    "sfumato.plots": (
        "BLUE CLASS_COLOURS ORANGE compare_costs confusion_matrix cost_curves decision_boundary first_weights to_png"
    ),
    "sfumato.range_test": "RangeTest learning_rate_range",
    "sfumato.report_plots": "precision_recall predicted_against_true reliability roc",
    "sfumato.reports": "Report report",
    "sfumato.schedules": "constant cosine exponential inverse_sqrt inverse_time make_schedule",
    "sfumato.style": "StyleProblem StyleTransfer",
    "sfumato.style.builtin": "BUILTIN_STYLES builtin_style",
    "sfumato.style.colour": "match_colours match_luminance",
    "sfumato.style.estimate": "estimate",
    "sfumato.style.images": "read_image write_image",
    "sfumato.style.losses": "ContentLoss GramLoss GramReferenceLoss StyleLoss WassersteinLoss add_moments moments",
    "sfumato.style.masks": "make_regions pooled_masks",
    "sfumato.style.memory": "make_plan pass_bytes",
    "sfumato.style.objective": "StyleObjective",
    "sfumato.style.progress": "StepRecord StyleResult",
    "sfumato.style.pyramid": "resize scale_sizes",
    "sfumato.style.tiles": "TiledNetwork cut_into_tiles halo_field",
    "sfumato.style.vgg": "load_vgg",
    "sfumato.style.weights": "read_weights",
    "sfumato.training": "FitResult evaluate fit",
    "sfumato.tuning": "Growth Range STAGES Trial best_of epochs_of propose pruner",
    "sfumato.tuning_plots": "importance learning_rates search",
    "sfumato.weight_import": "import_weights",
}
EACH = [(module, name) for module, names in USED.items() for name in names.split()]


@pytest.mark.parametrize(("module", "name"), EACH)
def test_a_name_that_the_documents_of_0_1_0_use_works_and_says_where_it_is_now(module: str, name: str) -> None:
    holder = importlib.import_module(module)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = getattr(holder, name)
    if name in vars(holder):
        assert not heard
        return
    (warning,) = heard
    assert warning.category is DeprecationWarning
    said = str(warning.message).split()
    assert said[:3] == [f"{module}.{name}", "is", said[2]]
    new_module, _, new_name = said[2].rpartition(".")
    assert new_module in sys.modules
    assert found is vars(importlib.import_module(new_module))[new_name]


@pytest.mark.parametrize("name", [*MODULES])
def test_a_module_of_0_1_0_can_be_imported_and_what_took_its_place_is_there(name: str) -> None:
    module = importlib.import_module(name)
    for place in MODULES[name]:
        assert importlib.import_module(place) is not module
    with pytest.raises(AttributeError, match=f"'{name}' has no attribute 'nothing_of_that_name'"):
        module.nothing_of_that_name  # noqa: B018


@pytest.mark.parametrize(("old", "new"), [*NAMES.items()])
def test_a_name_that_is_spelled_otherwise_now_is_the_same_object(old: str, new: str) -> None:
    (old_module, _, old_name), (new_module, _, new_name) = old.rpartition("."), new.rpartition(".")
    with pytest.warns(DeprecationWarning, match=f"^{old} is {new} now"):
        found = getattr(importlib.import_module(old_module), old_name)
    assert found is getattr(importlib.import_module(new_module), new_name)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_module_that_is_gone_is_an_attribute_of_its_package_too() -> None:
    import sfumato

    assert sfumato.schedules is importlib.import_module("sfumato.schedules")
    assert sfumato.style.images.read_image is importlib.import_module("sfumato.pictures.files").read_image


def test_what_never_was_there_is_still_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"sfumato\.nothing"):
        importlib.import_module("sfumato.nothing")
