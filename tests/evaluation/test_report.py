"""Reports as text, values and pages."""

import itertools
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn import metrics

import sfumato
from sfumato import InputError, Model, multilayer_perceptron, report
from sfumato.arrays import Array
from sfumato.data import Examples, Scaling, load
from sfumato.evaluation.report import Report
from sfumato.losses.classification import default_loss


def model_of(names: tuple[str, ...], shape: tuple[int, ...] = (3,), seed: int = 0) -> Model:
    """An untrained model, which is wrong often enough."""
    loss, outputs = default_loss(len(names))
    network = multilayer_perceptron(shape, (6,), outputs)
    return Model(network, network.initialize(seed), loss, Scaling.none(), names)


def examples_of(names: tuple[str, ...], n: int = 90, shape: tuple[int, ...] = (3,)) -> Examples:
    random = np.random.default_rng(0)
    x = random.normal(size=(n, *shape)) if len(shape) == 1 else random.integers(0, 256, (n, *shape)).astype(np.uint8)
    return Examples(x, random.integers(0, len(names), n) if names else random.normal(size=n))


NAMES = {
    "two": ("no", "yes"),
    "five": tuple("abcde"),
    "strange": ("<script>alert(1)</script>", "$x^$ & \"quotes\" 'and'", "_a", "犬" * 300),
    "many": tuple(f"class {k}" for k in range(120)),
}


class Page(HTMLParser):
    """What a page shows, and what it refers to."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.references, self.images, self.tags, self.open = "", [""], [""], [""], [""]
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        self.references += [str(named[name]) for name in ("src", "href", "action", "data") if name in named]
        if tag == "img":
            self.images.append(str(named.get("alt", "")))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("kind", "shape"), [*itertools.product(NAMES, [(3,), (6, 5, 1)]), ("strange", (4, 4, 3))], ids=str
)
def test_a_page_holds_all_it_needs_and_shows_names_as_they_are(kind: str, shape: tuple[int, ...]) -> None:
    names = NAMES[kind]
    found = report(model_of(names, shape), examples_of(names, 300, shape), name="<b>model</b> on & data")
    html = found.to_html()
    page = Page(html)
    assert page.open == [""], "every element is closed"
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert all(reference.startswith("data:image/png;base64,") for reference in page.references[1:])
    assert "url(" not in html
    assert "<b>model</b> on & data" in page.text
    assert all(name in page.text for name in names)
    assert f"{found.accuracy:.4f}" in page.text
    assert all(page.images[1:]), "every picture is described"
    pictures = [alt for alt in page.images if re.fullmatch(r"example \d+", alt)]
    assert len(pictures) == (36 if len(shape) == 3 else 0)


def test_a_report_measures_what_scikit_learn_measures() -> None:
    names = NAMES["five"]
    model, examples = model_of(names), examples_of(names)
    found = report(model, examples)
    probabilities = model.predict_proba(examples.x)
    values = found.to_dict()
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    assert values["loss"] == pytest.approx(metrics.log_loss(examples.y, exact), rel=1e-5)
    assert values["accuracy"] == pytest.approx(metrics.accuracy_score(examples.y, probabilities.argmax(axis=1)))
    areas = metrics.roc_auc_score(np.eye(5)[examples.y], probabilities, average=None)
    assert list(values["roc_area"].values()) == pytest.approx(list(areas))
    precision = metrics.average_precision_score(np.eye(5)[examples.y], probabilities, average=None)
    assert list(values["average_precision"].values()) == pytest.approx(list(precision))
    assert f"area under ROC {areas.mean():.4f}, average precision {precision.mean():.4f}" in found.to_text()


def test_the_worst_mistakes_come_first() -> None:
    names = NAMES["five"]
    found = report(model_of(names), examples_of(names))
    assert found.probabilities is not None
    worst = found.worst(10)
    wrong = np.flatnonzero(found.predicted != found.examples.y)
    assert len(worst) == 10
    assert set(worst) <= set(wrong)
    sure: Array = found.probabilities.max(axis=1)
    assert sure[worst].tolist() == sorted(sure[wrong], reverse=True)[:10]
    assert len(found.worst(10**6)) == len(wrong)


def test_a_regressions_page_shows_the_values_furthest_off() -> None:
    model = replace(model_of(()), target="<price>", features=("a", "b", "c"))
    examples = examples_of(())
    found = report(model, examples)
    page = Page(found.to_html())
    worst = int(np.abs(found.predicted - examples.y).argmax())
    assert found.worst(1).tolist() == [worst]
    assert f"{examples.y[worst]:.6g}" in page.text
    assert f"{examples.x[worst, 1]:.6g}" in page.text
    assert f"{metrics.r2_score(examples.y, found.predicted):.4f}" in page.text
    assert found.roc == found.precision_recall == ()
    assert set(found.to_dict()) == {"loss", "accuracy", "examples", "report"}


def test_categories_and_gaps_are_shown_as_the_table_had_them() -> None:
    x = np.array([[np.nan, 1.0, 0.0], [2.5, 0.0, 1.0], [7.25, 0.0, 0.0]] * 5)
    plain = model_of(NAMES["two"])
    model = replace(
        plain, features=("size", "colour"), categories={"colour": ("blue", "red")}, scaling=Scaling.fit(x, "none")
    )
    truth = 1 - model.predict(x)
    text = Page(report(model, Examples(x, truth)).to_html()).text
    for shown in ("missing", "blue", "red", "2.5", "7.25", "all 15"):
        assert shown in text


@pytest.mark.parametrize("which", ["one example", "one class", "no mistake", "one mistake"])
def test_pages_of_little(which: str) -> None:
    names = NAMES["five"]
    model, examples = model_of(names), examples_of(names)
    right = model.predict(examples.x)
    examples = {
        "one example": Examples(examples.x[:1], examples.y[:1]),
        "one class": Examples(examples.x, np.zeros_like(examples.y)),
        "no mistake": Examples(examples.x, right),
        "one mistake": Examples(examples.x, np.append((right[:1] + 1) % 5, right[1:])),
    }[which]
    text = Page(report(model, examples).to_html()).text
    if which in ("no mistake", "one mistake"):
        assert ("every prediction is right" if which == "no mistake" else "the one") in text
    if which == "one class":
        assert "n/a" in text


def test_examples_that_do_not_fit() -> None:
    with pytest.raises(InputError, match=r"takes examples of shape \(3,\)|examples have shape"):
        report(model_of(NAMES["two"]), load("digits").examples)
    assert sfumato.report is report
    assert isinstance(report(model_of(NAMES["two"]), examples_of(NAMES["two"])), Report)


def test_a_report_shows_itself_in_a_line_and_in_a_notebook() -> None:
    found = report(model_of(NAMES["five"]), examples_of(NAMES["five"]), name="<b>model</b> on data")
    assert repr(found) == (
        f"<Report of <b>model</b> on data: 90 examples, loss={found.loss:.4f}, accuracy={found.accuracy:.4f}>"
    )
    shown = Page(found._repr_html_())
    assert "b" not in shown.tags
    assert shown.open == [""]
    assert "<b>model</b> on data" in shown.text
    assert f"{found.accuracy:.4f}" in shown.text
    values = report(model_of(()), examples_of(()))
    r_squared = metrics.r2_score(values.examples.y, values.predicted)
    assert repr(values) == f"<Report of the model: 90 examples, loss={values.loss:.4f}, r_squared={r_squared:.4f}>"
    assert f"{r_squared:.4f}" in Page(values._repr_html_()).text


def test_importing_sfumato_imports_neither_scikit_learn_nor_jinja() -> None:
    program = (
        "import sys, sfumato; print([name for name in ('sklearn', 'jinja2', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"


def test_lists_of_inputs_and_truth_are_measured_as_examples_are() -> None:
    names = ("a", "b", "c")
    model, examples = model_of(names), examples_of(names)
    ours = report(model, (examples.x.tolist(), examples.y.tolist()))
    assert ours.to_text() == report(model, examples).to_text()
