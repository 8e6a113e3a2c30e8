"""From a state to what is trained: examples, network, loss, optimizer, and the job that takes the steps.

The job is the one that `fit` runs; so a playground trains as `sfumato.fit` does, step for step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfumato.arrays import Array
from sfumato.data.dataset import Dataset, Examples
from sfumato.data.scaling import Scaling, TargetScaling
from sfumato.data.splitting import split
from sfumato.engine import Engine
from sfumato.layers import Dense, Dropout, as_activation
from sfumato.layers.base import Layer
from sfumato.layers.initializers import make_initializer
from sfumato.losses.classification import default_loss
from sfumato.network import Network
from sfumato.objective import NetworkObjective
from sfumato.optimizers import Optimizer, make_optimizer
from sfumato.studio.learn.fields import FieldError, naming
from sfumato.studio.learn.points import feature_names, features, points, view_range
from sfumato.studio.learn.state import own_settings
from sfumato.training.batches import MemoryBatches
from sfumato.training.job import TrainingJob
from sfumato.training.preparation import Training
from sfumato.workers import ALONE

ENDLESS = 2**53
"""Epochs of a training without an end."""


@dataclass(frozen=True, eq=False)
class Setup:
    """Everything that a state describes.

    Attributes:
        state: The state.
        dataset: All examples, with the names of features, target and classes.
        train_points: Places of the training examples in the plane, (n, 2).
        test_points: Those of the test examples, (0, 2) where none are held out.
        train: Training examples, by their features.
        test: Test examples; None where none are held out.
        training: Network, loss, scalings and optimizer.
        engine: The precision.
        range: Least and greatest of each coordinate that is shown.
    """

    state: Mapping[str, Any]
    dataset: Dataset
    train_points: Array
    test_points: Array
    train: Examples
    test: Examples | None
    training: Training
    engine: Engine
    range: tuple[tuple[float, float], tuple[float, float]]

    @property
    def network(self) -> Network:
        """The network."""
        return self.training.network

    @property
    def activations(self) -> tuple[str, ...]:
        """Names of the hidden layers' activations, in order."""
        layers = zip(self.network.names, self.network.layers, strict=True)
        return tuple(name for name, layer in layers if not isinstance(layer, Dense | Dropout))

    def job(self) -> TrainingJob:
        """The job that takes the steps."""
        training = self.training
        return TrainingJob(
            network=training.network,
            loss=training.loss,
            batches=self.batches(self.train),
            validation=None,
            optimizer=training.optimizer,
            schedule=training.rate,
            l2=training.l2,
            epochs=training.epochs,
            patience=None,
            workers=ALONE,
        )

    def batches(self, examples: Examples, engine: Engine | None = None) -> MemoryBatches:
        """Examples as the network gets them: scaled, in mini-batches."""
        training = self.training
        size = None if training.batch_size == "full" else training.batch_size
        scaled = training.examples(examples)
        assert isinstance(scaled, Examples)
        return MemoryBatches(scaled, training.scaling, size, training.seed, engine or self.engine)

    def objective(self, batches: MemoryBatches, rows: Any = slice(None)) -> NetworkObjective:
        """Objective of training over some rows of its examples, without dropout."""
        x, y, _ = batches.batch(rows)
        training = self.training
        return NetworkObjective(training.network, training.loss, x, y, l2=training.l2, data_size=self.train.size)

    def scaled_cells(self, cells: Array) -> Array:
        """Features of places in the plane, as the network gets them."""
        return self.training.scaling(features(cells, self.state["features"]), self.engine.numpy_dtype)


def set_up(state: Mapping[str, Any]) -> Setup:
    """Make what a state of `parse_state` describes.

    Raises:
        FieldError: if its examples cannot be divided as it says, or a batch is larger than what is left to train on.
    """
    data = state["data"]
    made = points(data)
    classes = _classes(data, made)
    columns = tuple(data.get("columns", ("x1", "x2")))
    with naming("test"):
        train, test = split(made, state["test"], state["run"]["seed"], stratify=bool(classes))
    every, inner, outer = (_featured(part, state["features"]) for part in (made, train, test or made))
    dataset = Dataset(
        name="playground",
        examples=every,
        test=None,
        task="classification" if classes else "regression",
        classes=classes,
        features=feature_names(state["features"], columns),
        target=data.get("target", "y"),
    )
    batch = state["run"]["batch"]
    if batch != "full" and batch > train.size:
        raise FieldError(f"there are {train.size} training examples, and no batches of {batch}", "run.batch")
    return Setup(
        state=state,
        dataset=dataset,
        train_points=train.x,
        test_points=made.x[:0] if test is None else test.x,
        train=inner,
        test=None if test is None else outer,
        training=_training(state, dataset, inner),
        engine=Engine(precision=state["run"]["precision"]),
        range=view_range(data, made.x),
    )


def _classes(data: Mapping[str, Any], made: Examples) -> tuple[str, ...]:
    """Names of the classes; empty for a regression."""
    if made.y.dtype.kind == "f":
        return ()
    count = max(2, data.get("classes") or 1 + int(made.y.max()))
    return tuple(data.get("labels") or map(str, range(count)))


def _featured(examples: Examples, names: list[str]) -> Examples:
    return examples._replace(x=features(examples.x, names))


def _training(state: Mapping[str, Any], dataset: Dataset, train: Examples) -> Training:
    loss, outputs = default_loss(len(dataset.classes))
    network = _network(state["network"], len(dataset.features), outputs)
    scaling = state["data"]["scaling"]
    values = TargetScaling() if dataset.classes else TargetScaling.fit(train, scaling)
    optimizer, run = state["optimizer"], state["run"]
    return Training(
        network=network,
        loss=loss,
        scaling=Scaling.fit(train.x, scaling),
        target_scaling=values,
        class_weights=None,
        optimizer=_optimizer(optimizer, network),
        learning_rate=optimizer["learning_rate"],
        schedule=optimizer["schedule"],
        decay=optimizer["decay"],
        l2=state["objective"]["l2"],
        batch_size=run["batch"],
        epochs=run["epochs"] or ENDLESS,
        early_stopping=None,
        seed=run["seed"],
    )


def _network(settings: Mapping[str, Any], inputs: int, outputs: int) -> Network:
    """Dense layers, each hidden one followed by its activation and, if asked, dropout."""
    init = make_initializer(settings["init"], settings["init_scale"])
    layers: list[Layer[Any]] = []
    for units, activation in zip(settings["hidden"], activations(settings), strict=True):
        layers += [Dense(units, init), as_activation(activation)]
        layers += [Dropout(settings["dropout"])] if settings["dropout"] else []
    return Network([*layers, Dense(outputs, init)], inputs)


def activations(settings: Mapping[str, Any]) -> list[str]:
    """Name of each hidden layer's activation."""
    named = settings["activation"]
    return named if isinstance(named, list) else [named] * len(settings["hidden"])


def _optimizer(settings: Mapping[str, Any], network: Network) -> Optimizer[Any]:
    name = settings["name"]
    own = {key: settings[key] for key in own_settings(name)}
    decays = {"decays": network.decaying()} if name == "adamw" else {}
    return make_optimizer(name, **own, **decays)
