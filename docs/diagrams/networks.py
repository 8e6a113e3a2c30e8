"""Units and networks, and what flows through them."""

import itertools
import operator
from collections.abc import Callable

from diagrams.drawing import SMALL, Drawing, Plane, Point

UNIT = 15.0


def between(a: Point, b: Point, radius: float = UNIT) -> tuple[Point, Point]:
    """Return where a line from one circle's centre to another's leaves the one and meets the other."""
    length = ((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2) ** 0.5
    x, y = (b[0] - a[0]) / length * radius, (b[1] - a[1]) / length * radius
    return (a[0] + x, a[1] + y), (b[0] - x, b[1] - y)


def column(x: float, middle: float, count: int, gap: float = 44) -> list[Point]:
    """Return the centres of a layer's units."""
    return [(x, middle + (i - (count - 1) / 2) * gap) for i in range(count)]


def connect(drawing: Drawing, left: list[Point], right: list[Point], colour: str = "faint") -> None:
    """Draw a line from each unit of a layer to each of the next."""
    for a in left:
        for b in right:
            drawing.line(*between(a, b), colour, 1)


def unit() -> Drawing:
    """Draw a unit: inputs times weights, added up, squashed."""
    d = Drawing("A unit: each input times its weight, added up with the bias to z, and squashed to p", 380, 200)
    inputs = column(30, 84, 3, 56)
    for k, centre in enumerate(inputs, 1):
        d.circle(centre, UNIT, "blue", 0.12)
        d.text(*centre, f"*x*_{{{k}}}")
        d.line((centre[0] + UNIT, centre[1]), (145, 84 + (k - 2) * 18), "blue", arrow=True)
        d.text(92, (30, 73, 137)[k - 1], f"*W*_{{{k}}}", "blue")
    d.circle((172, 84), 26, "ink")
    d.text(172, 84, "Σ", size=20)
    d.line((172, 160), (172, 111), "blue", arrow=True)
    d.text(172, 172, "bias *b*", "blue")
    d.line((198, 84), (260, 84), arrow=True)
    d.text(228, 70, "*z*")
    d.circle((286, 84), 26, "ink")
    d.text(286, 84, "*σ*", size=18)
    d.line((312, 84), (350, 84), arrow=True)
    d.text(362, 84, "*p*")
    return d


def perceptron() -> Drawing:
    """Draw a perceptron: a weighted sum, and a step."""
    d = Drawing("A perceptron: a weighted sum, then a step: 1 where the sum is positive, 0 elsewhere", 380, 150)
    for k, centre in enumerate(column(30, 74, 2, 70), 1):
        d.circle(centre, UNIT, "blue", 0.12)
        d.text(*centre, f"*x*_{{{k}}}")
        d.line((centre[0] + UNIT, centre[1]), (126, 74 + (k - 1.5) * 16), "blue", arrow=True)
        d.text(92, 38 if k == 1 else 110, f"*w*_{{{k}}}", "blue")
    d.circle((145, 74), 21)
    d.text(145, 74, "Σ", size=18)
    d.line((166, 74), (214, 74), arrow=True)
    d.text(190, 62, "*z*")
    d.box((216, 46), 76, 56)
    d.curve([(224, 92), (254, 92), (254, 58), (284, 58)], "orange", 2)
    d.text(235, 81, "0", "orange", SMALL)
    d.text(268, 69, "1", "orange", SMALL)
    d.line((292, 74), (330, 74), arrow=True)
    d.text(352, 74, "0 or 1")
    return d


def and_or_xor() -> Drawing:
    """Draw three functions of two bits in the plane, with the lines that separate them."""
    d = Drawing(
        "AND, OR and XOR in the plane: one line separates the ones from the zeros of the first two, none of XOR",
        380,
        172,
    )
    functions: tuple[tuple[str, float | None, Callable[[int, int], int]], ...] = (
        ("AND", 1.5, operator.and_),
        ("OR", 0.5, operator.or_),
        ("XOR", None, operator.xor),
    )
    for i, (name, level, function) in enumerate(functions):
        plane = Plane(d, (18 + 126 * i, 30), (92, 92), (-0.35, 1.5), (-0.35, 1.5))
        plane.axes(origin=(0, 0))
        d.text(66 + 126 * i, 14, name, size=14)
        if level is not None:
            ends = [(-0.35, level + 0.35), (level + 0.35, -0.35)] if level < 1 else [(0.1, 1.4), (1.4, 0.1)]
            d.curve([plane.at(*end) for end in ends], "green", 2.4)
        for a in (0, 1):
            for b in (0, 1):
                one = function(a, b)
                d.circle(plane.at(a, b), 7, "orange" if one else "blue", 1 if one else 0)
    d.text(130, 154, "filled: 1, empty: 0", "faint", SMALL)
    d.text(318, 154, "no single line", "orange", SMALL)
    return d


def chain_rule() -> Drawing:
    """Draw the chain rule of several variables: products along the ways, added up."""
    d = Drawing(
        "The chain rule as a graph: t reaches J by u and by v; derivatives multiply along a way and add up", 380, 176
    )
    t, u, v, J = (34.0, 76.0), (180.0, 30.0), (180.0, 122.0), (336.0, 76.0)
    for name, centre in zip("tuvJ", (t, u, v, J), strict=True):
        d.circle(centre, 18)
        d.text(*centre, f"*{name}*", size=15)
    for a, b, label, place in (
        (t, u, "∂*u*/∂*t*", (92, 34)),
        (t, v, "∂*v*/∂*t*", (92, 118)),
        (u, J, "∂*J*/∂*u*", (274, 34)),
        (v, J, "∂*J*/∂*v*", (274, 118)),
    ):
        colour = "blue" if u in (a, b) else "orange"
        d.line(*between(a, b, 18), colour, arrow=True)
        d.text(*place, label, colour)
    d.text(84, 162, "d*J*/d*t*  =", anchor="end")
    d.text(150, 162, "∂*J*/∂*u* · ∂*u*/∂*t*", "blue")
    d.text(218, 162, "+")
    d.text(286, 162, "∂*J*/∂*v* · ∂*v*/∂*t*", "orange")
    return d


def two_three_one() -> Drawing:
    """Draw a network of two inputs, three hidden units and one output, with the shapes of its arrays."""
    d = Drawing(
        "A network of 2 inputs, 3 hidden units and 1 output, with the shapes of its weights and activations", 380, 198
    )
    layers = [column(x, 84, count, 50) for x, count in ((60, 2), (190, 3), (320, 1))]
    connect(d, layers[0], layers[1], "blue")
    connect(d, layers[1], layers[2], "blue")
    names = (("*x*_{1}", "*x*_{2}"), ("*a*_{1}", "*a*_{2}", "*a*_{3}"), ("*p*",))
    for centres, texts in zip(layers, names, strict=True):
        for centre, text in zip(centres, texts, strict=True):
            d.circle(centre, UNIT)
            d.text(*centre, text)
    for x, name, shape in ((60, "*X*", "n × 2"), (190, "*A*^{[1]}", "n × 3"), (320, "*P*", "n × 1")):
        d.text(x, 164, name)
        d.text(x, 181, shape, "faint", SMALL)
    for x, name, shape in ((125, "*W*^{[1]}, *b*^{[1]}", "2 × 3, 3"), (255, "*W*^{[2]}, *b*^{[2]}", "3 × 1, 1")):
        d.text(x, 164, name, "blue")
        d.text(x, 181, shape, "blue", SMALL)
    return d


def l_layers() -> Drawing:
    """Draw a network of L layers with the shapes of what each has and gives."""
    d = Drawing(
        "A network of L layers: layer l takes A of layer l - 1, n by m of l - 1, and gives A of layer l, n by m of l",
        380,
        168,
    )
    texts = ("*X* = *A*^{[0]}", "*A*^{[1]}", "*A*^{[L−1]}", "*A*^{[L]}")
    for x, height, name, shape in zip(
        (38, 146, 246, 346),
        (76, 96, 60, 40),
        texts,
        ("n × m_{0}", "n × m_{1}", "n × m_{L−1}", "n × m_{L}"),
        strict=True,
    ):
        d.box((x - 9, 64 - height / 2), 18, height, "ink", 0.08)
        d.text(x, 124, name)
        d.text(x, 142, shape, "faint", SMALL)
    for start, end, name in ((49, 135, "*W*^{[1]}, *b*^{[1]}"), (257, 335, "*W*^{[L]}, *b*^{[L]}")):
        d.line((start, 64), (end, 64), "blue", arrow=True)
        d.text((start + end) / 2, 49, name, "blue", SMALL)
    d.text(196, 64, "…", size=20)
    d.text(92, 80, "m_{0} × m_{1}, m_{1}", "blue", SMALL)
    return d


def forward_and_back() -> Drawing:
    """Draw the computation graph of a unit: values go forward, gradients come back."""
    d = Drawing("Computation graph of a unit: X, Z, P and J forward; dP, dZ, and from it dW, db and dX, back", 380, 208)
    places = (("*X*", 28), ("*Z*", 142), ("*P*", 246), ("*J*", 350))
    for name, x in places:
        d.circle((x, 60), 19)
        d.text(x, 60, name, size=15)
    for (_, a), (_, b), name in zip(places, places[1:], ("*XW* + *b*", "*σ*(*Z*)", "loss"), strict=False):
        d.line((a + 18, 54), (b - 18, 54), "blue", 2, arrow=True)
        d.text((a + b) / 2, 38, name, "blue", SMALL)
    for (_, a), (_, b), name in zip(places, places[1:], ("*dX* = *dZ* *W*^{T}", "*dZ*", "*dP*"), strict=False):
        d.line((b - 18, 67), (a + 18, 67), "orange", 2, arrow=True)
        d.text((a + b) / 2, 83 if a > 30 else 90, name, "orange", SMALL)
    d.line((142, 79), (142, 128), "orange", 2, arrow=True)
    d.text(142, 140, "*dW* = *X*^{T} *dZ*,  *db* = sum of *dZ*", "orange")
    d.line((80, 178), (112, 178), "blue", 2, arrow=True)
    d.text(118, 178, "values", "blue", anchor="start")
    d.line((226, 178), (194, 178), "orange", 2, arrow=True)
    d.text(232, 178, "gradients", "orange", anchor="start")
    return d


def quarters() -> Drawing:
    """Draw two points of the plane of two units' sums, and the quarters in which z can only be larger."""
    d = Drawing(
        "Two points with z > 0, each with the quarter to its right and above; the two quarters overlap", 380, 200
    )
    plane = Plane(d, (90, 12), (200, 164), (-2.4, 2.4), (-2, 2))
    plane.axes("*s*", "*t*", origin=(0, 0))
    for s, t in ((-1.4, 0.9), (0.6, -1.2)):
        d.area([plane.at(*corner) for corner in ((s, t), (2.1, t), (2.1, 1.8), (s, 1.8))], "orange", 0.25)
        d.circle(plane.at(s, t), 5, "orange", 1)
        x, y = plane.at(s, t)
        d.text(x + 4, y + 15, "*z* > 0", "orange", SMALL, "start" if s > 0 else "end")
    d.text(190, 190, "*z* > 0 in both quarters, which overlap and have no end", "ink", SMALL)
    return d


def half_planes() -> Drawing:
    """Draw three half-planes whose overlap is a closed region."""
    d = Drawing(
        "Three hidden units are three half-planes; where all three are on, there is a closed region, a triangle",
        380,
        192,
    )
    corners = ((20, 126), (130, 126), (75, 20))
    sides = ((corners[0], corners[1]), (corners[1], corners[2]), (corners[2], corners[0]))
    for i in range(3):
        left = 4 + 92 * i
        (ax, ay), (bx, by) = sides[i]
        scaled = [(left + 0.52 * x, 10 + 0.8 * y) for x, y in ((ax, ay), (bx, by), corners[(i + 2) % 3])]
        d.box((left, 14), 76, 106, "faint")
        a, b = scaled[0], scaled[1]
        frame = (left, 14.0, left + 76, 120.0)
        side = clipped(frame, a, b, scaled[2])
        d.area(side, "blue", 0.25)
        d.text(left + 38, 134, f"unit {i + 1}", "blue", SMALL)
        if i < 2:
            d.text(left + 84, 67, "+", size=13)
    left = 290
    d.text(277, 67, "→", size=13)
    d.box((left, 14), 86, 106, "faint")
    triangle = [(left + 0.52 * x, 10 + 0.8 * y) for x, y in corners]
    for i in range(3):
        side = clipped((left, 14.0, left + 86, 120.0), triangle[i], triangle[(i + 1) % 3], triangle[(i + 2) % 3])
        d.area(side, "blue", 0.13)
    d.area(triangle, "orange", 0.55)
    d.text(left + 43, 134, "all three on", "orange", SMALL)
    d.text(190, 164, "1 in the blue, −1 outside it: the sum is 3 in the triangle,", "ink", SMALL)
    d.text(190, 180, "1 or less elsewhere, and *c* = −2 separates the two.", "ink", SMALL)
    return d


def clipped(frame: tuple[float, float, float, float], a: Point, b: Point, inside: Point) -> list[Point]:
    """Return the part of a rectangle on that side of the line through a and b on which a third point lies."""

    def side(p: Point) -> float:
        return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])

    sign = 1 if side(inside) > 0 else -1
    left, top, right, bottom = frame
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    points: list[Point] = []
    for p, q in zip(corners, corners[1:] + corners[:1], strict=True):
        s, t = sign * side(p), sign * side(q)
        if s >= 0:
            points.append(p)
        if s * t < 0:
            points.append((p[0] + (q[0] - p[0]) * s / (s - t), p[1] + (q[1] - p[1]) * s / (s - t)))
    return points


def dropout() -> Drawing:
    """Draw a network and two of its thinned ones."""
    d = Drawing(
        "Dropout: the whole network, and the thinned networks of two steps, in each of which other units are off",
        380,
        176,
    )
    for i, (name, off) in enumerate((("all units", ()), ("one step", (0, 3)), ("the next step", (1, 2)))):
        x = 18 + 128 * i
        layers = [column(x, 74, 3, 34), column(x + 44, 74, 4, 34), column(x + 88, 74, 2, 34)]
        alive = [
            [centre for k, centre in enumerate(layer) if place != 1 or k not in off]
            for place, layer in enumerate(layers)
        ]
        for left, right in itertools.pairwise(alive):
            for a in left:
                for b in right:
                    d.line(*between(a, b, 10), "blue", 1)
        for place, layer in enumerate(layers):
            for k, centre in enumerate(layer):
                gone = place == 1 and k in off
                d.circle(centre, 10, "faint" if gone else "ink", 0 if gone else 0.1, dashed=gone)
        d.text(x + 44, 158, name)
    return d


DIAGRAMS = (
    unit,
    perceptron,
    and_or_xor,
    chain_rule,
    two_three_one,
    l_layers,
    forward_and_back,
    quarters,
    half_planes,
    dropout,
)
