"""Networks as scikit-learn estimators: `NetworkClassifier` and `NetworkRegressor`.

    from sfumato.estimators import NetworkClassifier

    classifier = NetworkClassifier(hidden=(32,), dropout=0.2, early_stopping=20, random_state=0)
    print(cross_val_score(classifier, X, y).mean())

A DataFrame with columns of text or dates, or with gaps beside such, is encoded as `sfumato train` encodes a file.
They are what `sfumato train` trains, behind scikit-learn's interface: `__init__` stores its arguments and nothing else,
what is learned has a name that ends in an underscore, and `sklearn.utils.estimator_checks.check_estimator` passes.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from sfumato.arrays import Array
from sfumato.checks import one_of
from sfumato.data.choosing import Known
from sfumato.data.dataset import Dataset, Examples, Task
from sfumato.data.handed_in import holds_text, is_frame
from sfumato.data.scaling import ScalingKind
from sfumato.data.splitting import split, subset
from sfumato.data.tables import features_of, learn_features
from sfumato.engine import Engine, as_engine
from sfumato.errors import InputError
from sfumato.layers.initializers import Initializer
from sfumato.minimize import RunOptions
from sfumato.model import Model
from sfumato.optimizers import OPTIMIZERS, Optimizer
from sfumato.optimizers.schedules import make_schedule
from sfumato.training.fitting import FitResult, is_long
from sfumato.training.history import EpochRecord
from sfumato.training.preparation import Callback, Training, prepare
from sfumato.training.settings import TrainingSettings
from sfumato.training.splits import Splits

VALIDATION_FRACTION = 0.1
"""Share of the examples held out for early stopping by default, as in scikit-learn's own networks."""

NO_TABLE = Known((), {})
"""Columns of features that are numbers alone."""

AUTO_BATCH = 200
"""Examples of a mini-batch at most where its size is "auto", as for scikit-learn's own networks."""


@dataclass(repr=False, eq=False)
class NetworkEstimator(BaseEstimator):
    """Base class of both estimators: their parameters, and training.

    Args:
        hidden: Units of each hidden layer; none of them makes it a linear model.
        activation: What follows each hidden layer: "relu", "leaky-relu", "tanh" or "sigmoid".
        init: What first weights are drawn from: "he", "xavier", "glorot", "normal", "zeros", or an initialiser.
        dropout: Probability of dropping a hidden unit in training.
        l2: Lambda of the penalty lambda / (2 N) sum W^2, scikit-learn's `alpha`; with "adamw" weights decay by
            lambda / N instead. None is no penalty, and AdamW's own decay.
        optimizer: "gd", "momentum", "nesterov", "rmsprop", "adam", "adamw" or "lbfgs", or an optimizer.
        learning_rate: Of the first epoch; by default the optimizer's own.
        schedule: "constant", "exponential", "inverse-time", "inverse-sqrt" or "cosine".
        decay: The schedule's decay; its own default if None.
        batch_size: Examples a step; "full" for all; "auto" for 200, or all where there are fewer, and all for L-BFGS.
        epochs: Passes over the data, at most.
        early_stopping: End when the loss on held-out examples has not improved for so many epochs, and keep the best.
        validation_fraction: Part of the examples that is held out; by default a tenth with early stopping, else none.
        scaling: What is done to the features first, and undone to predictions of values: "standard" (mean 0, variance
            1), "unit" (0 to 1) or "none". It is part of the estimator, so that it takes raw rows.
        random_state: Of weights, order, dropout, and of what is held out.
        callbacks: Each is called with each epoch's `EpochRecord`; if one returns True, training ends.
        engine: Where to compute and in what precision: "numpy", "torch:cuda", "torch/bfloat16" ..., see
            `sfumato.engine.as_engine`; by default as `sfumato.fit` chooses, on a GPU where PyTorch sees one, in the
            precision of the features, as everywhere in scikit-learn. Predictions are NumPy's; `model_.on(...)` computes
            on another engine.
    """

    hidden: Sequence[int] = (100,)
    _: KW_ONLY
    activation: str = "relu"
    init: str | Initializer = "he"
    dropout: float = 0.0
    l2: float | None = None
    optimizer: str | Optimizer[Any] = "adam"
    learning_rate: float | None = None
    schedule: str = "constant"
    decay: float | None = None
    batch_size: int | Literal["auto", "full"] = "auto"
    epochs: int = 200
    early_stopping: int | None = None
    validation_fraction: float | None = None
    scaling: ScalingKind = "standard"
    random_state: int | np.random.RandomState | None = None
    callbacks: Sequence[Callback] = ()
    engine: Engine | str | None = None

    @property
    def model_(self) -> Model:
        """The trained model, to save (`model_.save("model.safetensors")`), evaluate or export."""
        check_is_fitted(self)
        training = self._training
        return Model(
            network=training.network,
            theta=training.theta_in_own_units(self._result.theta),
            loss=training.loss,
            scaling=training.scaling,
            classes=self._class_names(),
            features=self._feature_names(),
            categories=self._table.categories,
            columns=self._table.columns,
        )

    @abstractmethod
    def _class_names(self) -> tuple[str, ...]:
        """Names of the classes; none for regression."""

    def _feature_names(self) -> tuple[str, ...]:
        return self._table.features or tuple(getattr(self, "feature_names_in_", ()))

    def _fit(self, examples: Examples) -> Self:
        """Train from new weights."""
        examples = _without_weightless(examples)
        fraction = self.validation_fraction
        if fraction is None:
            fraction = 0.0 if self.early_stopping is None else VALIDATION_FRACTION
        seed = self._draw_seed()
        train, held_out = split(examples, fraction, seed, stratify=bool(self._class_names()))
        self._begin(train, seed)
        patience = None if held_out is None else self.early_stopping
        self._train(replace(self._training, early_stopping=patience), train, held_out)
        return self

    def _partial_fit(self, examples: Examples) -> Self:
        """Train for one more epoch, on these examples."""
        examples = _without_weightless(examples)
        if not hasattr(self, "_training"):
            self._begin(examples, self._draw_seed())
        training, done, start = self._training, self.n_iter_, self._result if self.n_iter_ else None
        rate = training.optimizer.learning_rate if self.learning_rate is None else self.learning_rate
        epoch = replace(
            training,
            learning_rate=make_schedule(self.schedule, rate, epochs=self.epochs, decay=self.decay)(done),
            schedule="constant",
            decay=None,
            batch_size=self._batch_size(len(examples.y)),
            epochs=1,
            seed=training.seed + done,  # another order of the examples than the last time
        )
        self._train(epoch, examples, None, start)
        return self

    def _draw_seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _begin(self, train: Examples, seed: int) -> None:
        """Build the network and fit the scalings on the first examples, and start the history."""
        hidden = tuple(self.hidden)
        settings = TrainingSettings(
            scaling=self.scaling,
            hidden=hidden,
            activation=self.activation if hidden else "relu",
            init=self.init,
            dropout=self.dropout if hidden else 0.0,
            l2=self.l2,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            decay=self.decay,
            batch_size=self._batch_size(len(train.y)),
            epochs=self.epochs,
        )
        self._training = prepare(Splits(self._dataset(train), train), settings, seed)
        self.loss_curve_: list[float] = []
        self.validation_curve_: list[float] = []
        self.n_iter_ = 0

    def _dataset(self, train: Examples) -> Dataset:
        classes = self._class_names()
        task: Task = "classification" if classes else "regression"
        names, table = self._feature_names(), self._table
        return Dataset("the examples", train, None, task, classes, names, "target", table.categories, table.columns)

    def _train(
        self, training: Training, train: Examples, held_out: Examples | None, start: FitResult | None = None
    ) -> None:
        """Train, from `start` or from new weights, and keep the result in the fitted attributes."""

        def callback(record: EpochRecord) -> bool:
            answers = [own(record) for own in self.callbacks]  # every one is called
            return any(answer is True for answer in answers)

        long = is_long(training.network, len(train.y), training.batch_size, training.epochs)
        engine = as_engine(self.engine, precision=train.x.dtype.name, long=long)
        self._result = training.fit(
            Splits(self._dataset(train), train, held_out),
            RunOptions(engine=engine, callback=callback, start=start),
        )
        history = training.in_own_units(self._result).history
        self.loss_curve_ += [record.train_loss for record in history]
        self.validation_curve_ += [record.validation_loss for record in history if held_out]
        self.n_iter_ += len(history)

    def _batch_size(self, examples: int) -> int | Literal["full"]:
        if self.batch_size != "auto":
            return self.batch_size
        own = self.optimizer
        optimizer = OPTIMIZERS[one_of("optimizer", own, OPTIMIZERS)] if isinstance(own, str) else own
        return "full" if optimizer.full_batch else min(AUTO_BATCH, examples)

    def _check(self, X: npt.ArrayLike, y: npt.ArrayLike, weight: npt.ArrayLike | None, *, first: bool) -> Examples:
        """Check the examples as scikit-learn does and return them as arrays; `first` resets the known features."""
        if first:
            frame: Any = X
            self._table = learn_features(frame) if holds_text(X) else NO_TABLE
        x, y = validate_data(
            self,
            self._encoded(X),
            y,
            reset=first,
            dtype=[np.float64, np.float32],
            y_numeric=isinstance(self, RegressorMixin),
            ensure_all_finite=self._finite,
        )
        weights: Array | None = None
        if weight is not None:
            weights = _check_sample_weight(weight, x, dtype=x.dtype, ensure_non_negative=True)
        return Examples(x, column_or_1d(y, warn=True), weights)

    def _features(self, X: npt.ArrayLike) -> Array:
        """Check the features of new examples against those of the training, and return them as an array."""
        check_is_fitted(self)
        kinds = [np.float64, np.float32]
        x: Array = validate_data(self, self._encoded(X), reset=False, dtype=kinds, ensure_all_finite=self._finite)
        return x

    def _encoded(self, X: Any) -> Any:
        """The features in a DataFrame with columns of text, encoded as was decided in the first `fit`."""
        return features_of(X, self._table) if self._table.features and is_frame(X) else X

    @property
    def _finite(self) -> bool | Literal["allow-nan"]:
        """Requirements on features: none is missing, but in tables, whose gaps are filled as those of files."""
        return "allow-nan" if self._table.features else True


@dataclass(repr=False, eq=False)
class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """A network that tells classes apart. Its parameters are those of `NetworkEstimator` and one more.

    >>> from sklearn.datasets import load_iris
    >>> x, y = load_iris(return_X_y=True)
    >>> NetworkClassifier(random_state=0).fit(x, y).score(x, y) > 0.95
    True

    Args:
        class_weight: What each class counts, by its label; "balanced" for all the same; None for each example the same.

    Attributes:
        classes_: The labels, in order.
        n_features_in_: Number of features; their names, if they had any, are in `feature_names_in_`.
        loss_curve_: Mean cross-entropy over the training examples, epoch by epoch.
        validation_curve_: The same over those held out; empty where none were.
        n_iter_: Number of epochs.
    """

    _: KW_ONLY
    class_weight: dict[Any, float] | Literal["balanced"] | None = None

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train from new weights.

        Args:
            X: Features, (n, d).
            y: Labels of any kind, (n,).
            sample_weight: What each example counts, (n,): two counts as if the example was there twice.
        """
        x, labels, weight = self._check(X, y, sample_weight, first=True)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        return self._fit(Examples(x, numbers, self._weigh(labels, weight)))

    def partial_fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        classes: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Train for one more epoch, on these examples alone.

        Args:
            X: Features, (n, d). Those of the first call also settle the scaling.
            y: Their labels, (n,).
            classes: All labels that there will be; needed in the first call.
            sample_weight: What each example counts, (n,).
        """
        first = not hasattr(self, "classes_")
        if first and classes is None:
            raise InputError("the first call of partial_fit needs all classes that there will be: classes=[...]")
        if self.class_weight == "balanced":
            raise InputError("balanced class weights need all examples at once: give partial_fit a weight a class")
        x, labels, weight = self._check(X, y, sample_weight, first=first)
        check_classification_targets(labels)
        known = np.unique(np.asarray(classes)) if first else self.classes_
        if not first and classes is not None and not np.array_equal(known, np.unique(np.asarray(classes))):
            raise InputError(f"the classes were {known} in the first call of partial_fit; they cannot change")
        strange = np.setdiff1d(labels, known)
        if strange.size:
            raise InputError(f"y has the label {strange[0]!r}, which is not one of the classes {known}")
        self.classes_ = known
        return self._partial_fit(Examples(x, np.searchsorted(known, labels), self._weigh(labels, weight)))

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """Probability of each class, in the order of `classes_`: (n, classes)."""
        return self.model_.predict_proba(self._features(X))

    def predict(self, X: npt.ArrayLike) -> Array:
        """The likeliest label of each example, (n,)."""
        numbers = self.model_.predict(self._features(X))
        labels: Array = self.classes_[numbers]
        return labels

    def _class_names(self) -> tuple[str, ...]:
        return tuple(map(str, self.classes_))

    def _weigh(self, labels: Array, weight: Array | None) -> Array | None:
        """Multiply each example's weight by its class's."""
        if len(self.classes_) < 2:
            raise InputError(f"a classifier needs examples of two classes or more; there is one class, {self.classes_}")
        if self.class_weight is None:
            return weight
        own: Array = compute_sample_weight(self.class_weight, labels)
        return own if weight is None else own * weight


@dataclass(repr=False, eq=False)
class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """A network that predicts a value, for scikit-learn. Its parameters are those of `NetworkEstimator`.

    Attributes:
        n_features_in_: Number of features; their names, if they had any, are in `feature_names_in_`.
        loss_curve_: Mean squared error over the training examples, epoch by epoch.
        validation_curve_: The same over those held out; empty where none were.
        n_iter_: Number of epochs.
    """

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train from new weights.

        Args:
            X: Features, (n, d).
            y: Values, (n,).
            sample_weight: What each example counts, (n,): two counts as if the example was there twice.
        """
        return self._fit(self._check(X, y, sample_weight, first=True))

    def partial_fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train for one more epoch, on these examples alone. The first ones also settle the scalings."""
        return self._partial_fit(self._check(X, y, sample_weight, first=not hasattr(self, "_training")))

    def predict(self, X: npt.ArrayLike) -> Array:
        """The value of each example, (n,)."""
        return self.model_.predict(self._features(X))

    def _class_names(self) -> tuple[str, ...]:
        return ()


def _without_weightless(examples: Examples) -> Examples:
    """Drop examples of weight zero, so that they do not affect the scalings either."""
    weight = examples.sample_weight
    if weight is None:
        return examples
    if not weight.any():
        raise InputError("the sample weights are all zero: at least one must be non-zero")
    return subset(examples, weight > 0)
