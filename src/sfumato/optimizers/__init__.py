"""Optimizers: updates of theta towards lower loss."""

from dataclasses import fields
from typing import Any, cast

from sfumato.checks import one_of
from sfumato.errors import InputError
from sfumato.optimizers.base import Optimizer
from sfumato.optimizers.first_order import Adam, FirstOrder, GradientDescent, Momentum, Nesterov, RMSProp
from sfumato.optimizers.lbfgs import LBFGS
from sfumato.optimizers.wrappers import AdamW, Clipped, Decayed

__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "Adam",
    "AdamW",
    "Clipped",
    "Decayed",
    "FirstOrder",
    "GradientDescent",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "as_optimizer",
    "make_optimizer",
    "settings_of",
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


def settings_of(name: str) -> tuple[str, ...]:
    """Names of the settings of the optimizer called `name`, one of `OPTIMIZERS`.

    Raises:
        InputError: for an unknown name.
    """
    return tuple(field.name for field in fields(cast(Any, OPTIMIZERS[one_of("optimizer", name, OPTIMIZERS)])))


def as_optimizer(optimizer: str | Optimizer[Any] | type[Optimizer[Any]], **defaults: Any) -> Optimizer[Any]:
    """Make the optimizer that a name, a class or an object stands for.

    >>> as_optimizer("momentum", beta=0.5), as_optimizer(Adam).learning_rate
    (Momentum(beta=0.5, form='averaged'), 0.003)

    Args:
        optimizer: One of `OPTIMIZERS`; or an optimizer, or a class of them that needs no settings.
        **defaults: Settings for one that is named.

    Raises:
        InputError: for an unknown name, or something that is no optimizer.
    """
    if isinstance(optimizer, str):
        return make_optimizer(optimizer, **defaults)
    made = optimizer() if isinstance(optimizer, type) else optimizer
    if not isinstance(made, Optimizer):
        raise InputError(f"an optimizer is a name ({', '.join(OPTIMIZERS)}) or an object such as Adam(), not {made!r}")
    return made


def make_optimizer(name: str, **settings: Any) -> Optimizer[Any]:
    """Make the optimizer called `name`, one of `OPTIMIZERS`, with its own settings; a setting of None is its default.

    Raises:
        InputError: for an unknown name, a setting that this optimizer does not have (none is ever ignored), or one out
            of range.
    """
    known = settings_of(name)
    given = {key: value for key, value in settings.items() if value is not None}
    for key in given:
        if key not in known:
            has = f"it has {', '.join(known)}" if known else "it has no settings beside the learning rate"
            raise InputError(f"the optimizer {name} has no {key.replace('_', ' ')}; {has}")
    return OPTIMIZERS[name](**given)
