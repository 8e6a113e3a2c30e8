"""The chain rule in numbers, and XOR in two steps, for those who begin."""

from diagrams.drawing import SMALL, Drawing, Plane


def chain_rule_in_numbers() -> Drawing:
    """Draw x and y, their product p and sum q, and J = pq, with the derivative of each step on its arrow."""
    d = Drawing(
        "Graph: x and y lead to p and q, and these to J. Two paths lead from x to J, one by p and one by q", 380, 180
    )
    middles = {"x": (34, 38), "y": (34, 142), "p": (180, 38), "q": (180, 142), "J": (332, 90)}
    halves = {"x": 28, "y": 28, "p": 44, "q": 44, "J": 44}
    texts = {"x": "*x* = 2", "y": "*y* = 3", "p": "*p* = *xy* = 6", "q": "*q* = *x*+*y* = 5", "J": "*J* = *pq* = 30"}
    arrows = (
        ("x", "p", "*y* = 3", (98, 26)),
        ("x", "q", "1", (94, 62)),
        ("y", "p", "*x* = 2", (72, 96)),
        ("y", "q", "1", (98, 154)),
        ("p", "J", "*q* = 5", (270, 50)),
        ("q", "J", "*p* = 6", (270, 130)),
    )
    for start, end, slope, place in arrows:
        (a, b), (x, y) = middles[start], middles[end]
        colour = "faint" if start == "y" else "orange"
        d.line((a + halves[start], b), (x - halves[end], y), colour, arrow=True)
        d.text(*place, slope, colour, SMALL)
    for name, (x, y) in middles.items():
        d.box((x - halves[name], y - 15), 2 * halves[name], 30, "blue", 0.12)
        d.text(x, y, texts[name], size=SMALL)
    return d


def xor_in_two_steps() -> Drawing:
    """Draw XOR in the plane of the inputs, between two lines, and in that of the hidden units, behind one."""
    d = Drawing("XOR: the inputs between two lines; in the plane of the hidden units one line is enough", 380, 210)
    left = Plane(d, (24, 34), (130, 130), (-0.4, 1.5), (-0.4, 1.5))
    right = Plane(d, (226, 34), (130, 130), (-0.4, 1.5), (-0.4, 1.5))
    d.area(
        [left.at(*end) for end in ((-0.4, 0.9), (0.9, -0.4), (1.5, -0.4), (1.5, 0), (0, 1.5), (-0.4, 1.5))], "orange"
    )
    d.area([right.at(*end) for end in ((0, 1.5), (1.5, 0), (1.5, 1.5))], "orange")
    for plane, title, across, up in (
        (left, "the inputs", "*x*_{1}", "*x*_{2}"),
        (right, "the hidden units", "*h*_{1}", "*h*_{2}"),
    ):
        plane.axes(across, up, origin=(0, 0))
        d.text(plane.corner[0] + 65, 14, title)
    d.curve([left.at(-0.4, 0.9), left.at(0.9, -0.4)], "green", 2.4)
    d.curve([left.at(0, 1.5), left.at(1.5, 0)], "green", 2.4)
    d.curve([right.at(0, 1.5), right.at(1.5, 0)], "green", 2.4)
    for a in (0, 1):
        for b in (0, 1):
            h = int(a + b > 0.5), int(a + b < 1.5)
            colour, filled = ("orange", 1) if a != b else ("blue", 0)
            d.circle(left.at(a, b), 7, colour, filled)
            d.circle(right.at(*h), 7, colour, filled)
    d.text(left.corner[0] + 65, 194, "two lines", "green", SMALL)
    d.text(right.corner[0] + 65, 194, "the two ones meet: one line", "green", SMALL)
    return d


DIAGRAMS = (chain_rule_in_numbers, xor_in_two_steps)
