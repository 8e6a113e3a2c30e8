"""The regressor for scikit-learn."""

from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils import Tags

from sfumato.arrays import Array
from sfumato.data.dataset import Examples
from sfumato.errors import InputError
from sfumato.estimators.base import NetworkEstimator


@dataclass(repr=False, eq=False)
class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """A network that predicts a value, for scikit-learn. Its parameters are those of `NetworkEstimator` and one more.

    Args:
        loss: "squared_error", the one that there is.

    Attributes:
        n_features_in_: Number of features; their names, if they had any, are in `feature_names_in_`.
        columns_: What was decided on each column of a DataFrame with text; what is not obvious is a `TableWarning`.
        loss_curve_: Mean squared error over the training examples, epoch by epoch; of several values in units of each
            one's variance.
        validation_curve_: The same over those held out; empty where none were.
        n_iter_: Number of epochs.
        loss_: The loss of the last epoch.
        best_loss_: The lowest of `loss_curve_`.
    """

    _: KW_ONLY
    loss: Literal["squared_error"] = "squared_error"

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train from new weights.

        Args:
            X: Features, (n, d).
            y: Values, (n,), or several an example, (n, k).
            sample_weight: What each example counts, (n,): two counts as if the example was there twice.
        """
        return self._fit(self._check(X, y, sample_weight, first=not self._goes_on))

    def partial_fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train for one more epoch, on these examples alone. The first ones also settle the scalings."""
        first = not hasattr(self, "_training")
        if first:
            self._check_first_rows(X)
        return self._partial_fit(self._check(X, y, sample_weight, first=first))

    def predict(self, X: npt.ArrayLike) -> Array:
        """The value of each example, (n,), or its values, (n, k)."""
        return self.model_.predict(self._features(X))

    def _check(self, X: npt.ArrayLike, y: npt.ArrayLike, weight: npt.ArrayLike | None, *, first: bool) -> Examples:
        if self.loss != "squared_error":
            raise InputError(
                f'loss={self.loss!r} is not learned here: use "squared_error"; of counts, learn log(1 + y) by '
                "sklearn.compose.TransformedTargetRegressor(..., func=numpy.log1p, inverse_func=numpy.expm1)"
            )
        if np.asarray(y).dtype.kind in "US":
            raise InputError("y holds texts; give numbers")
        return super()._check(X, y, weight, first=first)

    def __sklearn_tags__(self) -> Tags:
        parent: Any = super()
        tags: Tags = parent.__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _class_names(self) -> tuple[str, ...]:
        return ()
