"""Functions of a number and of a few: activations, losses, softmax, quotients of differences."""

import math

from diagrams.drawing import SMALL, Drawing, Plane, Point


def sigmoid(z: float) -> float:
    """Return 1 / (1 + e^-z)."""
    return 1 / (1 + math.exp(-z))


def sigmoid_and_loss() -> Drawing:
    """Draw the sigmoid beside the loss of a class in the logit."""
    d = Drawing("The sigmoid, from 0 to 1 and a half at 0, and beside it the loss for either truth against z", 380, 172)
    left = Plane(d, (14, 16), (158, 110), (-6, 6), (-0.05, 1.15))
    left.axes("*z*", "*p* = *σ*(*z*)", (0, 0))
    left.graph(sigmoid)
    d.curve([left.at(-6, 1), left.at(6, 1)], "faint", 1, dashed=True)
    d.text(left.at(-6, 1)[0], left.at(0, 1)[1] - 9, "1", "faint", SMALL, "start")
    right = Plane(d, (206, 16), (158, 110), (-5, 5), (-0.3, 5.4))
    right.axes("*z*", "loss", (0, 0))
    right.graph(lambda z: math.log1p(math.exp(-z)), "blue")
    right.graph(lambda z: math.log1p(math.exp(z)), "orange")
    d.text(206, 158, "truth 1", "blue", SMALL, "start")
    d.text(366, 158, "truth 0", "orange", SMALL, "end")
    return d


def activations() -> Drawing:
    """Draw tanh, ReLU and leaky ReLU, each with its derivative."""
    d = Drawing("Tanh, ReLU and leaky ReLU, blue, and their derivatives, orange and dashed", 380, 166)
    for i, name in enumerate(("tanh", "ReLU", "leaky ReLU")):
        plane = Plane(d, (8 + 126 * i, 28), (110, 96), (-3, 3), (-1.3, 2.2))
        plane.axes(origin=(0, 0))
        d.text(63 + 126 * i, 13, name)
        if name == "tanh":
            plane.graph(math.tanh)
            plane.graph(lambda z: 1 - math.tanh(z) ** 2, "orange", dashed=True)
        else:
            slope = 0.2 if name == "leaky ReLU" else 0.0
            d.curve([plane.at(-3, -3 * slope), plane.at(0, 0), plane.at(2.2, 2.2)], "blue", 2)
            d.curve([plane.at(-3, slope), plane.at(0, slope)], "orange", 2, dashed=True)
            d.curve([plane.at(0, 1), plane.at(3, 1)], "orange", 2, dashed=True)
    d.text(120, 150, "the function", "blue", SMALL)
    d.text(250, 150, "its derivative", "orange", SMALL)
    return d


def softmax_triangle() -> Drawing:
    """Draw the probabilities of three classes as points of a triangle."""
    d = Drawing("Probabilities of three classes are a triangle: sure at a corner, a third each in the middle", 380, 224)
    corners = ((60.0, 180.0), (320.0, 180.0), (190.0, 24.0))

    def at(p: tuple[float, float, float]) -> Point:
        x, y = (sum(q * corner[i] for q, corner in zip(p, corners, strict=True)) for i in (0, 1))
        return x, y

    d.area(corners, "blue", 0.12)
    d.curve([*corners, corners[0]], "ink")
    way = []
    for i in range(41):
        powers = [math.exp(z * i / 12) for z in (2.0, 0.6, -0.4)]
        way.append(at((powers[0] / sum(powers), powers[1] / sum(powers), powers[2] / sum(powers))))
    d.curve(way, "orange", 2)
    for k in (0, 12, 40):
        d.circle(way[k], 4, "orange", 1)
    d.text(60, 198, "(1, 0, 0)", size=12)
    d.text(320, 198, "(0, 1, 0)", size=12)
    d.text(226, 22, "(0, 0, 1)", size=12, anchor="start")
    d.text(way[0][0] + 10, way[0][1], "(⅓, ⅓, ⅓)", "orange", SMALL, "start")
    d.text(190, 216, "orange: the same logits, times 0, 1, … ", "orange", SMALL)
    return d


def softmax_jacobian() -> Drawing:
    """Draw the signs of the softmax's Jacobian."""
    d = Drawing(
        "The Jacobian of softmax: p of i times 1 minus p of i on the diagonal, else minus p of i times p of j", 380, 196
    )
    d.text(24, 88, "*S*  =")
    for i in range(3):
        for j in range(3):
            same = i == j
            colour = "blue" if same else "orange"
            d.box((52 + 84 * j, 22 + 44 * i), 84, 44, colour, 0.2 if same else 0.08)
            text = f"*p*_{{{i + 1}}}(1 − *p*_{{{i + 1}}})" if same else f"−*p*_{{{i + 1}}}*p*_{{{j + 1}}}"
            d.text(94 + 84 * j, 44 + 44 * i, text, colour, 12)
        d.text(316, 44 + 44 * i, "sum 0", "faint", SMALL, "start")
    d.text(178, 172, "each column adds up to 0, too", "faint", SMALL)
    return d


def one_hot() -> Drawing:
    """Draw class numbers as rows with a single one."""
    d = Drawing(
        "One-hot: the classes 2, 0, 1 and 2 as rows of three numbers, with a one in the class's place", 380, 158
    )
    d.text(70, 14, "*y*")
    d.text(246, 14, "*Y*, n × K")
    d.grid((54, 28), 4, 1, 28)
    for row, k in enumerate((2, 0, 1, 2)):
        d.text(70 - 2, 42 + 28 * row, str(k))
        for column in range(3):
            hot = column == k
            d.box((204 + 28 * column, 28 + 28 * row), 28, 28, "ink", 0)
            if hot:
                d.box((206 + 28 * column, 30 + 28 * row), 24, 24, "orange", 0.25)
            d.text(218 + 28 * column, 42 + 28 * row, "1" if hot else "0", "orange" if hot else "faint")
    d.line((100, 84), (186, 84), arrow=True)
    return d


def two_sided_difference() -> Drawing:
    """Draw the tangent, the one-sided and the two-sided secant."""
    d = Drawing(
        "A curve with its tangent; the two-sided secant is nearly parallel to it, the one-sided is not", 380, 216
    )
    plane = Plane(d, (20, 12), (340, 164), (-1.6, 1.75), (-0.3, 3.2))

    def curve(t: float) -> float:
        return 0.95 + 0.5 * t + 0.45 * t * t + 0.06 * t**3

    plane.graph(curve, "ink")
    h = 1.2
    for a, b, colour in ((0.0, h, "orange"), (-h, h, "blue")):
        slope = (curve(b) - curve(a)) / (b - a)
        ends = [plane.at(t, curve(a) + slope * (t - a)) for t in (a - 0.2, b + 0.15)]
        d.curve(ends, colour, 2)
    d.curve([plane.at(t, curve(0) + 0.5 * t) for t in (-1.5, 1.6)], "green", 2, dashed=True)
    for t, name in ((-h, "θ − h"), (0, "θ"), (h, "θ + h")):
        d.circle(plane.at(t, curve(t)), 4, "ink", 1)
        d.text(plane.at(t, 0)[0], 178, name, "faint", 12)
        d.curve([plane.at(t, curve(t)), plane.at(t, -0.1)], "faint", 0.8, dashed=True)
    for x, name, colour in ((18, "tangent", "green"), (112, "two-sided", "blue"), (220, "one-sided", "orange")):
        d.line((x, 204), (x + 22, 204), colour, 2)
        d.text(x + 28, 204, name, colour, SMALL, "start")
    return d


def error_v() -> Drawing:
    """Draw the error of a quotient of differences against its step: a V on logarithmic axes."""
    d = Drawing(
        "Error of a difference quotient against its step, logarithmic: rounding falls, truncation rises, a V", 380, 196
    )
    plane = Plane(d, (30, 14), (320, 146), (-12, 0), (-12, 0.6))
    plane.axes("step *h* →", "error")

    def error(power: float, logarithm: float) -> float:
        h = 10**logarithm
        return math.log10(0.3 * h**power + 1e-16 / h)

    plane.graph(lambda t: error(1, t), "orange", (-11.6, -0.2))
    plane.graph(lambda t: error(2, t), "blue", (-11.6, -0.2))
    d.text(40, 142, "rounding, ε/*h*", "ink", 12, "start")
    d.text(232, 44, "one-sided, *h*", "orange", 12, "end")
    d.text(298, 112, "two-sided, *h*^{2}", "blue", 12)
    for power, t, colour in ((1, -8, "orange"), (2, -5.3, "blue")):
        d.circle(plane.at(t, error(power, t)), 4, colour, 1)
    d.text(plane.at(-8, 0)[0], 186, "10^{−8}", "orange", 12)
    d.text(plane.at(-5.3, 0)[0], 186, "10^{−5}", "blue", 12)
    return d


DIAGRAMS = (sigmoid_and_loss, activations, softmax_triangle, softmax_jacobian, one_hot, two_sided_difference, error_v)
