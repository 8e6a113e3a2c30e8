"""The classifier for scikit-learn."""

from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sfumato.arrays import Array
from sfumato.data.dataset import Examples
from sfumato.errors import InputError
from sfumato.estimators.base import NetworkEstimator


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
        columns_: What was decided on each column of a DataFrame with text; what is not obvious is a `TableWarning`.
        loss_curve_: Mean cross-entropy over the training examples, epoch by epoch.
        validation_curve_: The same over those held out; empty where none were.
        n_iter_: Number of epochs.
        loss_: The loss of the last epoch.
        best_loss_: The lowest of `loss_curve_`.
    """

    _: KW_ONLY
    class_weight: dict[Any, float] | Literal["balanced"] | None = None

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train from new weights.

        Args:
            X: Features, (n, d).
            y: Labels of any kind, (n,); or several an example, (n, labels) of zeros and ones.
            sample_weight: What each example counts, (n,): two counts as if the example was there twice.
        """
        examples = self._check(X, y, sample_weight, first=not self._goes_on)
        classes, numbers = _numbered(examples.y)
        before = getattr(self, "classes_", classes) if self.warm_start else classes
        several = numbers.ndim == 2
        if not np.array_equal(classes, before) or (self._goes_on and self._multilabel != several):
            raise InputError(f"warm_start=True goes on with the classes {before}; y has {classes}")
        self.classes_: Array = classes
        self._multilabel: bool = several
        weight = self._weigh(examples.y, examples.sample_weight)
        return self._fit(Examples(examples.x, numbers, weight))

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
        if first:
            self._check_first_rows(X)
        if self.class_weight == "balanced":
            raise InputError("balanced class weights need all examples at once: give partial_fit a weight a class")
        x, labels, weight = self._check(X, y, sample_weight, first=first)
        found, numbers = _numbered(labels)
        if classes is None:
            known = self.classes_
        else:
            known = np.arange(np.shape(classes)[-1]) if numbers.ndim == 2 else np.unique(np.asarray(classes))
        if not first and not np.array_equal(known, self.classes_):
            raise InputError(f"the classes were {self.classes_} in the first call of partial_fit; they cannot change")
        strange = np.setdiff1d(found, known)
        if strange.size:
            raise InputError(f"y has the label {strange[0]!r}, which is not one of the classes {known}")
        self.classes_, self._multilabel = known, numbers.ndim == 2
        numbers = numbers if numbers.ndim == 2 else np.searchsorted(known, labels)
        return self._partial_fit(Examples(x, numbers, self._weigh(labels, weight)))

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """Probability of each class, in the order of `classes_`: (n, classes).

        Of several labels an example, each has a probability of its own.
        """
        return self.model_.predict_proba(self._features(X))

    def predict_log_proba(self, X: npt.ArrayLike) -> Array:
        """Logarithm of the probability of each class, finite where the probability itself is 0: (n, classes)."""
        z = self.model_.outputs(self._features(X)).astype(np.float64)
        if self._multilabel:
            return -np.logaddexp(0.0, -z)
        z = np.concatenate([np.zeros_like(z), z], axis=1) if z.shape[1] == 1 else z
        log_probability: Array = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
        return log_probability

    def predict(self, X: npt.ArrayLike) -> Array:
        """The likeliest label of each example, (n,); or those labels that are likelier than not, (n, labels)."""
        numbers = self.model_.predict(self._features(X))
        labels: Array = numbers if self._multilabel else self.classes_[numbers]
        return labels

    def __sklearn_tags__(self) -> Tags:
        parent: Any = super()
        tags: Tags = parent.__sklearn_tags__()
        assert tags.classifier_tags is not None
        tags.classifier_tags.multi_label = True
        return tags

    def _class_names(self) -> tuple[str, ...]:
        return tuple(map(str, self.classes_))

    def _weigh(self, labels: Array, weight: Array | None) -> Array | None:
        """Multiply each example's weight by its class's."""
        if self._multilabel:
            if self.class_weight is not None:
                raise InputError("class_weight=... is for one label an example: give sample_weight, or leave it out")
            return weight
        if len(self.classes_) < 2:
            raise InputError(f"a classifier needs examples of two classes or more; there is one class, {self.classes_}")
        if self.class_weight is None:
            return weight
        own: Array = compute_sample_weight(self.class_weight, labels)
        return own if weight is None else own * weight


def _numbered(y: Array) -> tuple[Array, Array]:
    """The classes, and the number of each example's class; of several labels, their numbers, and zeros and ones."""
    check_classification_targets(y)
    if y.ndim == 1:
        classes, numbers = np.unique(y, return_inverse=True)
        return classes, numbers
    if type_of_target(y) != "multilabel-indicator" or not ((y == 0) | (y == 1)).all():
        raise InputError(f"y has {y.shape[1]} columns of classes: give labels as zeros and ones, or fit each by itself")
    return np.arange(y.shape[1]), y.astype(np.int64)
