"""Data, the ways of optimizers, and what keeps a network from learning by heart."""

import math
import random

from diagrams.drawing import SMALL, Drawing, Plane, Point


def mini_batches() -> Drawing:
    """Draw an epoch: the order drawn anew, and cut into mini-batches."""
    d = Drawing(
        "An epoch: the twelve examples are shuffled and cut into three mini-batches, with a step after each", 380, 160
    )
    order = [7, 2, 11, 4, 1, 9, 12, 5, 3, 10, 6, 8]
    cell = 27.0
    left = (380 - 12 * cell) / 2
    d.grid((left, 14), 1, 12, cell, "faint")
    d.numbers((left, 14), [list(range(1, 13))], cell)
    for place, example in enumerate(order):
        start, end = left + (example - 0.5) * cell, left + (place + 0.5) * cell + 8 * (place // 4 - 1)
        d.line((start, 41), (end, 78), "faint", 0.8)
    for batch, colour in enumerate(("blue", "orange", "green")):
        corner = (left + 4 * batch * cell + 8 * (batch - 1), 78.0)
        d.grid(corner, 1, 4, cell, colour, 0.15)
        d.numbers(corner, [order[4 * batch : 4 * batch + 4]], cell)
        d.line((corner[0] + 2 * cell, 107), (corner[0] + 2 * cell, 128), colour, arrow=True)
        d.text(corner[0] + 2 * cell, 142, f"step {batch + 1}", colour, 12)
    return d


def three_sets() -> Drawing:
    """Draw the split into training, validation and test examples."""
    d = Drawing(
        "All examples, split: training fits the weights, validation the settings, the test is for the end", 380, 124
    )
    for x, width, name, use, colour in (
        (10, 206, "training", "weights", "blue"),
        (222, 70, "validation", "settings", "orange"),
        (298, 72, "test", "once", "green"),
    ):
        d.box((x, 14), width, 44, colour, 0.2)
        d.text(x + width / 2, 36, name, colour, 12.5)
        d.line((x + width / 2, 60), (x + width / 2, 84), colour, arrow=True)
        d.text(x + width / 2, 98, use, colour, 12)
    return d


def overfitting() -> Drawing:
    """Draw training and validation loss: the latter rises again."""
    d = Drawing("Overfitting: the training loss falls on and on, the validation loss falls, then rises again", 380, 200)
    plane = Plane(d, (24, 14), (336, 150), (0, 10), (0, 3))
    plane.axes("epochs", "loss")
    plane.graph(lambda t: 0.12 + 2.4 * math.exp(-0.55 * t), "blue", (0.05, 9.7))
    plane.graph(lambda t: 0.42 + 2.2 * math.exp(-0.75 * t) + 0.011 * t**2, "orange", (0.05, 9.7))
    best, low = plane.at(3.85, 0.42 + 2.2 * math.exp(-0.75 * 3.85) + 0.011 * 3.85**2)
    d.curve([(best, 30), (best, 164)], "green", 1.2, dashed=True)
    d.circle((best, low), 5, "orange", 1)
    d.text(best, 20, "stop here", "green", 12)
    d.text(352, 58, "validation", "orange", 13, "end")
    d.text(352, 132, "training", "blue", 13, "end")
    d.text(110, 188, "too little", "faint", 12)
    d.text(238, 188, "learned by heart", "faint", 12)
    return d


def l2_as_a_bowl() -> Drawing:
    """Draw a loss, a penalty, and their sum, in one weight."""
    d = Drawing("The penalty is a bowl around 0; added to the loss, it moves the minimum toward 0", 380, 186)
    plane = Plane(d, (20, 12), (340, 136), (-2.6, 4.8), (-0.1, 3.6))
    plane.axes("*w*", origin=(0, 0))
    plane.graph(lambda w: 0.5 * (w - 2) ** 2 + 0.3, "blue")
    plane.graph(lambda w: 0.25 * w * w, "orange")
    plane.graph(lambda w: 0.5 * (w - 2) ** 2 + 0.3 + 0.25 * w * w, "green")
    for w, y, colour in (
        (2, 0.3, "blue"),
        (0, 0, "orange"),
        (4 / 3, 0.5 * (2 / 3) ** 2 + 0.3 + 0.25 * 16 / 9, "green"),
    ):
        d.circle(plane.at(w, y), 4.5, colour, 1)
    for x, name, colour in ((70, "loss", "blue"), (182, "penalty", "orange"), (306, "their sum", "green")):
        d.line((x - 40, 172), (x - 20, 172), colour, 2)
        d.text(x - 14, 172, name, colour, 12, "start")
    return d


def three_learning_rates() -> Drawing:
    """Draw gradient descent on a bowl with three rates."""
    d = Drawing(
        "Gradient descent on a bowl: a small rate creeps, a right one arrives, a large one is thrown out", 380, 158
    )
    for i, (name, rate, steps) in enumerate((("too small", 0.06, 8), ("right", 0.38, 6), ("too large", 1.08, 6))):
        plane = Plane(d, (6 + 126 * i, 12), (116, 110), (-2.6, 2.6), (-0.2, 3.4))
        plane.graph(lambda w: 0.5 * w * w, "faint")
        w = -2.2 if rate < 1 else -1.2
        points: list[Point] = []
        for _ in range(steps):
            points.append(plane.at(w, 0.5 * w * w))
            w -= rate * 2 * w if rate > 1 else rate * w
        colour = ("blue", "green", "orange")[i]
        d.curve(points, colour, 1.6)
        for point in points:
            d.circle(point, 3.2, colour, 1)
        d.text(64 + 126 * i, 142, name, colour)
    return d


def descent(rate: float, beta: float, steps: int) -> list[Point]:
    """Return the way on the valley a^2 / 2 + 12 b^2 / 2, by momentum of the classical form."""
    a, b, va, vb = -4.6, 0.8, 0.0, 0.0
    way = [(a, b)]
    for _ in range(steps):
        va, vb = beta * va + a, beta * vb + 12 * b
        a, b = a - rate * va, b - rate * vb
        way.append((a, b))
    return way


def momentum_in_a_ravine() -> Drawing:
    """Draw gradient descent and momentum in a long valley."""
    d = Drawing(
        "A ravine seen from above: gradient descent zigzags, momentum averages that away and runs along it", 380, 226
    )
    for top, (name, colour, way) in zip(
        (10, 116),
        (
            ("gradient descent", "orange", descent(0.155, 0.0, 14)),
            ("momentum", "blue", descent(0.05, 0.6, 14)),
        ),
        strict=True,
    ):
        plane = Plane(d, (10, top), (360, 84), (-5.2, 3.3), (-1.05, 1.05))
        for level in (0.5, 2.0, 4.5):
            centre, edge = plane.at(0, 0), plane.at((2 * level) ** 0.5, (level / 6) ** 0.5)
            d.ellipse(centre, edge[0] - centre[0], centre[1] - edge[1], "faint")
        d.curve([plane.at(*point) for point in way], colour)
        for point in way:
            d.circle(plane.at(*point), 2.6, colour, 1)
        d.circle(plane.at(0, 0), 3.5, "green", 1)
        d.text(14, top + 92, name, colour, 12, "start")
    return d


def weights_of_an_average() -> Drawing:
    """Draw the weights with which past values enter an exponentially weighted mean."""
    d = Drawing(
        "Weights of past values in an exponentially weighted mean: 0.1 now, and a tenth less for each step back",
        380,
        186,
    )
    plane = Plane(d, (24, 16), (336, 122), (-30.5, 1.5), (0, 0.115))
    plane.axes(origin=(-30.5, 0))
    for back in range(31):
        x, y = plane.at(-back, 0.1 * 0.9**back)
        d.line((x, plane.at(0, 0)[1]), (x, y), "blue", 5)
    for back, text in ((0, "now"), (10, "10 back"), (20, "20 back"), (29, "29")):
        d.text(plane.at(-back, 0)[0], 151, text, "faint", SMALL)
    ten = plane.at(-10, 0.1 * 0.9**10)
    d.line((ten[0], 66), (ten[0], ten[1] - 3), "orange", arrow=True)
    d.text(ten[0], 54, "a third of the first", "orange", 12)
    d.text(40, 176, "*β* = 0.9:  weight (1 − *β*) *β*^{k} for the value k steps back", "ink", 12, "start")
    return d


def schedules() -> Drawing:
    """Draw four schedules of the learning rate."""
    d = Drawing("Learning rates over the epochs: constant, in steps, exponential, and cosine with a warm-up", 380, 150)
    for i, name in enumerate(("constant", "steps", "exponential", "warm-up, cosine")):
        plane = Plane(d, (8 + 94 * i, 14), (80, 84), (0, 1), (0, 1.2))
        plane.axes()
        if name == "constant":
            plane.graph(lambda t: 0.9, ends=(0, 0.95))
        elif name == "steps":
            d.curve(
                [plane.at(*p) for p in ((0, 0.9), (0.33, 0.9), (0.33, 0.45), (0.66, 0.45), (0.66, 0.22), (0.95, 0.22))],
                "blue",
                2,
            )
        elif name == "exponential":
            plane.graph(lambda t: 0.9 * math.exp(-2.6 * t), ends=(0, 0.95))
        else:
            d.curve([plane.at(0, 0.05), plane.at(0.15, 0.9)], "blue", 2)
            plane.graph(lambda t: 0.45 * (1 + math.cos(math.pi * (t - 0.15) / 0.85)), ends=(0.15, 0.98))
        first, *rest = name.split(", ")
        d.text(48 + 94 * i, 115, first, "ink", 12)
        for word in rest:
            d.text(48 + 94 * i, 131, word, "ink", 12)
    return d


def grid_and_random() -> Drawing:
    """Draw nine trials on a grid and nine at random, and what they try of the setting that matters."""
    d = Drawing("Nine trials on a grid try three values of the setting that matters, nine at random try nine", 380, 214)
    drawn = random.Random(4)
    for i, name in enumerate(("grid", "random")):
        plane = Plane(d, (14 + 188 * i, 50), (164, 120), (0, 1), (0, 1))
        d.box((14 + 188 * i, 50), 164, 120, "faint")
        across = (
            [(k % 3 + 0.5) / 3 for k in range(9)] if i == 0 else [(k + drawn.uniform(0.1, 0.9)) / 9 for k in range(9)]
        )
        up = [(k // 3 + 0.5) / 3 for k in range(9)] if i == 0 else [(k + 0.5) / 9 for k in (4, 0, 7, 2, 8, 5, 1, 6, 3)]
        hill = Plane(d, (14 + 188 * i, 16), (164, 30), (0, 1), (0, 1.1))
        hill.graph(lambda t: math.exp(-(((t - 0.72) / 0.13) ** 2)), "green")
        for x, y in zip(across, up, strict=True):
            d.circle(plane.at(x, y), 4, "blue", 1)
            d.line((plane.at(x, 0)[0], 48), (plane.at(x, 0)[0], 38), "orange", 2)
        d.text(96 + 188 * i, 184, name)
    d.text(190, 203, "across: what matters; up: what does not", "faint", SMALL)
    return d


DIAGRAMS = (
    mini_batches,
    three_sets,
    overfitting,
    l2_as_a_bowl,
    three_learning_rates,
    momentum_in_a_ravine,
    weights_of_an_average,
    schedules,
    grid_and_random,
)
