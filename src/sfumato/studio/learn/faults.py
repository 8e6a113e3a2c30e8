"""Twelve faults to find: each planted in a sound network, loss, optimizer or schedule, with what shows it.

Eight of them make a gradient wrong, and the gradient check names the parameters. The other four leave every gradient
right: `other_checks` shows those, by averages, by the lengths of steps and by the learning rate.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sfumato.errors import InputError
from sfumato.layers import Dense, Dropout, Layer, ReLU, Tanh
from sfumato.losses.base import Loss
from sfumato.network import Network
from sfumato.objective import NetworkObjective
from sfumato.optimizers import Adam, Momentum, Optimizer
from sfumato.optimizers.schedules import Schedule
from sfumato.random_keys import Stream, generator
from sfumato.studio.learn.defects import (
    AgainstThePast,
    BiasesDecay,
    NeverDivided,
    NotInverted,
    PenaltyNotDivided,
    StaleCache,
    SummedBias,
    TransposedInput,
    Uncorrected,
    compounding,
    mask_of_the_gradient,
    one_minus_a,
)

EXERCISE: dict[str, Any] = {
    "data": {"kind": "spiral", "n": 300},
    "network": {"hidden": [6, 6, 6], "activation": ["tanh", "relu", "tanh"], "dropout": 0.1},
    "objective": {"l2": 1.0},
    "optimizer": {"name": "momentum", "learning_rate": 0.5, "schedule": "exponential", "decay": 0.999},
}
"""State of every exercise, in which all faults but one can be: it has what they sit in. (Adam's needs Adam.)"""

WITH_ADAM: dict[str, Any] = {"name": "adam", "learning_rate": 0.03, "schedule": "exponential", "decay": 0.999}


class Parts(NamedTuple):
    """Parts of a training.

    Attributes:
        network: The network.
        loss: The loss on its outputs.
        objective: The kind of objective.
        optimizer: What takes the steps.
        schedule: The learning rate by epoch.
    """

    network: Network
    loss: Loss
    objective: type[NetworkObjective]
    optimizer: Optimizer[Any]
    schedule: Schedule


ShownBy = Literal["gradient check", "dropout's averages", "steps under a constant gradient", "the learning rate"]


@dataclass(frozen=True)
class Fault:
    """A fault to plant.

    Attributes:
        name: Short name, for addresses.
        grade: 1 (the check names one parameter), 2 (it names several, or a shape hides it) or 3 (look elsewhere too).
        cause: One line that says it, among which a learner chooses.
        apply: Makes the parts with the fault from sound ones, whose layers' names it keeps; raises `InputError` where
            there is no place for it.
        wrong: Names of the parameters of a network whose gradients it makes wrong, as follows from the equations.
        shown_by: The check that shows it.
        symptom: What training looks like.
        diff: The engine's line, and the line with the fault.
        hint: What to look at.
        chapter: Number of the course's chapter on it.
    """

    name: str
    grade: Literal[1, 2, 3]
    cause: str
    apply: Callable[[Parts], Parts]
    wrong: Callable[[Network], list[str]]
    shown_by: ShownBy
    symptom: str
    diff: tuple[str, str]
    hint: str
    chapter: int


def _places(network: Network, kind: type[Layer[Any]]) -> list[int]:
    """Numbers of the layers of this kind."""
    found = [number for number, layer in enumerate(network.layers) if isinstance(layer, kind)]
    if not found:
        raise InputError(f"this fault sits in a {kind.__name__} layer, and the network has none: add one")
    return found


def _square(network: Network) -> int:
    """Number of the first dense layer with as many inputs as units."""
    for own in network.layout:
        if len(own.spec.shape) == 2 and own.spec.shape[0] == own.spec.shape[1] > 1:
            return own.layer
    raise InputError("this fault hides in a layer with as many units as inputs: give two hidden layers the same units")


def _with(parts: Parts, layers: dict[int, Layer[Any]]) -> Parts:
    """The parts with some layers in the place of others."""
    old = parts.network
    new = [layers.get(number, layer) for number, layer in enumerate(old.layers)]
    return parts._replace(network=Network(new, old.input_shape, old.names))


def _last_bias(network: Network) -> list[str]:
    return [f"{network.names[_places(network, Dense)[-1]]}.b"]


def _below(layer: Callable[[Network], int]) -> Callable[[Network], list[str]]:
    """Parameters below a layer, which its backward pass reaches."""
    return lambda network: [own.name for own in network.layout if own.layer < layer(network)]


def _named(suffix: str) -> Callable[[Network], list[str]]:
    return lambda network: [own.name for own in network.layout if own.name.endswith(suffix)]


def _none(network: Network) -> list[str]:
    return []


def _summed_bias(parts: Parts) -> Parts:
    place = _places(parts.network, Dense)[-1]
    sound: Any = parts.network.layers[place]
    return _with(parts, {place: SummedBias(sound.units, sound.init)})


def _transposed(parts: Parts) -> Parts:
    place = _square(parts.network)
    sound: Any = parts.network.layers[place]
    return _with(parts, {place: TransposedInput(sound.units, sound.init)})


def _last_outputs_kept(parts: Parts) -> Parts:
    places = _places(parts.network, Tanh)
    if len(places) < 2:
        raise InputError("this fault needs two tanh layers, which share what is kept: add one")
    return _with(parts, dict.fromkeys(places, StaleCache()))


def _not_inverted(parts: Parts) -> Parts:
    layers: Sequence[Any] = parts.network.layers
    return _with(parts, {n: NotInverted(layers[n].p) for n in _places(parts.network, Dropout)})


def _uncorrected(parts: Parts) -> Parts:
    if type(parts.optimizer) is not Adam:
        raise InputError("this fault sits in Adam: choose the optimizer adam")
    return parts._replace(optimizer=Uncorrected(**vars(parts.optimizer)))


def _against_the_past(parts: Parts) -> Parts:
    if type(parts.optimizer) is not Momentum:
        raise InputError("this fault sits in momentum: choose the optimizer momentum")
    return parts._replace(optimizer=AgainstThePast(**vars(parts.optimizer)))


FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault(
            "summed-bias",
            1,
            "the gradient of the output layer's bias is summed over the examples, not averaged",
            _summed_bias,
            _last_bias,
            "gradient check",
            "the loss rises at first, and falls late",
            ("ops().column_sums(dz, out=grads.b)", "ops().column_sums(dz * len(dz), out=grads.b)"),
            "One parameter alone is wrong. By what factor?",
            8,
        ),
        Fault(
            "transposed-input",
            2,
            "dW is dZ^T X where it should be X^T dZ, and nobody noticed as the matrix is square",
            _transposed,
            lambda network: [f"{network.names[_square(network)]}.W"],
            "gradient check",
            "training is slower: the other layers learn around it",
            ("ops().product(kept.T, dz, out=grads.W)", "ops().product(dz.T, kept, out=grads.W)"),
            "Write the shapes beside the product. What else has this shape?",
            3,
        ),
        Fault(
            "relu-mask",
            2,
            "ReLU's backward pass asks where the gradient is positive, not where the input is",
            lambda parts: _with(parts, {_places(parts.network, ReLU)[0]: mask_of_the_gradient()}),
            _below(lambda network: _places(network, ReLU)[0]),
            "gradient check",
            "the loss stays at that of guessing",
            ("return a, lambda da, grads: ops().masked(da, mask)", "return a, lambda da, grads: da * (da > 0)"),
            "Wrong below a layer and right above it: which backward pass lies between?",
            2,
        ),
        Fault(
            "tanh-derivative",
            2,
            "the derivative of tanh is taken for 1 - A, not 1 - A^2",
            lambda parts: _with(parts, {_places(parts.network, Tanh)[-1]: one_minus_a()}),
            _below(lambda network: _places(network, Tanh)[-1]),
            "gradient check",
            "the loss falls at first, and goes back to that of guessing",
            (
                "return a, lambda da, grads: da * (1.0 - a * a)",
                "return a, lambda da, grads: da * (1.0 - a)",
            ),
            "Wrong below a layer and right above it: which backward pass lies between?",
            2,
        ),
        Fault(
            "not-divided",
            1,
            "the gradient of the data's loss is summed over the examples, never divided by their number",
            lambda parts: parts._replace(loss=NeverDivided(parts.loss)),
            _named(""),
            "gradient check",
            "the first steps are hundreds of times too long",
            ("backward(cast(pullback(loss_scale), z.dtype)", "backward(cast(pullback(1.0), z.dtype)"),
            "Check before the first step too: everything is wrong by the same factor. Which number is that?",
            1,
        ),
        Fault(
            "biases-decay",
            1,
            "the gradient of the L2 penalty is added to the biases too, which the loss does not penalise",
            lambda parts: parts._replace(objective=BiasesDecay),
            _named(".b"),
            "gradient check",
            "none at first: biases begin at zero, where their decay is zero too",
            ("for weights in self.decaying:", "for weights in [slice(None)]:"),
            "Train a little before you check: what is right at the start need not stay so.",
            6,
        ),
        Fault(
            "l2-not-divided",
            1,
            "the gradient of the L2 penalty is lambda W, without the division by the number of examples",
            lambda parts: parts._replace(objective=PenaltyNotDivided),
            _named(".W"),
            "gradient check",
            "the weights are drawn to zero, and the loss stays high",
            ("gradient[weights] += self.penalty * theta[weights]", "gradient[weights] += self.l2 * theta[weights]"),
            "All weights are wrong and no bias is: what applies to weights alone?",
            6,
        ),
        Fault(
            "dropout-not-inverted",
            3,
            "dropout does not divide by 1 - p in training, so that outputs are larger when the network is used",
            _not_inverted,
            _none,
            "dropout's averages",
            "none that one sees: a network bears outputs that are a tenth too large",
            ("a *= scale", "a *= 1.0"),
            "The gradient is right. Compare what units send on in training and in use.",
            6,
        ),
        Fault(
            "adam-uncorrected",
            3,
            "Adam's averages are not corrected for starting at zero",
            _uncorrected,
            _none,
            "steps under a constant gradient",
            "none that lasts: the first steps are three times too long",
            (
                "rate = learning_rate * c / (1.0 - self.beta1**t)",
                "rate = learning_rate",
            ),
            "The gradient is right. How long is Adam's first step?",
            7,
        ),
        Fault(
            "momentum-sign",
            3,
            "momentum subtracts the past's share where it should add it",
            _against_the_past,
            _none,
            "steps under a constant gradient",
            "training crawls: steps come to a nineteenth of their length",
            (
                "ops().momentum(theta, gradient, state.v, self.beta, share, learning_rate)",
                "ops().momentum(theta, gradient, state.v, -self.beta, share, learning_rate)",
            ),
            "The gradient is right. Push with the same gradient again and again: do the steps grow?",
            7,
        ),
        Fault(
            "decay-compounds",
            3,
            "every epoch multiplies the last rate by all of the decay so far, so that it compounds",
            lambda parts: parts._replace(schedule=compounding(parts.schedule)),
            _none,
            "the learning rate",
            "training begins well, and freezes within a hundred epochs",
            ("lambda epoch: decay**epoch * learning_rate", "lambda epoch: decay**epoch * rate(epoch - 1)"),
            "The gradient is right. Write down the learning rate of a few epochs.",
            7,
        ),
        Fault(
            "last-outputs-kept",
            3,
            "tanh keeps its last outputs on the layer, and one layer object serves twice in the network",
            _last_outputs_kept,
            _below(lambda network: _places(network, Tanh)[-2]),
            "gradient check",
            "training is a little slower",
            ("return a, lambda da, grads: da * (1.0 - a * a)", "return a, lambda da, grads: da * (1.0 - self.last**2)"),
            "The same layer object stands in two places. What does it remember, and of which?",
            3,
        ),
    )
}
"""All faults by name."""


def exercise(seed: int, number: int) -> Fault:
    """Choose the fault of an exercise: the grades in their order, and within a grade an order that the seed shuffles.

    Args:
        seed: The class's seed: all who have it meet the same faults.
        number: Number of the exercise, from 0; after the twelfth they begin again.
    """
    rng, order = generator(seed, Stream.DATA), list[Fault]()
    for grade in (1, 2, 3):
        faults = [fault for fault in FAULTS.values() if fault.grade == grade]
        order += [faults[place] for place in rng.permutation(len(faults))]
    return order[number % len(order)]


def state_of(fault: Fault, number: int = 0) -> dict[str, Any]:
    """State of the exercise with this fault: that of all, with Adam where it is needed and in every other one beside.

    The optimizer therefore says little about where the fault is.
    """
    adam = fault.name != "momentum-sign" and (fault.name == "adam-uncorrected" or number % 2 == 1)
    return {**EXERCISE, "optimizer": WITH_ADAM} if adam else dict(EXERCISE)


def choices(fault: Fault, seed: int) -> list[str]:
    """List four causes in an order of the seed, of which the fault's own is one."""
    rng = generator(seed, Stream.DATA, 1)
    others = [other.cause for other in FAULTS.values() if other is not fault]
    four = [fault.cause, *(others[place] for place in rng.permutation(len(others))[:3])]
    return [four[place] for place in rng.permutation(4)]
