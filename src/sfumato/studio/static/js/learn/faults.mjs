// Exercises: something is wrong with a training. It is trained, it is checked, and it is said where.

import { byId, el } from "../dom.mjs";
import { drawLines } from "./curves.mjs";
import { chapterOf } from "./explain.mjs";
import { shown } from "./tables.mjs";

const PART = "fault=";
const STEPS = 100; // of one press of the button

/** The seed of the order and the exercise's number in an address such as #learn&fault=5.1, or null where it has none. */
export function exerciseIn(hash) {
  const part = hash.split("&").find((piece) => piece.startsWith(PART));
  if (!part) return null;
  const found = part.slice(PART.length).match(/^(\d{1,10})(?:\.(\d{1,2}))?$/);
  return found ? { seed: Number(found[1]), number: Math.max(0, Number(found[2] ?? 1) - 1) } : { seed: 0, number: 0 };
}

const addressOf = ({ seed, number }) => `#learn&${PART}${seed}.${number + 1}`;
const named = (name) => el("code", { className: "learn-name" }, name);

export class Faults {
  /** `ask` asks the server. */
  constructor(ask) {
    this.ask = ask;
    this.given = null;
    this.last = Promise.resolve(); // what is being done, and all that waits for it
    const on = (id, work) => byId(id).addEventListener("click", () => this.attempt(work));
    on("fault-train", () => this.train());
    on("fault-again", () => this.begin(this.given));
    on("fault-check", () => this.check());
    on("fault-measure", () => this.measure());
    byId("fault-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.attempt(() => this.answer());
    });
    byId("fault-seed").addEventListener("change", () => {
      const seed = byId("fault-seed").valueAsNumber;
      if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) location.hash = addressOf({ seed, number: 0 });
      else this.say("The number of the order is a whole number from 0 to 4294967295.");
    });
    byId("fault-none").addEventListener("change", () => this.onlyOne(byId("fault-none")));
    window.addEventListener("resize", () => this.draw());
  }

  say(text) {
    byId("fault-notice").textContent = text;
  }

  /** Do one thing after the other, and say in a line what was refused. */
  attempt(work) {
    const next = async () => {
      this.say("");
      await work();
    };
    this.last = this.last.then(next).catch((error) => this.say(error.message));
    return this.last;
  }

  /** Show the exercise of the address. */
  async enter(wanted) {
    if (this.given && wanted.seed === this.given.seed && wanted.number === this.given.number) return;
    await this.attempt(() => this.begin(wanted));
  }

  /** The session ends, and the exercise with it. */
  leave() {
    this.given = null;
  }

  /** Begin an exercise, or the same anew. */
  async begin({ seed, number }) {
    this.given = await this.ask("exercise", { seed, number });
    const { count, layers, parameters, causes, state } = this.given;
    this.losses = [];
    byId("fault-seed").value = seed;
    byId("fault-title").textContent = `Exercise ${number + 1} of ${count}`;
    const { name, learning_rate: rate, schedule, decay } = state.optimizer;
    const kinds = layers.map((own) => own.replace(/_\d+$/, ""));
    byId("fault-setting").textContent =
      `A spiral of ${state.data.n} points in three classes; layers ${kinds.join(", ")}, then softmax with cross-entropy. ` +
      `L2 with λ = ${state.objective.l2}, dropout ${state.network.dropout}, ${name} with rate ${rate}, ${schedule} decay ${decay}; all points in each step.`;
    const choice = (type, group, value, ...label) => el("label", { className: "check" }, el("input", { type, name: group, value }), el("span", {}, ...label));
    byId("fault-places").replaceChildren(
      ...parameters.map((own) => {
        const box = choice("checkbox", "fault-place", own, named(own));
        box.firstChild.addEventListener("change", () => this.onlyOne(box.firstChild));
        return box;
      }),
    );
    byId("fault-none").checked = false;
    byId("fault-causes").replaceChildren(...causes.map((cause) => choice("radio", "fault-cause", cause, cause)));
    for (const id of ["fault-found", "fault-report", "fault-measured", "fault-verdict"]) byId(id).replaceChildren();
    byId("fault-trained").textContent = `Not trained yet: ${percent(this.given.accuracy)} of the points are right.`;
    this.draw();
    this.links();
  }

  /** All gradients right, or some of them wrong: not both. */
  onlyOne(changed) {
    if (!changed.checked) return;
    if (changed === byId("fault-none")) for (const box of byId("fault-places").querySelectorAll("input")) box.checked = false;
    else byId("fault-none").checked = false;
  }

  links() {
    const { seed, number, count } = this.given;
    const link = (label, at) => (at >= 0 && at < count ? el("a", { className: "button", href: addressOf({ seed, number: at }) }, label) : null);
    const found = [link("Previous", number - 1), link("Next exercise", number + 1)].filter(Boolean);
    byId("fault-links").replaceChildren(...found);
    byId("learn-to-faults").href = addressOf(this.given); // so that one comes back to it
  }

  async train() {
    const end = this.losses.length + STEPS;
    let answer;
    do {
      answer = await this.ask("exercise-train", { steps: end - this.losses.length });
      this.losses.push(...answer.losses);
      byId("fault-trained").textContent = `Step ${answer.step}: ${percent(answer.accuracy)} of the points are right.`;
      this.draw();
    } while (!answer.diverged && this.losses.length < end);
    if (answer.diverged) byId("fault-trained").textContent += " The next step's loss is no number: training has diverged.";
  }

  draw() {
    if (!this.given) return;
    const canvas = byId("fault-loss");
    const points = this.losses.map((loss, step) => [step, loss]);
    canvas.hidden = points.length < 2;
    if (canvas.hidden) return;
    drawLines(canvas, [{ points, colour: "positive" }], { labels: ["Loss, from step 0", `to step ${points.length}`] });
    const [first, last] = [this.losses[0], this.losses.at(-1)].map(shown);
    canvas.setAttribute("aria-label", `Loss of ${points.length} steps: at first ${first}, at last ${last}, at least ${shown(Math.min(...this.losses))}.`);
  }

  async check() {
    const { step, examples, report } = await this.ask("exercise-check");
    const wrong = report.parameters.filter(({ verdict }) => verdict === "wrong").map(({ name }) => name);
    byId("fault-found").textContent = `At step ${step}, on ${examples} of the points: ${inWords(wrong, report.parameters.length)}`;
    const head = ["Parameter", "Verdict", "Relative difference", "Backward pass", "By differences"];
    const rows = report.parameters.map((own) => [named(own.name), own.verdict, shown(own.difference), shown(own.analytic), shown(own.numeric)]);
    const verdicts = report.parameters.map(({ verdict }) => verdict);
    byId("fault-report").replaceChildren(table(head, rows, verdicts));
  }

  async measure() {
    const { measured } = await this.ask("exercise-measure");
    const head = ["Measured", "Verdict", "Expected", "Found"];
    const rows = measured.map((one) => [one.what, one.right ? "right" : "wrong", shown(one.expected), shown(one.found)]);
    byId("fault-measured").replaceChildren(table(head, rows, measured.map((one) => (one.right ? "right" : "wrong"))));
  }

  async answer() {
    const chosen = [...byId("fault-form").querySelectorAll("input")].filter(({ checked }) => checked);
    const valuesOf = (group) => chosen.filter(({ name }) => name === group).map(({ value }) => value);
    const [parameters, [cause]] = [valuesOf("fault-place"), valuesOf("fault-cause")];
    if (!cause || !(parameters.length || byId("fault-none").checked)) {
      byId("fault-verdict").replaceChildren("Choose where the gradient is wrong, or that all are right, and one cause.");
      return;
    }
    const { place, cause: right, hint, wrong, diff, chapter } = await this.ask("exercise-answer", { parameters, cause });
    const verdict = byId("fault-verdict");
    if (!diff.length) {
      const parts = `${place ? "The place is right" : "The place is not right"}, ${right === place ? "and" : "but"} the cause is ${right ? "right" : "not"}.`;
      verdict.replaceChildren(el("p", {}, parts), el("p", {}, el("b", {}, "Hint: "), hint));
      return;
    }
    const lines = [["sound", "The engine's line", diff[0]], ["faulty", "The line with the fault", diff[1]]];
    verdict.replaceChildren(
      el("p", {}, el("b", { className: "positive" }, "Found. "), wrong.length ? `It makes ${wrong.join(", ")} wrong.` : "Every gradient is right, and training is not.", ` ${cause[0].toUpperCase()}${cause.slice(1)}.`),
      ...lines.map(([kind, label, line]) =>
        el("figure", { className: `learn-diff ${kind}` }, el("figcaption", {}, label), el("pre", { tabIndex: 0, role: "group", "aria-label": label }, el("code", {}, line))),
      ),
      el("p", { className: "faint" }, `More of it in the course, ${chapterOf(chapter)}.`),
    );
  }
}

/** Say which gradients a check calls wrong. */
function inWords(wrong, count) {
  if (!wrong.length) return "no gradient is called wrong.";
  return wrong.length === count ? "every gradient is wrong." : `the gradient of ${wrong.join(" and of ")} is wrong.`;
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** A table with a sign of each row's verdict. */
function table(head, rows, verdicts) {
  const row = (cells, n) => el("tr", { className: `v-${verdicts[n].split(" ")[0]}` }, ...cells.map((cell, k) => (k ? el("td", {}, cell) : el("th", { scope: "row" }, cell))));
  const titles = el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, name)));
  return el("table", { className: "learn-judged" }, el("thead", {}, titles), el("tbody", {}, ...rows.map(row)));
}
