// The equation of what is selected, with its numbers, and the code that computes it.

import { byId, el } from "../dom.mjs";

const parser = new DOMParser();

/** MathML from the server, as an element. */
export function mathOf(text) {
  const math = document.importNode(parser.parseFromString(text, "application/xml").documentElement, true);
  const box = el("div", { className: "learn-math", tabIndex: 0, role: "group", "aria-label": "Equation" }, math);
  return box;
}

/** Equations of three lines each, every one under its name. */
export function linesOf(equations) {
  return equations.flatMap(({ name, lines }) => [
    ...(equations.length > 1 ? [el("h3", {}, sentenceOf(name))] : []),
    el("div", { className: "learn-lines" }, ...lines.map(mathOf)),
  ]);
}

const sentenceOf = (text) => text[0].toUpperCase() + text.slice(1);

/**
 * Show answers of `explain`, of which the last is that of what is selected and the others lead to it; `light(name, index)`
 * is called for the number under the pointer.
 */
export function showExplanation(answers, light) {
  const { title, bars, penalty } = answers.at(-1);
  const several = answers.length > 1;
  const equations = answers.flatMap((answer) => answer.equations.map((own) => (several ? { ...own, name: answer.title } : own)));
  const parts = linesOf(equations);
  if (bars) parts.push(...barsOf(bars, penalty));
  const place = byId("learn-equations");
  const boxes = () => /** @type {HTMLElement[]} */ ([...place.querySelectorAll(".learn-math")]);
  const scrolled = boxes().map(({ scrollLeft }) => scrollLeft);
  const focused = boxes().findIndex((box) => box === document.activeElement);
  place.replaceChildren(...parts);
  boxes().forEach((box, n) => (box.scrollLeft = scrolled[n] ?? 0));
  boxes()[focused]?.focus({ preventScroll: true });
  byId("learn-selected").textContent = sentenceOf(title);
  for (const number of place.querySelectorAll("[data-parameter]")) {
    number.addEventListener("pointerenter", () => light(number.getAttribute("data-parameter"), number.getAttribute("data-index")));
    number.addEventListener("pointerleave", () => light("", ""));
  }
  showCode(answers.flatMap(({ source }) => source), answers.at(-1).chapter);
}

/** A chapter's name, from its address. */
export function chapterOf(address) {
  const [, number, name] = address.match(/(\d+)-([\w-]+)\.html/) ?? [];
  return number ? `chapter ${Number(number)}, ${name.replaceAll("-", " ")}` : address;
}

function showCode(source, chapter) {
  const place = byId("learn-code");
  const known = source.map(({ place: where }) => where).join();
  if (place.dataset.known === known) return; // it is being read
  place.dataset.known = known;
  place.replaceChildren(
    ...source.flatMap(({ place: where, code }) => [
      el("p", { className: "faint" }, where),
      el("pre", { tabIndex: 0, role: "group", "aria-label": `Code of ${where}` }, el("code", {}, code)),
    ]),
    ...(chapter ? [el("p", { className: "faint" }, `In the course: ${chapterOf(chapter)}.`)] : []),
  );
}

/** What each example adds to a weight's gradient, as bars above and below zero. */
function barsOf({ examples, values }, penalty) {
  const greatest = Math.max(...values.map(Math.abs), 1e-30);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const total = values.reduce((sum, value) => sum + value, 0);
  const label = `Shares of ${values.length} examples in the gradient; their sum is ${total.toPrecision(3)}, the largest ${greatest.toPrecision(3)}.`;
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${values.length} 60`, preserveAspectRatio: "none", class: "learn-bars", role: "img", "aria-label": label })) svg.setAttribute(name, value);
  values.forEach((value, n) => {
    const bar = document.createElementNS(svg.namespaceURI, "rect");
    const height = (28 * Math.abs(value)) / greatest;
    const place = { x: n + 0.1, width: 0.8, y: value > 0 ? 30 - height : 30, height, class: value > 0 ? "above" : "below" };
    for (const [name, own] of Object.entries(place)) bar.setAttribute(name, own);
    svg.append(bar);
  });
  const words = `What each of ${examples.length} examples adds; together ${total.toPrecision(4)}${Math.abs(penalty) > 1e-12 ? `, and the penalty ${penalty.toPrecision(4)}` : ""}.`;
  return [svg, el("p", { className: "faint" }, words)];
}
