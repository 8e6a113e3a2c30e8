"""Neural style transfer: a photograph in the manner of a painting, on the same engine."""

from sfumato.style.problem import StyleProblem
from sfumato.style.result import StepRecord, StyleResult
from sfumato.style.transfer import StyleTransfer

__all__ = ["StepRecord", "StyleProblem", "StyleResult", "StyleTransfer"]
