"""Preparation of training: from data and settings to a network, its loss, scalings and an optimizer."""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sfumato.architectures import convolutional_network, multilayer_perceptron
from sfumato.arrays import Array
from sfumato.checks import bytes_as_text, suggestion
from sfumato.data.dataset import Dataset, Examples
from sfumato.data.scaling import Scaling, ScalingKind, TargetScaling
from sfumato.data.streaming import StreamedExamples
from sfumato.engine import Engine, allowed_memory
from sfumato.errors import InputError
from sfumato.layers.initializers import make_initializer
from sfumato.losses.base import Loss
from sfumato.losses.classification import default_loss
from sfumato.minimize import RunOptions
from sfumato.model import Model
from sfumato.network import Network
from sfumato.optimizers import Adam, Optimizer, as_optimizer
from sfumato.optimizers.schedules import Schedule, make_schedule
from sfumato.training.defaults import Defaults
from sfumato.training.fitting import (
    FitResult,
    UnscaledValuesWarning,
    check_data,
    check_options,
    decaying_optimizer,
    default_batch_size,
    default_epochs,
    fit,
)
from sfumato.training.history import EpochRecord
from sfumato.training.settings import TrainingSettings, option_value, units_of
from sfumato.training.splits import Splits
from sfumato.workers import Workers

MOST_UNITS = 10**6  # of a layer: no memory holds the weights between two such

USUAL_WIDTH = 100
"""Units of the layer that the default rates of gradient descent are for."""

Callback = Callable[[EpochRecord], object]
"""Function of the record of each epoch, in the values' original units; training ends once it returns True."""


@dataclass(frozen=True, eq=False)
class Training:
    """A prepared training: network, loss, scalings and optimizer. Made by `prepare`.

    Attributes:
        network: The network.
        loss: Its loss.
        scaling: The scaling of the inputs.
        target_scaling: The scaling of a regression's values.
        class_weights: The weight of each class, (classes,), of mean one over the examples; None for equal weights.
        optimizer: The optimizer.
        learning_rate: The first epoch's rate; None for the optimizer's own.
        schedule: The name of its schedule.
        decay: The schedule's decay; None for its own.
        l2: The penalty that is left for the objective.
        batch_size: Examples a step, or "full".
        epochs: Passes over the examples.
        early_stopping: Epochs without improvement after which it ends; None for never.
        seed: Of weights, order and dropout.
        shuffle: Whether each epoch has an order of its own.
    """

    network: Network
    loss: Loss
    scaling: Scaling
    target_scaling: TargetScaling
    class_weights: Array | None
    optimizer: Optimizer[Any]
    learning_rate: float | Schedule | None
    schedule: str | Schedule
    decay: float | None
    l2: float
    batch_size: Any
    epochs: int
    early_stopping: int | None
    seed: int
    shuffle: bool = True

    @property
    def rate(self) -> Schedule:
        """The learning rate as a function of the epoch, from 0."""
        if callable(self.schedule):
            return self.schedule
        if callable(self.learning_rate):
            return self.learning_rate
        rate = self.optimizer.learning_rate if self.learning_rate is None else self.learning_rate
        return make_schedule(self.schedule, rate, epochs=self.epochs, decay=self.decay)

    def check(self, splits: Splits) -> None:
        """Refuse what `fit` would refuse, before there is anything of the run.

        Raises:
            InputError: for options that are out of range, or that contradict each other or the data.
        """
        check_options(self.network, self.optimizer, self.l2, self.batch_size, self.epochs, self.early_stopping)
        check_data(splits.train, splits.validation, self.batch_size, self.early_stopping, self.shuffle, Workers())
        _ = self.rate  # refuses a rate or a decay that cannot be

    def examples(self, examples: Examples | StreamedExamples) -> Examples | StreamedExamples:
        """The training examples as `fit` takes them: with the weights of their classes and with scaled values."""
        weights = self.class_weights
        if weights is not None:
            examples = examples.map(lambda part: part._replace(sample_weight=weights[part.y]))
        return self.target_scaling(examples)

    def fit(
        self,
        splits: Splits,
        run: RunOptions | None = None,
    ) -> FitResult:
        """Train on the splits, as `fit` does.

        Args:
            splits: The data, divided.
            run: How the run is carried out; its callback gets records in the values' own units.

        Returns:
            The result as `fit` gives it: parameters and losses of scaled values. `in_own_units` undoes that.
        """
        run = run or RunOptions()
        callback = run.callback

        def on_epoch(record: EpochRecord) -> object:
            return callback is not None and callback(self.record_in_own_units(record))

        with warnings.catch_warnings():  # values that are not to be scaled were asked for
            warnings.simplefilter("ignore", UnscaledValuesWarning)
            return fit(
                self.network,
                self.loss,
                self.examples(splits.train),
                validation=splits.validation and self.target_scaling(splits.validation),
                scaling=self.scaling,
                optimizer=self.optimizer,
                learning_rate=self.rate,
                l2=self.l2,
                batch_size=self.batch_size,
                epochs=self.epochs,
                early_stopping=self.early_stopping,
                seed=self.seed,
                shuffle=self.shuffle,
                run=replace(run, callback=on_epoch),
            )

    def in_own_units(self, result: FitResult) -> FitResult:
        """The result with the parameters and losses of values in their original units."""
        history = tuple(map(self.record_in_own_units, result.history))
        return replace(result, theta=self.theta_in_own_units(result.theta), history=history)

    def theta_in_own_units(self, theta: Array) -> Array:
        """Parameters of the network for values in their original units: the last layer absorbs the scale."""
        scaling = self.target_scaling
        if scaling.identity:
            return theta
        theta = theta.copy()
        last = self.network.parameters(theta)[-1]
        last.W[...] *= scaling.deviation
        last.b[...] = last.b * scaling.deviation + scaling.mean
        return theta

    @property
    def target_variance(self) -> float:
        """Factor from scaled squared errors to those in the original units; 1 where several values have their own.

        The losses of several values are thus in units of each one's own variance.
        """
        deviation = self.target_scaling.deviation
        return 1.0 if isinstance(deviation, np.ndarray) else deviation**2

    def record_in_own_units(self, record: EpochRecord) -> EpochRecord:
        """The record with the squared errors of values in their original units."""
        variance = self.target_variance
        return replace(
            record, train_loss=record.train_loss * variance, validation_loss=record.validation_loss * variance
        )

    def model(self, result: FitResult, dataset: Dataset) -> Model:
        """Make the trained model, with the data's names, from a result in the original units."""
        return Model(
            network=self.network,
            theta=result.theta,
            loss=self.loss,
            scaling=self.scaling,
            classes=dataset.classes,
            features=dataset.features,
            target=dataset.target,
            categories=dataset.categories,
            columns=dataset.columns,
            missing=dataset.missing,
        )


def prepare(splits: Splits, settings: TrainingSettings, seed: int = 0) -> Training:
    """Prepare a training on data: scalings, weights of classes, network, loss and optimizer.

    Raises:
        InputError: if the settings do not fit the data or each other.
    """
    dataset, count = splits.dataset, splits.train.size
    defaults = settings.defaults_for(dataset.feature_shape)
    name = f"{dataset.name}: values of {dataset.target}"
    target_scaling = TargetScaling() if dataset.classes else TargetScaling.fit(splits.train, settings.scaling, name)
    scaling = _fit_scaling(splits, settings.scaling)
    network, loss = make_network(dataset, settings)
    _check_memory(network)
    optimizer, l2 = _make_optimizer(settings, _default_l2(defaults, dataset), network, count)
    _check_rate(settings)
    batch_size = settings.batch_size
    if batch_size in (None, "auto"):
        batch_size = default_batch_size(optimizer, count, defaults.batch_size, defaults.least_batch)
    training = Training(
        network=network,
        loss=loss,
        scaling=scaling,
        target_scaling=target_scaling,
        class_weights=_class_weights(settings.class_weight, splits),
        optimizer=optimizer,
        learning_rate=_learning_rate(settings, defaults, optimizer, dataset, network),
        schedule=settings.schedule or defaults.schedule,
        decay=settings.decay,
        l2=l2,
        batch_size=batch_size,
        epochs=_epochs(settings, defaults, count),
        early_stopping=settings.early_stopping,
        seed=seed,
    )
    training.check(splits)
    return training


def _epochs(settings: TrainingSettings, defaults: Defaults, examples: int) -> int:
    if settings.epochs is not None:
        return settings.epochs
    return default_epochs(examples, defaults.epochs, defaults.most_epochs, defaults.seen)


def _fit_scaling(splits: Splits, kind: ScalingKind) -> Scaling:
    """Fit the scaling of a kind to the training examples."""
    train = splits.train
    if isinstance(train, Examples):
        return Scaling.fit(train.x, kind, train.sample_weight, splits.dataset.indicators)
    return train.scaling(kind)


def _class_weights(choice: Any, splits: Splits) -> Array | None:
    """Weight of each class, of mean one over the training examples."""
    train, classes = splits.train, splits.dataset.classes
    if choice is None:
        return None
    if not classes:
        raise InputError("class_weight=... is for classes, and this is a regression; leave it out")
    if splits.dataset.several:
        raise InputError("class_weight=... is for one class an example, and here are several labels; leave it out")
    counts = np.bincount(train.y, minlength=len(classes)) if isinstance(train, Examples) else train.class_counts
    if choice == "balanced":
        weights = train.size / np.maximum(1, counts)
    elif isinstance(choice, Mapping):
        weights = np.ones(len(classes))
        for name, weight in choice.items():
            number = _class_number(str(name), classes)
            weights[number] = _checked_weight(name, weight)
    else:
        raise InputError(f"class_weight=... takes 'balanced' or a weight for each name, not {choice!r}")
    if not counts @ weights > 0:
        raise InputError("class_weight=...: the weights are all zero: nothing would be learned")
    weights *= train.size / (counts @ weights)
    return weights


def _class_number(name: str, classes: tuple[str, ...]) -> int:
    if name not in classes:
        said = suggestion(name, classes)
        raise InputError(f"class_weight=...: no class is called {name!r}; {said}there are {', '.join(classes)}")
    return classes.index(name)


def _checked_weight(name: Any, weight: Any) -> float:
    if isinstance(weight, bool) or not isinstance(weight, int | float | np.number) or not 0 <= weight < np.inf:
        said = option_value("class_weight", {name: weight})
        raise InputError(f"class_weight=... takes NAME=WEIGHT with a weight of 0 or more; not {said!r}")
    return float(weight)


def make_network(dataset: Dataset, settings: TrainingSettings) -> tuple[Network, Loss]:
    """Make the network that the settings describe, for these data, and the loss of their task.

    Raises:
        InputError: if the settings do not fit the data or each other.
    """
    loss, outputs = default_loss(len(dataset.classes), dataset.several)
    shape, defaults = dataset.feature_shape, settings.defaults_for(dataset.feature_shape)
    hidden = checked_units(defaults.hidden if settings.hidden is None else settings.hidden)
    dropout = defaults.dropout if settings.dropout is None else settings.dropout
    init = make_initializer(settings.init, settings.init_scale) if isinstance(settings.init, str) else settings.init
    convnet = settings.architecture == "convnet"
    if convnet and len(shape) != 3:
        raise InputError(f"{dataset.name}: a convnet is for images, not for tables: leave architecture=... out")
    if not convnet and not hidden and (settings.dropout or settings.given("activation")):
        raise InputError("activation=... and dropout=... are for hidden layers, and here are none: leave them out")
    make: Callable[..., Network] = convolutional_network if convnet else multilayer_perceptron
    if convnet:
        network = make(shape, outputs, hidden=hidden, activation=settings.activation, init=init, dropout=dropout)
    else:
        network = make(shape, hidden, outputs, activation=settings.activation, init=init, dropout=dropout)
    return network, loss


def _check_memory(network: Network) -> None:
    """Refuse a network whose parameters, with a gradient of as many numbers in float32, this machine cannot hold."""
    needed, allowed = 2 * np.float32().nbytes * network.size, allowed_memory(None)
    if needed > allowed:
        raise InputError(
            f"hidden=...: this network has {network.size:,} parameters, which take {bytes_as_text(needed)} of memory "
            f"with their gradient, and {bytes_as_text(allowed)} are allowed; choose fewer units"
        )


def checked_units(hidden: Any) -> tuple[int, ...]:
    """Units of the hidden layers, from a number or several.

    Raises:
        InputError: if they are none.
    """
    try:
        units = units_of(hidden)
    except TypeError:
        units = (0,)
    if not all(isinstance(number, int | np.integer) and 1 <= number <= MOST_UNITS for number in units):
        raise InputError(f"hidden=... takes whole numbers of units, 1 to {MOST_UNITS}, for each layer; not {hidden!r}")
    return units


def _make_optimizer(
    settings: TrainingSettings, default: float, network: Network, examples: int
) -> tuple[Optimizer[Any], float]:
    """Make the optimizer, and choose the L2 penalty for the objective: AdamW decays weights itself instead."""
    if not isinstance(settings.optimizer, str):
        for name in ("beta", "beta1", "beta2", "epsilon", "epsilon_inside_root", "momentum_form"):
            if settings.given(name):
                raise InputError(
                    f"{name}=... is for an optimizer that is named: give it to {settings.optimizer!r} itself"
                )
        given = as_optimizer(settings.optimizer)
        return given, _l2(settings, default, decays=hasattr(given, "weight_decay"))
    own: dict[str, Any] = {
        "beta": settings.beta,
        "beta1": settings.beta1,
        "beta2": settings.beta2,
        "epsilon": settings.epsilon,
        "epsilon_inside_root": settings.epsilon_inside_root or None,
        "form": settings.momentum_form,
    }
    l2 = settings.l2 if settings.optimizer == "adamw" else _l2(settings, default, decays=False)
    return decaying_optimizer(settings.optimizer, l2, network, examples, **own)


def _default_l2(defaults: Defaults, dataset: Dataset) -> float:
    """The penalty of an architecture for the data's task; each of several labels is a task of two classes."""
    if not dataset.classes:
        return defaults.l2_of_values
    return defaults.l2_of_many if len(dataset.classes) > 2 and not dataset.several else defaults.l2


def _l2(settings: TrainingSettings, default: float, *, decays: bool) -> float:
    """The penalty; by default none where the optimizer makes the weights decay itself."""
    if settings.l2 is not None:
        return settings.l2
    return 0.0 if decays else default


def _learning_rate(
    settings: TrainingSettings, defaults: Defaults, optimizer: Optimizer[Any], dataset: Dataset, network: Network
) -> float | Schedule | None:
    """The first epoch's rate: Adam's is the architecture's; of gradient descent, a tenth of the usual one for values.

    The curvature of the squared error of 100 units is about ten times that of the cross-entropy: 2 sum h^2, and not
    p (1 - p) sum h^2, which is a quarter of the sum at most. It grows with the number of units, or of inputs that say
    the same, so that the rate falls by 100 / width beyond 100.
    """
    given = settings.learning_rate is not None or callable(settings.schedule)
    if not given and settings.schedule in (None, defaults.schedule) and isinstance(optimizer, Adam):
        return defaults.adam_rate
    if given or dataset.classes or not optimizer.proportional:
        return settings.learning_rate
    widest = max(math.prod(shape) for shape in (network.input_shape, *network.shapes.values()))
    return optimizer.learning_rate / 10 * min(1.0, USUAL_WIDTH / widest)


def _check_rate(settings: TrainingSettings) -> None:
    """Refuse a function of the epoch beside another answer to the same question."""
    given = [name for name in ("learning_rate", "schedule", "decay") if settings.given(name)]
    if len(given) > 1 and any(callable(getattr(settings, name)) for name in given):
        raise InputError(
            f"{' and '.join(f'{name}=...' for name in given)} contradict each other: a function gives the rate"
        )


def engine_options(engine: Engine | str | None) -> dict[str, str | None]:
    """Options of the command line for this engine."""
    if isinstance(engine, Engine):
        return engine._asdict()
    place, _, precision = (engine or "").partition("/")
    backend, _, device = place.partition(":")
    return {"backend": backend or None, "device": device or None, "precision": precision or None}
