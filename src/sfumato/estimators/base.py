"""The parameters and the training that both estimators have in common."""

import math
import warnings
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from sfumato.arrays import Array
from sfumato.checkpoint import stable_repr
from sfumato.checks import nonnegative, whole
from sfumato.data.choosing import Known
from sfumato.data.dataset import Dataset, Examples, Task
from sfumato.data.handed_in import holds_text, is_frame
from sfumato.data.scaling import ScalingKind, TargetScaling
from sfumato.data.splitting import split, subset
from sfumato.data.streaming import Moments
from sfumato.data.tables import features_of, learn_features
from sfumato.engine import Engine, as_engine
from sfumato.errors import InputError, TableWarning
from sfumato.estimators.plateau import Plateau, number_of_epochs
from sfumato.layers.initializers import Initializer
from sfumato.minimize import RunOptions
from sfumato.model import Model
from sfumato.optimizers import Adam, AdamW, Optimizer
from sfumato.training.fitting import FitResult, default_batch_size, is_long
from sfumato.training.history import EpochRecord
from sfumato.training.preparation import Callback, Training, checked_units, prepare
from sfumato.training.settings import TrainingSettings
from sfumato.training.splits import Splits

VALIDATION_FRACTION = 0.1
"""Share of the examples held out for early stopping by default, as in scikit-learn's own networks."""

FIRST_ROWS = 20
"""Rows that tell what columns of text are, at least: in fewer, hardly a text comes again."""

NO_TABLE = Known((), {})
"""Columns of features that are numbers alone."""


@dataclass(repr=False, eq=False)
class NetworkEstimator(BaseEstimator):
    """Base class of both estimators: their parameters, and training.

    Args:
        hidden: Units of each hidden layer, or a number for one layer; none of them, (), makes it a linear model.
        activation: What follows each hidden layer: "relu", "leaky-relu", "tanh" or "sigmoid".
        init: What first weights are drawn from: "he", "xavier", "glorot", "normal", "zeros", or an initialiser.
        dropout: Probability of dropping a hidden unit in training.
        l2: Lambda of the penalty lambda / (2 N) sum W^2, scikit-learn's `alpha`; with "adamw" weights decay by
            lambda / N instead. None is 5 for two classes, 10 for more and 40 for values, of at most two features 0.5,
            without hidden layers 1 and of values 2; but in `partial_fit`, where N is not known, 0; and AdamW's own
            decay.
        optimizer: "gd", "momentum", "nesterov", "rmsprop", "adam", "adamw" or "lbfgs", or an optimizer.
        learning_rate: Of the first epoch; by default the optimizer's own, but 0.01 for Adam by the schedule "cosine",
            without hidden layers 0.1, and of gradient descent and momentum a tenth for values, less the wider a layer.
        schedule: "constant", "exponential", "inverse-time", "inverse-sqrt" or "cosine"; None is "cosine" in `fit` and
            "constant" in `partial_fit`, where nobody knows the last epoch.
        decay: The schedule's decay; its own default if None.
        batch_size: Examples a step; "full" for all; "auto" for a fiftieth of them, but at least 200 (of at most two
            features 32) and at most 1000, and all for L-BFGS.
        epochs: Passes over the data, at most; by default 200, from 1000 examples on fewer, as many as show 200,000
            examples in all, but at least 20.
        early_stopping: End when the loss on held-out examples has not improved for `n_iter_no_change` epochs, or for so
            many as are given here instead of True, and keep the weights of the best.
        validation_fraction: Part of the examples that is held out; by default a tenth with early stopping, else none.
        n_iter_no_change: Epochs without improvement after which training ends, with `early_stopping=True` or `tol`.
        tol: What counts as an improvement of the loss (for values, of standardised ones). Without early stopping, that
            of the training examples is watched. None: any improvement counts on held-out examples, and the loss of the
            training examples never ends training.
        shuffle: Take the examples in a new order in each epoch, instead of as they come.
        warm_start: Go on from the weights of the last `fit`, with its scalings, instead of new ones.
        verbose: Print the loss of each epoch.
        scaling: What is done to the features first, and undone to predictions of values: "standard" (mean 0, variance
            1), "unit" (0 to 1) or "none". It is part of the estimator, so that it takes raw rows.
        random_state: Of weights, order, dropout, and of what is held out.
        callbacks: Each is called with each epoch's `EpochRecord`; if one returns True, training ends.
        engine: Where to compute and in what precision: "numpy", "torch:cuda", "torch/bfloat16" ..., see
            `sfumato.engine.as_engine`; by default as `sfumato.fit` chooses, on a GPU where PyTorch sees one, in the
            precision of the features, as everywhere in scikit-learn. Predictions are NumPy's; `model_.on(...)` computes
            on another engine.
    """

    hidden: int | Sequence[int] = (100,)
    _: KW_ONLY
    activation: str = "relu"
    init: str | Initializer = "he"
    dropout: float = 0.0
    l2: float | None = None
    optimizer: str | Optimizer[Any] = "adam"
    learning_rate: float | None = None
    schedule: str | None = None
    decay: float | None = None
    batch_size: int | Literal["auto", "full"] = "auto"
    epochs: int | None = None
    early_stopping: bool | int | None = False
    validation_fraction: float | None = None
    n_iter_no_change: int = 10
    tol: float | None = None
    shuffle: bool = True
    warm_start: bool = False
    verbose: bool = False
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
        """Train from new weights, or with `warm_start` from those of the last call."""
        examples = _without_weightless(examples)
        patience = self._patience()
        seed = self._draw_seed()
        fraction = self._fraction(stopping=patience is not None)
        train, held_out = split(examples, fraction, seed, stratify=bool(self._class_names()))
        training, start = self._prepared(train, seed), None
        if self._goes_on:
            training, start = self._with_last_scalings(training), replace(self._result, optimizer_state=None)
        self._begin(training, train)
        self._train(replace(self._training, early_stopping=patience), train, held_out, start)
        return self

    @property
    def _goes_on(self) -> bool:
        """Whether `fit` goes on from the weights of the last one."""
        return self.warm_start and hasattr(self, "_result")

    def _patience(self) -> int | None:
        """Epochs without a lower loss of held-out examples after which training ends; None for never."""
        asked = self.early_stopping
        if asked is None or isinstance(asked, bool | np.bool_):
            return whole("n_iter_no_change", number_of_epochs(self.n_iter_no_change), 1) if asked else None
        return asked

    def _fraction(self, *, stopping: bool) -> float:
        """Part of the examples to hold out."""
        fraction = self.validation_fraction
        if fraction is None:
            return VALIDATION_FRACTION if stopping else 0.0
        if isinstance(fraction, bool) or not isinstance(fraction, int | float | np.number):
            raise InputError(f"validation_fraction=... takes a number of at least 0 and below 1, not {fraction!r}")
        if stopping and fraction == 0:
            raise InputError(
                "early stopping watches held-out examples, and validation_fraction=0 holds out none: give one above 0, "
                "or early_stopping=False"
            )
        return fraction

    def _with_last_scalings(self, training: Training) -> Training:
        """The training with the scalings of the last fit, which its weights belong to.

        Raises:
            InputError: The network is another, or the last fit has seen a constant where values differ now.
        """
        last = self._training
        if stable_repr(training.network) != stable_repr(last.network):
            raise InputError(
                "warm_start=True goes on with the network of the last fit, and features, classes, hidden or another "
                "parameter of it have changed: use warm_start=False"
            )
        values = np.any((np.asarray(last.target_scaling.deviation) == 0) & (training.target_scaling.deviation != 0))
        if values or np.any((last.scaling.factor == 0) & (training.scaling.factor != 0)):
            raise InputError(
                "warm_start=True keeps the scalings of the last fit, where a feature or the target was the same in all "
                "rows, and it is not now: use warm_start=False"
            )
        return replace(training, scaling=last.scaling, target_scaling=last.target_scaling)

    def _check_first_rows(self, X: Any) -> None:
        """Refuse a table of text that is too small to decide on its columns, in the first call of `partial_fit`."""
        if holds_text(X) and len(X) < FIRST_ROWS:
            raise InputError(
                f"the first call of partial_fit decides on columns of text, and has {len(X)} rows: begin with "
                f"{FIRST_ROWS} or more"
            )

    def _partial_fit(self, examples: Examples) -> Self:
        """Train for one more epoch, on these examples."""
        examples = _without_weightless(examples)
        if self.l2 is not None and self.optimizer == "adamw":
            raise InputError(
                "adamw decays weights by l2 / N, and partial_fit does not know N: give AdamW(weight_decay=...)"
            )
        if not hasattr(self, "_training"):
            self._begin(self._prepared(examples, self._draw_seed()), examples)
        else:
            self._follow(examples)
        training, done, start = self._training, self.n_iter_, self._result if self.n_iter_ else None
        epoch = replace(
            training,
            learning_rate=self._rate_of_part(done),
            l2=0.0 if self.l2 is None else training.l2,  # how many rows there will be, nobody knows
            schedule="constant",
            decay=None,
            batch_size=training.batch_size if self.batch_size != "auto" else self._auto_batch(len(examples.y)),
            epochs=1,
            seed=training.seed + done,  # another order of the examples than the last time
        )
        self._train(epoch, examples, None, start)
        return self

    def _rate_of_part(self, done: int) -> float:
        """Learning rate of a call of `partial_fit`, after so many epochs."""
        training: Training = self._training
        if self.schedule is not None:
            return training.rate(done)
        own = self.learning_rate is None and isinstance(training.optimizer, Adam)
        return replace(training, schedule="constant", learning_rate=None if own else training.learning_rate).rate(done)

    def _draw_seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _prepared(self, train: Examples, seed: int) -> Training:
        """Build the network, and fit the scalings on the first examples."""
        hidden = checked_units(self.hidden)
        for name, value, named in (("batch_size", self.batch_size, ("auto", "full")), ("epochs", self.epochs, (None,))):
            if value not in named:
                whole(name, value, 1)
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
            batch_size=self.batch_size,
            epochs=self.epochs,
        )
        training = prepare(Splits(self._dataset(train), train), settings, seed)
        return replace(training, shuffle=bool(self.shuffle))

    def _begin(self, training: Training, train: Examples) -> None:
        """Start the history of a training, and the moments of its examples."""
        self._training: Training = training
        self.loss_curve_: list[float] = []
        self.validation_curve_: list[float] = []
        self.n_iter_ = 0

        self._moments = self._moments_of(train)

    def _moments_of(self, examples: Examples) -> tuple[Moments, Moments]:
        """Moments of the features and, for regression, of the values."""
        x, y, weight = examples
        values = y.astype(np.float64).reshape(len(y), -1)
        return Moments.of(x.astype(np.float64), weight), Moments.of(values, weight)

    def _follow(self, examples: Examples) -> None:
        """Let the scalings follow all rows that there were: those of the first call may be few, or a single one."""
        seen, values = (one.plus(other) for one, other in zip(self._moments, self._moments_of(examples), strict=True))
        self._moments = seen, values
        target = TargetScaling() if self._class_names() else TargetScaling.of(values, self.scaling)
        scaling, categories = seen.scaling(self.scaling), self._dataset(examples).indicators
        scaling = scaling if categories is None else scaling.without(categories)
        self._training = replace(self._training, scaling=scaling, target_scaling=target)

    def _dataset(self, train: Examples) -> Dataset:
        classes = self._class_names()
        task: Task = "classification" if classes else "regression"
        names, table = self._feature_names(), self._table
        return Dataset("the examples", train, None, task, classes, names, "target", table.categories, table.columns)

    def _train(
        self, training: Training, train: Examples, held_out: Examples | None, start: FitResult | None = None
    ) -> None:
        """Train, from `start` or from new weights, and keep the result in the fitted attributes."""
        plateau = self._plateau(training)
        if train.sample_weight is not None:  # an example of weight two counts as two in N of the penalty as well
            share = len(train.y) / float(train.sample_weight.sum())
            training = replace(training, l2=training.l2 * share)
            if isinstance(training.optimizer, AdamW) and self.l2 is not None and isinstance(self.optimizer, str):
                decay = training.optimizer.weight_decay * share
                training = replace(training, optimizer=replace(training.optimizer, weight_decay=decay))

        def callback(record: EpochRecord) -> bool:
            if self.verbose:
                print(_line(record))
            answers = [own(record) for own in self.callbacks or ()]  # every one is called
            return plateau(record) or any(answer is True for answer in answers)

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
        self.loss_, self.best_loss_ = self.loss_curve_[-1], min(self.loss_curve_)

    def _plateau(self, training: Training) -> Callable[[EpochRecord], bool]:
        """Make the function that ends training where the loss has not improved by `tol`."""
        if self.tol is None:
            return lambda record: False
        patience = self.n_iter_no_change if training.early_stopping is None else training.early_stopping
        tol = nonnegative("tol", self.tol) * (training.target_variance or 1.0)
        return Plateau(whole("n_iter_no_change", number_of_epochs(patience), 1), tol)

    def _auto_batch(self, examples: int) -> int | Literal["full"]:
        """Size of the mini-batches of so many examples."""
        defaults = TrainingSettings().defaults_for(self._training.network.input_shape)
        return default_batch_size(self._training.optimizer, examples, defaults.batch_size, defaults.least_batch)

    def _check(self, X: npt.ArrayLike, y: npt.ArrayLike, weight: npt.ArrayLike | None, *, first: bool) -> Examples:
        """Check the examples as scikit-learn does and return them as arrays; `first` resets the known features."""
        if first:
            frame: Any = X
            self._table = learn_features(frame) if holds_text(X) else NO_TABLE
            self.columns_ = self._table.columns
            for text in (column.said for column in self.columns_ if column.said):
                warnings.warn(text, TableWarning, stacklevel=3)
        x: Array
        truth: Array
        x, truth = validate_data(
            self,
            self._encoded(X),
            y,
            reset=first,
            dtype=[np.float64, np.float32],
            y_numeric=isinstance(self, RegressorMixin),
            multi_output=True,
            ensure_all_finite=self._finite,
        )
        if hasattr(y, "toarray"):
            raise InputError("y is sparse: give y.toarray()")
        weights: Array | None = None
        if weight is not None:
            weights = _check_sample_weight(weight, x, dtype=x.dtype, ensure_non_negative=True)
        truth = truth.astype(np.float64) if truth.dtype == np.float16 else truth
        single = truth.ndim == 1 or truth.shape[1] == 1
        return Examples(x, column_or_1d(truth, warn=True) if single else truth, weights)

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


def _line(record: EpochRecord) -> str:
    """Format an epoch's losses for `verbose`."""
    held_out = "" if math.isnan(record.validation_loss) else f", on held-out examples {record.validation_loss:.6g}"
    return f"epoch {record.epoch}: loss {record.train_loss:.6g}{held_out}"


def _without_weightless(examples: Examples) -> Examples:
    """Drop examples of weight zero, so that they do not affect the scalings either."""
    weight = examples.sample_weight
    if weight is None:
        return examples
    if not weight.any():
        raise InputError("the sample weights are all zero: at least one must be non-zero")
    return subset(examples, weight > 0)
