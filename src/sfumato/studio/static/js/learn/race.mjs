// The race: optimizers that start from one place, seen on a plane through the loss or on a function of two variables.

import { byId, el } from "../dom.mjs";
import { onColourScheme } from "./maps.mjs";
import { COLOURS, DASHES, drawRace } from "./racemap.mjs";
import { shown } from "./tables.mjs";

const SIZES = [15, 60]; // points on a side: a quick picture, and a fine one
const OPTIMIZERS = ["gd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "lbfgs"];
const BEGIN = ["gd", "momentum", "adam", "lbfgs"];

/** Rates with which most get somewhere: of the plain methods, and of those that scale each weight's step. */
const RATES = {
  directions: [0.3, 0.03], weights: [0.3, 0.03], ravine: [0.04, 0.1], rosenbrock: [0.001, 0.05],
  beale: [0.005, 0.05], saddle: [0.1, 0.1], rastrigin: [0.002, 0.1],
};
const fieldsOf = (row) => row.querySelectorAll("select, input");
const scales = (name) => ["rmsprop", "adam", "adamw"].includes(name);

export class Race {
  /** `ask` asks the server; `weights()` lists the playground's weights as `{name, index}`. */
  constructor(ask, weights) {
    this.ask = ask;
    this.weights = weights;
    this.told = null;
    byId("race-racers").append(...BEGIN.map((name, n) => this.racer(name, n)));
    byId("race-on").addEventListener("change", () => {
      this.ground();
      for (const row of byId("race-racers").children) this.propose(row);
    });
    byId("race-go").addEventListener("click", () => this.run().catch((error) => this.say(error.message)));
    byId("panel-race").addEventListener("toggle", () => this.draw());
    window.addEventListener("resize", () => this.draw());
    onColourScheme(() => this.draw());
    this.ground();
  }

  say(text) {
    byId("race-words").textContent = text;
  }

  /** The fields of one racer: its optimizer, or none, and its rate. */
  racer(name, n) {
    const label = `Racer ${n + 1}`;
    const which = el("select", { "aria-label": label }, el("option", { value: "" }, "none"), ...OPTIMIZERS.map((own) => el("option", {}, own)));
    which.value = name;
    const rate = el("input", { type: "number", min: 0, step: "any", "aria-label": `Rate of racer ${n + 1}` });
    const row = el("div", { className: "row learn-racer" }, el("span", {}, label), which, rate);
    which.addEventListener("change", () => this.propose(row));
    this.propose(row);
    return row;
  }

  /** Show the fields that the chosen ground needs. */
  ground() {
    const on = byId("race-on").value;
    byId("race-two").hidden = on !== "weights";
    byId("race-drawn").hidden = on !== "directions";
    const weights = this.weights();
    for (const [n, id] of ["race-first", "race-second"].entries()) {
      const before = byId(id).value;
      byId(id).replaceChildren(...weights.map(({ name, index }, k) => el("option", { value: k }, `${name}[${index}]`)));
      byId(id).value = before !== "" && Number(before) < weights.length ? before : String(Math.min(n, weights.length - 1));
    }
  }

  /** Propose a rate for a racer. */
  propose(row) {
    const [which, rate] = fieldsOf(row);
    const [plain, scaled] = RATES[byId("race-on").value];
    rate.disabled = !which.value;
    rate.value = { "": "", lbfgs: 1 }[which.value] ?? (scales(which.value) ? scaled : plain);
  }

  async run() {
    const racers = {};
    for (const row of byId("race-racers").children) {
      const [which, rate] = fieldsOf(row);
      if (which.value in racers) throw new Error(`${which.value} races once: choose another beside it.`);
      if (which.value) racers[which.value] = rate.value === "" ? null : Number(rate.value);
    }
    const on = byId("race-on").value;
    const chosen = ["race-first", "race-second"].map((id) => this.weights()[Number(byId(id).value)]);
    const fields = { on, racers, steps: byId("race-steps").valueAsNumber };
    if (on === "weights") fields.weights = chosen;
    if (on === "directions") fields.seed = byId("race-seed").valueAsNumber;
    const asked = (this.asked = (this.asked ?? 0) + 1);
    const told = await this.ask("race", fields);
    for (const size of SIZES) {
      const values = [];
      while (values.length < size) {
        const answer = await this.ask("surface", { size, row: values.length });
        if (asked !== this.asked) return; // another race has begun
        values.push(...answer.values);
      }
      this.told = told;
      this.values = values;
      this.draw();
    }
    this.words();
  }

  words() {
    const { ways, names, on } = this.told;
    const told = ways.map((way) => {
      const end = way.diverged ? `diverges at step ${way.losses.length}` : `ends at ${shown(way.losses.at(-1))} after ${way.losses.length - 1} steps`;
      return `${way.name} ${end}`;
    });
    const text = `From ${shown(ways[0].losses[0])}: ${told.join("; ")}.`;
    this.say(text);
    byId("race-map").setAttribute("aria-label", `Lines of equal loss over ${names.join(" and ")} (${on}), and the ways of the optimizers. ${text}`);
    const head = ["Optimizer", "Rate", "Steps", "Evaluations", "Last loss", "Off the plane"];
    const rows = ways.map((way, n) => {
      const sample = this.sample(n);
      return [el("span", { className: "learn-way" }, sample, way.name), String(way.rate), String(way.losses.length - 1), String(way.evaluations), way.diverged ? "diverged" : shown(way.losses.at(-1)), shown(way.places.at(-1)[2])];
    });
    const row = (cells) => el("tr", {}, ...cells.map((cell, k) => (k ? el("td", {}, cell) : el("th", { scope: "row" }, cell))));
    byId("race-legend").replaceChildren(
      el("table", {}, el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, ...rows.map(row))),
    );
  }

  /** A piece of a racer's line, for the legend. */
  sample(n) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS(svg.namespaceURI, "line");
    for (const [name, value] of Object.entries({ viewBox: "0 0 40 10", width: 40, height: 10, "aria-hidden": "true" })) svg.setAttribute(name, String(value));
    for (const [name, value] of Object.entries({ x1: 0, x2: 40, y1: 5, y2: 5, class: `way-${COLOURS[n]}`, "stroke-dasharray": DASHES[n].join(" ") })) line.setAttribute(name, String(value));
    svg.append(line);
    return svg;
  }

  draw() {
    const canvas = byId("race-map");
    if (this.told && canvas.clientWidth) drawRace(canvas, this.told, this.values);
  }
}
