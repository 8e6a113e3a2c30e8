// The network: a map for every unit, an edge for every weight.

import { el } from "../dom.mjs";
import { ACTIVATIONS, pretty } from "./controls.mjs";
import { drawMap, sentence } from "./maps.mjs";

const SVG = "http://www.w3.org/2000/svg";
const [NODE, DOWN, TOP, ASIDE] = [46, 62, 76, 30]; // CSS pixels
const [NARROW, WIDE] = [132, 230]; // from one column to the next
const MOST = 32; // units of a layer that are shown

function svg(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export class Diagram {
  /** `select(selection)` is called with what `explain` takes, `change(network)` with other layers. */
  constructor(place, { select, change }) {
    this.place = place;
    this.select = select;
    this.change = change;
    this.selected = "";
    this.theta = null;
  }

  /** Build the picture of another network. */
  describe(description, state) {
    this.dense = description.layers.filter(({ kind }) => kind === "Dense");
    const parameter = (name) => description.parameters.find((own) => own.name === name);
    this.columns = [description.inputs.length, ...this.dense.map(({ units }) => units)];
    this.names = description.inputs.map(pretty);
    this.maps = description.maps;
    this.classes = this.columns.at(-1) > 1 ? description.classes : [];
    this.hidden = [...new Set(description.maps.map(({ layer }) => layer))].filter((layer) => layer !== "output");
    const tallest = Math.min(MOST, Math.max(...this.columns));
    this.height = TOP + tallest * DOWN + 30;
    const gaps = this.columns.length - 1;
    const room = (this.place.clientWidth - NODE - 2 * ASIDE) / gaps;
    this.across = Math.max(NARROW, Math.min(WIDE, Math.floor(room)));
    this.width = gaps * this.across + NODE + 2 * ASIDE;
    this.drawing = svg("svg", { width: this.width, height: this.height, role: "group", "aria-label": "Weights and biases; arrow keys lead from one to the next" });
    this.board = el("div", { className: "learn-board" }, this.drawing);
    this.board.style.width = `${this.width}px`;
    this.board.style.height = `${this.height}px`;
    this.edges = [];
    this.dense.forEach((layer, k) => this.makeEdges(k, parameter(`${layer.name}.W`), parameter(`${layer.name}.b`)));
    this.units = this.columns.flatMap((count, column) => Array.from({ length: Math.min(count, MOST) }, (_, unit) => this.makeUnit(column, unit)));
    this.columns.forEach((count, column) => this.board.append(this.head(column, count, state)));
    if (this.edges.length) this.edges[0].line.tabIndex = 0;
    this.drawing.addEventListener("keydown", (event) => this.key(event));
    this.place.replaceChildren(this.board);
    this.mark(this.selected);
  }

  /** Centre of a unit. */
  at(column, unit) {
    const shown = Math.min(this.columns[column], MOST);
    const tallest = Math.min(MOST, Math.max(...this.columns));
    return [ASIDE + NODE / 2 + column * this.across, TOP + NODE / 2 + (unit + (tallest - shown) / 2) * DOWN];
  }

  makeEdges(k, weights, biases) {
    const [inputs, units] = weights.shape;
    const group = svg("g");
    for (let j = 0; j < Math.min(units, MOST); j += 1) {
      for (let i = 0; i < Math.min(inputs, MOST); i += 1) {
        const [x, y] = this.at(k, i);
        const [u, v] = this.at(k + 1, j);
        const [from, to] = [x + NODE / 2, u - NODE / 2];
        const bend = (to - from) / 2;
        const path = `M${from} ${y}C${from + bend} ${y} ${to - bend} ${v} ${to} ${v}`;
        const what = `weight from ${this.called(k, i)} to ${this.called(k + 1, j)}`;
        this.addEdge(group, path, { name: weights.name, index: [i, j], entry: weights.start + i * units + j, what });
      }
      const [u, v] = this.at(k + 1, j);
      const [left, low] = [u - NODE / 2 - 6, v + NODE / 2 + 1];
      const dot = `M${left - 3} ${low}h6`;
      this.addEdge(group, dot, { name: biases.name, index: [j], entry: biases.start + j, what: `bias of ${this.called(k + 1, j)}` });
    }
    this.drawing.append(group);
  }

  addEdge(group, path, edge) {
    const line = svg("path", { d: path, class: "learn-edge" });
    const target = svg("path", { d: path, class: "learn-target", role: "button", tabindex: -1, "aria-label": edge.what });
    group.append(line, target);
    const made = { ...edge, shown: line, line: target };
    target.addEventListener("click", () => {
      this.rove(made);
      this.select({ kind: "weight", name: edge.name, index: edge.index });
    });
    target.addEventListener("focus", () => this.sayValue(made));
    target.addEventListener("pointerenter", () => this.sayValue(made));
    this.edges.push(made);
  }

  sayValue({ line, what, entry }) {
    line.setAttribute("aria-label", `${what}: ${this.theta ? this.theta[entry].toPrecision(4) : "unknown"}`);
    let title = line.querySelector("title");
    if (!title) line.append((title = svg("title")));
    title.textContent = line.getAttribute("aria-label");
  }

  called(column, unit) {
    if (column === 0) return this.names[unit];
    if (column < this.columns.length - 1) return `unit ${unit + 1} of layer ${column}`;
    return this.columns.at(-1) === 1 ? "the output" : `output ${this.classes[unit] ?? unit + 1}`;
  }

  makeUnit(column, unit) {
    const [x, y] = this.at(column, unit);
    const canvas = el("canvas", { width: 2 * NODE, height: 2 * NODE, role: "img", "aria-label": this.called(column, unit) });
    const tag = column === 0 ? "div" : "button";
    const made = el(tag, { className: "learn-unit", title: this.called(column, unit) }, canvas);
    made.style.left = `${x - NODE / 2}px`;
    made.style.top = `${y - NODE / 2}px`;
    const output = column === this.columns.length - 1;
    const layer = output ? "output" : this.hidden[column - 1];
    const map = column === 0 ? unit : this.maps.findIndex((own) => own.layer === layer && (output || own.unit === unit)) + (output ? unit : 0);
    if (column > 0) {
      made.type = "button";
      const selection = { kind: "unit", layer, unit: this.maps[map]?.unit ?? unit };
      made.dataset.selection = JSON.stringify(selection);
      made.addEventListener("click", () => this.select(selection));
      if (output && this.columns.at(-1) > 1) made.append(el("span", {}, this.classes[unit] ?? String(unit + 1)));
    } else made.append(el("span", {}, this.names[unit]));
    this.board.append(made);
    return { canvas, column, map, name: this.called(column, unit), said: 0 };
  }

  /** What stands above a column: its name, and for hidden layers what changes it. */
  head(column, count, state) {
    const last = this.columns.length - 1;
    const head = el("div", { className: "learn-head" });
    head.style.left = `${this.at(column, 0)[0]}px`;
    if (column === 0 || column === last) {
      head.append(el("b", {}, column === 0 ? "Features" : "Output"));
      return head;
    }
    const { hidden, activation } = state.network;
    const with_ = (units) => this.change({ hidden: hidden.map((own, n) => (n === column - 1 ? units : own)) });
    const button = (label, sign, units) => {
      const made = el("button", { type: "button", "aria-label": label, disabled: units < 1, "data-part": "layers", "data-focus": `${sign}${column}` }, sign);
      made.addEventListener("click", () => with_(units));
      return made;
    };
    const choice = el("select", { "aria-label": `Activation of layer ${column}`, "data-part": "activation", "data-focus": `a${column}` }, ...ACTIVATIONS.map((name) => el("option", {}, name)));
    choice.value = Array.isArray(activation) ? activation[column - 1] : activation;
    choice.addEventListener("change", () => {
      const all = hidden.map((_, n) => (Array.isArray(activation) ? activation[n] : activation));
      all[column - 1] = choice.value;
      this.change({ activation: all });
    });
    const units = el("span", { className: "learn-count" }, button(`Remove a unit of layer ${column}`, "−", count - 1), String(count), button(`Add a unit to layer ${column}`, "+", count + 1));
    head.append(units, choice);
    return head;
  }

  /** Draw the maps and the weights of a frame; `features` are the maps of the inputs. */
  draw(frame, features, quiet) {
    this.theta = frame.theta;
    const now = performance.now();
    for (const unit of this.units) {
      const map = unit.column === 0 ? features?.maps[unit.map] : frame.maps[unit.map];
      if (!map) continue;
      const side = unit.column === 0 ? features.side : frame.side;
      const values = unit.column === 0 ? "signed" : this.maps[unit.map].values;
      drawMap(unit.canvas, map, side, values);
      if (now - unit.said < 2000 && !quiet) continue;
      unit.said = now;
      unit.canvas.setAttribute("aria-label", sentence(unit.name, map, side, values));
    }
    for (const { shown, entry } of this.edges) {
      const value = frame.theta[entry];
      shown.style.strokeWidth = Math.min(9, 0.6 + 2.2 * Math.sqrt(Math.abs(value)));
      shown.style.stroke = value < 0 ? "var(--negative)" : "var(--positive)";
    }
  }

  /** Colour every edge by the verdict of its gradient, or, with null, by its weight again. */
  judge(verdicts) {
    this.place.classList.toggle("judged", verdicts !== null);
    for (const edge of this.edges) {
      const verdict = verdicts?.[edge.entry];
      edge.shown.dataset.verdict = verdict ? verdict.split(" ")[0] : "";
      if (!verdict) delete edge.shown.dataset.verdict;
    }
  }

  /** Mark what is selected. */
  mark(selected) {
    this.selected = selected;
    const { kind, name, index } = selected || {};
    for (const edge of this.edges ?? []) {
      const own = kind === "weight" && edge.name === name && String(edge.index) === String(index);
      edge.shown.classList.toggle("chosen", own);
      edge.line.setAttribute("aria-pressed", String(own));
    }
    const text = JSON.stringify(selected);
    for (const unit of this.place.querySelectorAll("button.learn-unit")) unit.setAttribute("aria-pressed", String(unit.dataset.selection === text));
  }

  /** Light up the edge of a parameter, or none. */
  light(name, index) {
    for (const edge of this.edges) edge.shown.classList.toggle("lit", edge.name === name && String(edge.index) === index);
  }

  rove(edge) {
    for (const { line } of this.edges) line.setAttribute("tabindex", line === edge.line ? 0 : -1);
  }

  key(event) {
    const at = this.edges.findIndex(({ line }) => line === document.activeElement);
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, Home: -at, End: this.edges.length - 1 - at }[event.key];
    if (at < 0 || (step === undefined && event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    if (step === undefined) {
      this.edges[at].line.dispatchEvent(new Event("click"));
      return;
    }
    const next = this.edges[(at + step + this.edges.length) % this.edges.length];
    this.rove(next);
    next.line.focus();
  }
}
