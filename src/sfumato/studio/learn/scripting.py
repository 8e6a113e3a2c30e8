"""A playground as a script of the public API, in blocks that a notebook has as cells."""

from collections.abc import Mapping
from typing import Any

from sfumato.studio.learn.playground import Playground
from sfumato.studio.learn.setup import activations
from sfumato.studio.learn.state import own_settings

POINTS = "points.csv"
"""Name of the file with the examples, which the script reads."""

LAYERS = {"relu": "ReLU", "leaky-relu": "LeakyReLU", "tanh": "Tanh", "sigmoid": "Sigmoid"}

OPTIMIZERS = {
    "gd": "GradientDescent",
    "momentum": "Momentum",
    "nesterov": "Nesterov",
    "rmsprop": "RMSProp",
    "adam": "Adam",
    "adamw": "AdamW",
    "lbfgs": "LBFGS",
}


def chosen(optimizer: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of an optimizer that are not its defaults."""
    defaults = own_settings(optimizer["name"])
    return {name: optimizer[name] for name, default in defaults.items() if optimizer[name] != default}


def blocks(playground: Playground) -> list[str]:
    """The script in blocks: title, imports, examples, network, training, and what it came to."""
    setup, state = playground.setup, playground.setup.state
    classes, standard, steps = setup.dataset.classes, state["data"]["scaling"] == "standard", playground.now.steps
    truth = "rows[:, -1].astype(int)" if classes else "rows[:, -1]"
    examples = [
        f'rows = np.loadtxt("{POINTS}", delimiter=",", skiprows=1)',
        f"examples = data.Examples(rows[:, :-1], {truth})",
        f"train, test = data.split(examples, {state['test']!r}, seed={state['run']['seed']}, stratify={bool(classes)})",
    ]
    if standard and not classes:
        examples.append('train = data.TargetScaling.fit(train, "standard")(train)  # the loss is of scaled values')
    examples.append('scaling = data.Scaling.fit(train.x, "standard")' if standard else "scaling = data.Scaling.none()")
    (outputs,) = setup.network.output_shape
    names = f", classes={classes!r}" if classes else ""
    outcome = [
        f"model = Model(network, result.theta, {_loss(setup.training.loss)}, scaling{names})",
        "loss, accuracy = model.evaluate(train)",
        'print(f"training loss {loss:.10g}")',
    ]
    return [
        f'"""Train the network of a playground, {steps} steps: its points are in {POINTS}."""',
        "import itertools\n\nimport numpy as np\n\nimport sfumato\nfrom sfumato import Model, data\n"
        "from sfumato.optimizers.schedules import make_schedule",
        "\n".join(examples),
        _network(state["network"], len(setup.dataset.features), outputs),
        _training(playground),
        "\n".join(outcome),
    ]


def _loss(loss: Any) -> str:
    return f"sfumato.{type(loss).__name__}()"


def _network(settings: Mapping[str, Any], inputs: int, outputs: int) -> str:
    scale = settings["init_scale"]
    init = repr(settings["init"]) if scale is None else f"sfumato.Normal({scale!r})"
    layers = []
    for units, activation in zip(settings["hidden"], activations(settings), strict=True):
        dropout = f", sfumato.Dropout({settings['dropout']!r})" if settings["dropout"] else ""
        layers.append(f"    sfumato.Dense({units}, {init}), sfumato.{LAYERS[activation]}(){dropout},")
    return "\n".join(["layers = [", *layers, f"    sfumato.Dense({outputs}, {init}),", "]", _made(inputs)])


def _made(inputs: int) -> str:
    return f"network = sfumato.Network(layers, {inputs})"


def _training(playground: Playground) -> str:
    state, steps, batches = playground.setup.state, playground.now.steps, playground.batches
    optimizer, run = state["optimizer"], state["run"]
    settings = [f"{name}={value!r}" for name, value in chosen(optimizer).items()]
    settings += ["decays=network.decaying()"] if optimizer["name"] == "adamw" else []
    epochs = run["epochs"] or steps // batches + 1
    decay = "" if optimizer["decay"] is None else f", decay={optimizer['decay']!r}"
    rate = f"make_schedule({optimizer['schedule']!r}, {optimizer['learning_rate']!r}, epochs={epochs}{decay})"
    return "\n".join(
        [
            "steps = itertools.count()",
            "result = sfumato.fit(",
            f"    network, {_loss(playground.setup.training.loss)}, train, scaling=scaling,",
            f"    optimizer=sfumato.{OPTIMIZERS[optimizer['name']]}({', '.join(settings)}),",
            f"    learning_rate={rate},",
            f"    l2={state['objective']['l2']!r}, batch_size={run['batch']!r}, epochs={epochs}, seed={run['seed']},",
            f'    run=sfumato.RunOptions(engine="numpy/{run["precision"]}", stop=lambda: next(steps) == {steps}),',
            ")",
        ]
    )
