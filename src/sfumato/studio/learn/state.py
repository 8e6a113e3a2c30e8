"""The state of a playground: a plain object, as the page's address and exports hold it, checked field by field.

`parse_state` fills in what is left out, and refuses in one line what cannot be used. `merged` changes some fields;
`resets` tells whether training then begins again.
"""

import json
from collections.abc import Mapping
from typing import Any

from sfumato.checks import fraction, nonnegative, one_of, positive, whole
from sfumato.errors import InputError
from sfumato.layers import ACTIVATIONS
from sfumato.layers.initializers import INITIALIZERS, make_initializer
from sfumato.optimizers import OPTIMIZERS, make_optimizer, settings_of
from sfumato.optimizers.schedules import SCHEDULES, make_schedule
from sfumato.studio.learn.fields import FieldError, filled_in, naming, number_in

VERSION = 1

MOST_POINTS, MOST_CLASSES, MOST_LAYERS, MOST_UNITS = 5000, 10, 6, 128
"""Limits of what is trained while somebody watches."""

GRIDS = (25, 50, 100)
"""Sides of a map, in cells."""

NOISE = {"spiral": 0.2, "circles": 0.05, "moons": 0.15, "blobs": 0.5, "plane": 0.05, "waves": 0.05}
"""Kinds of data that are generated, each with the noise that it has by default."""

CLASSES = {"spiral": 3, "circles": 2, "moons": 2, "blobs": 3, "plane": None, "waves": None}
"""Classes by default; of circles and moons there are always two, and plane and waves are regressions."""

GIVEN = ("points", "table")
"""Kinds of data that the page gives: points drawn by hand, and two columns and the target of a table."""

FEATURES = ("x1", "x2", "x1^2", "x2^2", "x1*x2", "sin x1", "sin x2")

RATES = {"adam": 0.03, "adamw": 0.03, "rmsprop": 0.03}
"""Learning rates by default where the optimizer's own is for long trainings by mini-batches."""

RATE_FIELDS = {"learning_rate": None, "schedule": "constant", "decay": None}
"""Fields of an optimizer that change while it keeps its averages."""

MOST_VIEW = 4096
"""Bytes of JSON that the page may keep in the state for itself."""


def parse_state(values: Any) -> dict[str, Any]:
    """Read a state from JSON, with all defaults filled in.

    Raises:
        FieldError: for a field that there is not, or a value that cannot be used; it names the field.
    """
    sections = ("data", "network", "objective", "optimizer", "run", "view")
    others = {"v": VERSION, "features": ["x1", "x2"], "test": 0.3}
    given = filled_in(values, "", {**others, **{name: {} for name in sections}})
    if given["v"] != VERSION or isinstance(given["v"], bool):
        raise FieldError(f"a state of version {str(given['v'])[:20]} is not known here; this is {VERSION}", "v")
    state = {
        "v": VERSION,
        "data": _data(given["data"]),
        "features": _features(given["features"]),
        "network": _network(given["network"]),
        "objective": _objective(given["objective"]),
        "optimizer": _optimizer(given["optimizer"]),
        "run": _run(given["run"]),
        "test": given["test"],
        "view": _view(given["view"]),
    }
    with naming("test"):
        state["test"] = fraction("part held out", given["test"])
    _check_together(state)
    return state


def merged(state: Mapping[str, Any], patch: Any) -> dict[str, Any]:
    """Change some fields of a state: objects are merged, everything else is replaced.

    Data of another kind, and another optimizer, keep none of the fields of the old one but the schedule.

    Raises:
        FieldError: if the patch is no object.
    """
    if not isinstance(patch, dict):
        raise FieldError("a patch must be an object of names and values")
    changed = dict(state)
    for name, value in patch.items():
        old: Any = state.get(name)
        objects = isinstance(old, dict) and isinstance(value, dict)
        if not objects or (name == "data" and value.get("kind", old["kind"]) != old["kind"]):
            changed[name] = value
        elif name == "optimizer" and value.get("name", old["name"]) != old["name"]:
            changed[name] = {"schedule": old["schedule"], "decay": old["decay"], **value}
        else:
            changed[name] = {**old, **value}
    return changed


def resets(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether training begins again: with other data, features, shape, first weights, precision or examples."""

    def beginning(state: Mapping[str, Any]) -> tuple[Any, ...]:
        network = {name: value for name, value in state["network"].items() if name != "dropout"}
        run = state["run"]
        return state["data"], state["features"], state["test"], network, run["seed"], run["precision"]

    return beginning(old) != beginning(new)


def averages_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the optimizer on which its averages depend; L-BFGS's also depend on the penalty."""
    optimizer = {name: value for name, value in state["optimizer"].items() if name not in RATE_FIELDS}
    return optimizer | ({"l2": state["objective"]["l2"]} if optimizer["name"] == "lbfgs" else {})


def _data(values: Any) -> dict[str, Any]:
    kind = "spiral" if not isinstance(values, dict) or values.get("kind") is None else values["kind"]
    with naming("data.kind"):
        one_of("kind of data", kind, (*NOISE, *GIVEN))
    common = {"kind": kind, "scaling": "standard" if kind == "table" else "none"}
    if kind in GIVEN:
        names = {"columns": ["x1", "x2"], "target": "y", "labels": None} if kind == "table" else {}
        data = filled_in(values, "data", {**common, "rows": [], "task": "classification", **names})
        _check_rows(data)
    else:
        own = {"n": 300, "noise": NOISE[kind], "seed": 0, "classes": CLASSES[kind]}
        data = filled_in(values, "data", {**common, **own})
        _check_generated(data)
    with naming("data.scaling"):
        one_of("scaling", data["scaling"], ("none", "standard"))
    return data


def _check_generated(data: dict[str, Any]) -> None:
    kind = data["kind"]
    with naming("data.n"):
        whole("number of points", data["n"], 2, MOST_POINTS)
    with naming("data.noise"):
        data["noise"] = number_in("noise", data["noise"], 0, 10)
    with naming("data.seed"):
        whole("seed of the points", data["seed"], 0, 2**32 - 1)
    if kind in ("spiral", "blobs"):
        with naming("data.classes"):
            whole("number of classes", data["classes"], 2, MOST_CLASSES)
        if data["n"] < 2 * data["classes"]:
            raise FieldError(f"{data['classes']} classes need {2 * data['classes']} points at least", "data.n")
    elif data["classes"] != CLASSES[kind]:
        always = f"always {CLASSES[kind]} classes" if CLASSES[kind] else "values and no classes"
        raise FieldError(f"{kind} has {always}; choose spiral or blobs for others", "data.classes")


def _check_rows(data: dict[str, Any]) -> None:
    """Check points that are given: x1, x2, and the number of a class or a value."""
    with naming("data.task"):
        one_of("task", data["task"], ("classification", "regression"))
    rows, values = data["rows"], data["task"] == "regression"
    if not isinstance(rows, list) or not 2 <= len(rows) <= MOST_POINTS:
        raise FieldError(
            f"give 2 to {MOST_POINTS} points, each [x1, x2, {'value' if values else 'class'}]", "data.rows"
        )
    for number, row in enumerate(rows):
        with naming("data.rows"):
            if not isinstance(row, list) or len(row) != 3:
                raise InputError(f"point {number} (from 0) must be three numbers, [x1, x2, y]")
            for entry in row:
                number_in(f"entries of point {number} (from 0)", entry, -1e9, 1e9)
            if not values:
                whole(f"class of point {number} (from 0)", row[2], 0, MOST_CLASSES - 1)
    if data["kind"] == "table":
        _check_names(data, 0 if values else max(2, 1 + max(row[2] for row in rows)))


def _check_names(data: dict[str, Any], classes: int) -> None:
    """Check the names of a table's columns and classes."""
    columns, labels = data["columns"], data["labels"]
    names = [*columns, data["target"]] if isinstance(columns, list) else []
    if len(names) != 3 or len(set(map(str, names))) != 3 or not all(map(_is_name, names)):
        raise FieldError("the two columns and the target need different names of 1 to 100 characters", "data.columns")
    if labels is None:
        return
    if not classes:
        raise FieldError("a regression has no labels of classes: leave them out", "data.labels")
    if not (isinstance(labels, list) and all(map(_is_name, labels)) and len(set(labels)) == len(labels) == classes):
        raise FieldError(f"give {classes} different labels, one for each class, of 1 to 100 characters", "data.labels")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 100 and value.isprintable() and value.strip() == value


def _features(values: Any) -> list[str]:
    with naming("features"):
        if not isinstance(values, list) or not values:
            raise InputError(f"the features are a list of at least one of {', '.join(FEATURES)}")
        for value in values:
            one_of("feature", value, FEATURES)
    return [name for name in FEATURES if name in values]


def _network(values: Any) -> dict[str, Any]:
    defaults = {"hidden": [8], "activation": "tanh", "init": "xavier", "init_scale": None, "dropout": 0}
    network = filled_in(values, "network", defaults)
    hidden, activation = network["hidden"], network["activation"]
    with naming("network.hidden"):
        if not isinstance(hidden, list) or len(hidden) > MOST_LAYERS:
            raise InputError(f"the hidden layers are a list of at most {MOST_LAYERS} numbers of units")
        for number, units in enumerate(hidden, 1):
            whole(f"units of hidden layer {number}", units, 1, MOST_UNITS)
    with naming("network.activation"):
        if isinstance(activation, list) and len(activation) != len(hidden):
            raise InputError(f"{len(hidden)} hidden layers need as many activations, not {len(activation)}")
        for name in activation if isinstance(activation, list) else [activation]:
            one_of("activation", name, ACTIVATIONS)
    with naming("network.init"):
        one_of("initialiser", network["init"], INITIALIZERS)
    with naming("network.init_scale"):
        make_initializer(network["init"], network["init_scale"])
    with naming("network.dropout"):
        network["dropout"] = fraction("probability of dropping", network["dropout"])
    return network


def _objective(values: Any) -> dict[str, Any]:
    objective = filled_in(values, "objective", {"l2": 0})
    with naming("objective.l2"):
        objective["l2"] = nonnegative("L2 penalty", objective["l2"])
    return objective


def own_settings(name: str) -> dict[str, Any]:
    """Settings of the optimizer called `name`, with their defaults; masks of weights are chosen by the network."""
    made = make_optimizer(name)
    return {own: getattr(made, own) for own in settings_of(name) if own != "decays"}


def _optimizer(values: Any) -> dict[str, Any]:
    name = "adam" if not isinstance(values, dict) or values.get("name") is None else values["name"]
    with naming("optimizer.name"):
        one_of("optimizer", name, OPTIMIZERS)
    rate = RATES.get(name, OPTIMIZERS[name].learning_rate)
    defaults = {"name": name, **RATE_FIELDS, "learning_rate": rate}
    optimizer = filled_in(values, "optimizer", {**defaults, **own_settings(name)})
    for own, default in own_settings(name).items():
        with naming(f"optimizer.{own}"):
            _check_type(own, optimizer[own], default)
            make_optimizer(name, **{own: optimizer[own]})
    with naming("optimizer.learning_rate"):
        optimizer["learning_rate"] = positive("learning rate", optimizer["learning_rate"])
    with naming("optimizer.schedule"):
        one_of("schedule", optimizer["schedule"], SCHEDULES)
    with naming("optimizer.decay"):
        make_schedule(optimizer["schedule"], optimizer["learning_rate"], epochs=1, decay=optimizer["decay"])
    return optimizer


def _check_type(name: str, value: Any, default: Any) -> None:
    """Refuse a setting of another type than its default; a whole number is a number too."""
    if isinstance(default, bool) or isinstance(value, bool):
        fits = isinstance(value, bool) and isinstance(default, bool)
    else:
        fits = isinstance(value, int | float if isinstance(default, float) else type(default))
    if not fits:
        raise InputError(f"the {name.replace('_', ' ')} cannot be {json.dumps(value)[:50]}")
    if name in ("history", "max_evaluations"):
        whole(name.replace("_", " "), value, 1, 100)


def _run(values: Any) -> dict[str, Any]:
    defaults = {"batch": "full", "seed": 0, "epochs": None, "precision": "float32", "steps_per_frame": 1}
    run = filled_in(values, "run", defaults)
    if run["batch"] != "full":
        with naming("run.batch"):
            whole("batch size", run["batch"], 1, MOST_POINTS)
    with naming("run.seed"):
        whole("seed", run["seed"], 0, 2**53)
    if run["epochs"] is not None:
        with naming("run.epochs"):
            whole("number of epochs", run["epochs"], 1, 10**9)
    with naming("run.precision"):
        one_of("precision", run["precision"], ("float32", "float64"))
    with naming("run.steps_per_frame"):
        whole("steps of a frame", run["steps_per_frame"], 1, 1000)
    return run


def _view(values: Any) -> dict[str, Any]:
    if not isinstance(values, dict) or len(json.dumps(values)) > MOST_VIEW:
        raise FieldError(f"the view must be an object of at most {MOST_VIEW} bytes of JSON", "view")
    grid = values.get("grid") or 50
    if isinstance(grid, bool) or grid not in GRIDS:
        raise FieldError(f"the grid has {', '.join(map(str, GRIDS))} cells a side, not {str(grid)[:20]}", "view.grid")
    return {**values, "grid": grid}


def _check_together(state: Mapping[str, Any]) -> None:
    """Refuse fields that contradict each other."""
    name, run = state["optimizer"]["name"], state["run"]
    if OPTIMIZERS[name].full_batch and run["batch"] != "full":
        raise FieldError(f"{name} needs the same objective at every step: use the full batch", "run.batch")
    if OPTIMIZERS[name].full_batch and state["network"]["dropout"]:
        raise FieldError(f"{name} needs the same objective at every step: leave out dropout", "network.dropout")
    if state["optimizer"]["schedule"] == "cosine" and run["epochs"] is None:
        raise FieldError("the cosine schedule needs the number of epochs after which it ends", "run.epochs")
