"""Measures of predictions: confusion matrices and their statistics, and the errors of a regression."""

from sfumato.evaluation.confusion import AVERAGINGS, MEASURES_BY_CLASS, Average, Averaging, ConfusionMatrix
from sfumato.evaluation.regression import RegressionReport

__all__ = ["AVERAGINGS", "MEASURES_BY_CLASS", "Average", "Averaging", "ConfusionMatrix", "RegressionReport"]
