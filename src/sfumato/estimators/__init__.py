"""Networks as scikit-learn estimators: `NetworkClassifier` and `NetworkRegressor`.

    from sfumato.estimators import NetworkClassifier

    classifier = NetworkClassifier(hidden=(32,), dropout=0.2, early_stopping=20, random_state=0)
    print(cross_val_score(classifier, X, y).mean())

A DataFrame with columns of text or dates, or with gaps beside such, is encoded as `sfumato train` encodes a file.
They are what `sfumato train` trains, behind scikit-learn's interface: `__init__` stores its arguments and nothing else,
what is learned has a name that ends in an underscore, and `sklearn.utils.estimator_checks.check_estimator` passes.
"""

from sfumato.estimators.classifier import NetworkClassifier
from sfumato.estimators.regressor import NetworkRegressor

__all__ = ["NetworkClassifier", "NetworkRegressor"]
