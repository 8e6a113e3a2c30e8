"""Optimizers: what steps theta towards lower loss."""

from dataclasses import fields
from typing import Any, cast

from sfumato.checks import one_of
from sfumato.errors import InputError
from sfumato.optimizers.base import Optimizer
from sfumato.optimizers.first_order import Adam, AdamW, FirstOrder, GradientDescent, Momentum, Nesterov, RMSProp
from sfumato.optimizers.lbfgs import LBFGS

__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "Adam",
    "AdamW",
    "FirstOrder",
    "GradientDescent",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "make_optimizer",
]

OPTIMIZERS: dict[str, type[Optimizer[Any]]] = {
    "gd": GradientDescent,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
    "lbfgs": LBFGS,
}


def make_optimizer(name: str, **settings: Any) -> Optimizer[Any]:
    """The optimizer called `name`, one of `OPTIMIZERS`, with its own settings; a setting of None is its default.

    Raises:
        InputError: for an unknown name, a setting that this optimizer does not have (none is ever ignored), or one out
            of range.
    """
    one_of("optimizer", name, OPTIMIZERS)
    kind = OPTIMIZERS[name]
    given = {key: value for key, value in settings.items() if value is not None}
    known = [field.name for field in fields(cast(Any, kind))]
    for key in given:
        if key not in known:
            has = f"it has {', '.join(known)}" if known else "it has no settings beside the learning rate"
            raise InputError(f"the optimizer {name} has no {key.replace('_', ' ')}; {has}")
    return kind(**given)
