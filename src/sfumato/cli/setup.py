"""From options to data, networks and models: what several commands begin with."""

import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sfumato import data, minimize
from sfumato.architectures import convolutional_network, multilayer_perceptron
from sfumato.checks import suggestion
from sfumato.cli.options import (
    ARCHITECTURES,
    ClassWeightOptions,
    ComputeOptions,
    DataOptions,
    NetworkOptions,
    ObjectiveOptions,
    OptimizerOptions,
    RunOptions,
    SplitOptions,
)
from sfumato.data import Dataset, Examples, Known, Scaling, ScalingKind, StreamedExamples
from sfumato.data.target_scaling import TargetScaling
from sfumato.engine import choose_engine
from sfumato.errors import FileError, InputError
from sfumato.layers.initializers import make_initializer
from sfumato.losses.base import Loss
from sfumato.losses.classification import default_loss
from sfumato.model import Model
from sfumato.network import Network
from sfumato.optimizers import Optimizer
from sfumato.optimizers.schedules import make_schedule
from sfumato.training.fitting import FitResult, decaying_optimizer, default_batch_size, default_epochs, fit

VALIDATION, TEST = "0.1", "0.2"  # held out where nothing else is said
MOST_UNITS = 10**6  # of a layer: no memory holds the weights between two such


@dataclass(frozen=True)
class Parts:
    """A data set divided for training."""

    dataset: Dataset
    train: Examples | StreamedExamples
    validation: Examples | StreamedExamples | None
    test: Examples | StreamedExamples | None

    @property
    def sample(self) -> Examples:
        """Training examples to draw: all of them, or those of a stream's first block."""
        return self.train if isinstance(self.train, Examples) else self.dataset.examples


def read_data(name: str, options: DataOptions) -> Dataset:
    """The data that were asked for, by name or from a file."""
    return data.load(name, target=options.target, task=options.task)


def divide(dataset: Dataset, options: DataOptions, splits: SplitOptions, seed: int) -> Parts:
    """Cut a data set into training, validation and test examples, as the options say."""
    examples = dataset.examples if options.limit is None else data.limit(dataset.examples, options.limit, seed)
    held_out = dataset.test
    if splits.test is not None or held_out is None:
        examples, held_out = _hold_out("test", splits.test or TEST, dataset, examples, options.target, seed)
    train, watched = _hold_out("validation", splits.validation or VALIDATION, dataset, examples, options.target, seed)
    if dataset.classes and len(np.unique(train.y)) < 2:
        raise InputError(f"{dataset.name}: the training examples are all of one class; use more of them")
    return Parts(dataset, train, watched, held_out)


def divide_stream(
    name: str, options: DataOptions, splits: SplitOptions, seed: int, on_block: Callable[[float], None]
) -> Parts:
    """Look through a table that stays in its file, and cut it into training, validation and test examples."""
    if options.limit is not None:
        raise InputError("--limit takes rows of a table in memory: leave out --stream, or --limit")
    if name in data.NAMES or Path(name).is_dir():
        raise InputError(f"{name}: --stream is for a CSV or Parquet file; leave it out, or name one")
    choices = {"validation": splits.validation or VALIDATION, "test": splits.test or TEST}
    fractions = {option: _fraction(option, choice) for option, choice in choices.items()}
    table = data.stream_table(
        name,
        target=options.target,
        task=options.task,
        validation=fractions["validation"] or 0.0,
        test=fractions["test"] or 0.0,
        seed=seed,
        on_block=on_block,
    )
    watched, held_out = (
        part if fractions[option] is not None else _from_file(option, choices[option], table.dataset, options.target)
        for option, part in (("validation", table.validation), ("test", table.test))
    )
    return Parts(table.dataset, table.train, watched, held_out)


def _hold_out(
    option: str, choice: str, dataset: Dataset, examples: Examples, target: str | None, seed: int
) -> tuple[Examples, Examples | None]:
    fraction = _fraction(option, choice)
    if fraction is None:
        return examples, _from_file(option, choice, dataset, target)
    try:
        return data.split(examples, fraction, seed, stratify=bool(dataset.classes))
    except InputError as error:
        raise InputError(f"{dataset.name}, --{option}: {error}") from error


def _fraction(option: str, choice: str) -> float | None:
    """The part to hold out; None if the choice is no number, but a file."""
    try:
        fraction = float(choice)
    except ValueError:
        return None
    if not 0 <= fraction < 1:
        raise InputError(f"--{option} takes a fraction of at least 0 and below 1, or a file, not {choice}")
    return fraction


def _from_file(option: str, choice: str, dataset: Dataset, target: str | None) -> Examples:
    known = Known(dataset.features, dataset.categories)
    task = dataset.task if dataset.features else "auto"
    other = data.load(choice, target=target, task=task, few=True, known=known)
    if option == "test" and other.test is not None:  # as for evaluate
        other = replace(other, examples=other.test)
    return renumbered(other, choice, dataset.classes, dataset.feature_shape)


def renumbered(other: Dataset, name: str, classes: tuple[str, ...], shape: tuple[int, ...]) -> Examples:
    """The examples of `other` with the class numbers of those who know `classes`, and expect this shape.

    Raises:
        InputError: if the shape is another, or a class is unknown.
    """
    x, y, weight = other.examples
    if x.shape[1:] != shape:
        raise InputError(f"{name}: its examples have shape {x.shape[1:]}; {shape} is expected")
    if not classes:
        return Examples(x, y, weight)
    unknown = sorted(set(other.classes) - set(classes))
    if unknown:
        raise InputError(f"{name}: holds classes that are not known here: {', '.join(unknown[:5])}")
    numbers = np.array([classes.index(label) for label in other.classes])
    return Examples(x, numbers[y], weight)


def _table_header(name: str) -> tuple[str, ...] | None:
    """Names in the header of a table, empty if it has none; None for data that are no table."""
    return data.column_names(name) if name not in data.NAMES and Path(name).is_file() else None


def parse_hidden(text: str) -> tuple[int, ...]:
    """Units of the hidden layers from "15,9"; "none" for no hidden layer."""
    if text.strip().lower() in ("none", ""):
        return ()
    try:
        units = tuple(int(part) for part in text.split(","))
    except ValueError:
        units = (0,)
    if min(units) < 1 or max(units) > MOST_UNITS:
        raise InputError(
            f"--hidden takes whole numbers of units, 1 to {MOST_UNITS}, such as 15,9, or none; not {text!r}"
        )
    return units


def fit_scaling(parts: Parts, kind: ScalingKind) -> Scaling:
    """The scaling of a kind, fitted to the training examples."""
    if isinstance(parts.train, Examples):
        return Scaling.fit(parts.train.x, kind, indicators=parts.dataset.indicators)
    return parts.train.scaling(kind)


def scale_target(parts: Parts, kind: ScalingKind) -> TargetScaling:
    """What standardises the values of a regression; classes stay as they are."""
    name = f"{parts.dataset.name}: values of {parts.dataset.target}"
    return TargetScaling() if parts.dataset.classes else TargetScaling.fit(parts.train, kind, name)


def weigh_classes(text: str | None, parts: Parts) -> Examples | StreamedExamples:
    """The training examples with what their classes count: "balanced", or "NAME=WEIGHT,...", the others 1."""
    train, classes = parts.train, parts.dataset.classes
    if text is None:
        return train
    if not classes:
        raise InputError("--class-weight is for classes, and this is a regression; leave it out")
    counts = np.bincount(train.y, minlength=len(classes)) if isinstance(train, Examples) else train.class_counts
    if text == "balanced":
        weights = train.size / np.maximum(1, counts)
    else:
        weights = np.ones(len(classes))
        for part in text.split(","):
            name, _, weight = part.rpartition("=")
            if name not in classes:
                said = suggestion(name, classes)
                raise InputError(f"--class-weight: no class is called {name!r}; {said}there are {', '.join(classes)}")
            weights[classes.index(name)] = _weight(part, weight)
    if not counts @ weights > 0:
        raise InputError("--class-weight: the weights are all zero: nothing would be learned")
    weights *= train.size / (counts @ weights)  # of mean one over the examples
    return train.map(lambda part: part._replace(sample_weight=weights[part.y]))


def _weight(part: str, number: str) -> float:
    try:
        weight = float(number)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < np.inf:
        raise InputError(f"--class-weight takes NAME=WEIGHT with a weight of 0 or more; not {part!r}")
    return weight


def parse_batch_size(text: str | None, optimizer: Optimizer[Any], examples: int, most: int) -> Any:
    """A number of examples or "full"; where none is given, what suits the number of examples, `most` at most."""
    if text is None:
        return default_batch_size(optimizer, examples, most)
    if text == "full":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"--batch-size takes a whole number of at least 1, or full; not {text!r}")
    return int(text)


def make_network(dataset: Dataset, options: NetworkOptions) -> tuple[Network, Loss]:
    """The network that the options describe, for these data, and the loss that belongs to their task."""
    loss, outputs = default_loss(len(dataset.classes))
    shape, defaults = dataset.feature_shape, ARCHITECTURES[options.architecture]
    hidden = parse_hidden(defaults.hidden if options.hidden is None else options.hidden)
    dropout = defaults.dropout if options.dropout is None else options.dropout
    init = make_initializer(options.init, options.init_scale)
    if options.architecture == "convnet":
        if len(shape) != 3:
            raise InputError(f"{dataset.name}: a convnet is for images, not for tables: leave --architecture out")
        network = convolutional_network(
            shape, outputs, hidden=hidden, activation=options.activation, init=init, dropout=dropout
        )
        return network, loss
    if not hidden and (dropout or options.activation != NetworkOptions.activation):
        raise InputError("--activation and --dropout are for hidden layers, and here are none: leave them out")
    network = multilayer_perceptron(shape, hidden, outputs, activation=options.activation, init=init, dropout=dropout)
    return network, loss


def training_optimizer(
    options: OptimizerOptions, l2: float | None, network: Network, examples: int
) -> tuple[Optimizer[Any], float]:
    """The optimizer, and the L2 penalty that is left for the objective: AdamW decays weights itself instead."""
    settings: dict[str, Any] = {
        "beta": options.beta,
        "beta1": options.beta1,
        "beta2": options.beta2,
        "epsilon": options.epsilon,
        "epsilon_inside_root": options.epsilon_inside_root or None,
        "form": options.momentum_form,
    }
    return decaying_optimizer(options.optimizer, l2, network, examples, **settings)


@dataclass(frozen=True)
class TrainingOptions:
    """All options that say what is trained and how, but for the data's."""

    network: NetworkOptions
    objective: ObjectiveOptions
    weights: ClassWeightOptions
    optimizer: OptimizerOptions
    run: RunOptions
    compute: ComputeOptions


@dataclass(frozen=True)
class Training:
    """A training that is ready to begin.

    Attributes:
        network, loss: What is trained, and on what.
        scaling, target: What is done to inputs and values.
        epochs: How many it will have.
        settings: All that `fit` is to know besides.
    """

    network: Network
    loss: Loss
    scaling: Scaling
    target: TargetScaling
    epochs: int
    settings: dict[str, Any]

    def fit(self, run: minimize.RunOptions) -> FitResult:
        """Train, on the engine that the options name."""
        settings = dict(self.settings)
        engine = choose_engine(*(settings.pop(name) for name in ("backend", "device", "precision")))
        rate, name, decay = (settings.pop(name) for name in ("learning_rate", "schedule", "decay"))
        rate = settings["optimizer"].learning_rate if rate is None else rate
        settings["learning_rate"] = make_schedule(name, rate, epochs=self.epochs, decay=decay)
        with warnings.catch_warnings():  # values that are not to be scaled were asked for
            warnings.filterwarnings("ignore", "the values to predict", UserWarning)
            return fit(
                self.network,
                self.loss,
                **settings,
                epochs=self.epochs,
                scaling=self.scaling,
                run=replace(run, engine=engine),
            )


def prepare(parts: Parts, options: TrainingOptions, scaling: ScalingKind, seed: int) -> Training:
    """The training that the options describe, on these data."""
    fitted, target = fit_scaling(parts, scaling), scale_target(parts, scaling)
    network, loss = make_network(parts.dataset, options.network)
    optimizer, l2 = training_optimizer(options.optimizer, options.objective.l2, network, parts.train.size)
    defaults = ARCHITECTURES[options.network.architecture]
    epochs = options.run.epochs
    settings = {
        "train": target(weigh_classes(options.weights.class_weight, parts)),
        "validation": parts.validation and target(parts.validation),
        "optimizer": optimizer,
        "learning_rate": options.optimizer.learning_rate,
        "schedule": options.optimizer.schedule or defaults.schedule,
        "decay": options.optimizer.decay,
        "l2": l2,
        "batch_size": parse_batch_size(options.run.batch_size, optimizer, parts.train.size, defaults.batch_size),
        "early_stopping": options.run.early_stopping,
        "seed": seed,
        **asdict(options.compute),
    }
    epochs = default_epochs(parts.train.size, defaults.epochs) if epochs is None else epochs
    return Training(network, loss, fitted, target, epochs, settings)


def load_model(path: str) -> Model:
    """A model from its file, or from the folder of the run that made it."""
    if Path(path).is_dir():
        inside = Path(path) / "model.safetensors"
        if not inside.is_file():
            raise FileError(f"{path}: no model.safetensors in this folder; name a model, or a finished run's folder")
        return Model.load(inside)
    return Model.load(path)


def examples_for(model: Model, name: str, target: str | None) -> tuple[Examples, str]:
    """What to measure a model on, and what that is called: the test set that the data bring, or all rows."""
    header = _table_header(name)
    if target is None and model.target in (header or ()):
        target = model.target
    task: data.TaskChoice = "auto" if header is None else "classification" if model.classes else "regression"
    dataset = data.load(name, target=target, task=task, few=True, known=Known(model.features, model.categories))
    which = f"the test data of {dataset.name}" if dataset.test else dataset.name
    if dataset.test:
        dataset = replace(dataset, examples=dataset.test)
    return renumbered(dataset, name, model.classes, model.network.input_shape), which
