// Some examples through the network and back, one layer at a time.

import { byId, el } from "../dom.mjs";
import { linesOf } from "./explain.mjs";
import { arrayTable, shown } from "./tables.mjs";

export class Trace {
  /** `ask(command, fields)` asks the server. */
  constructor(ask) {
    this.ask = ask;
    this.stage = 0;
    this.stages = [];
    byId("trace-next").addEventListener("click", () => this.show(this.stage + 1));
    byId("trace-back").addEventListener("click", () => this.show(this.stage - 1));
    for (const phase of ["forward", "loss", "backward", "update"]) {
      byId(`trace-${phase}`).addEventListener("click", () => this.show(this.stages.findIndex((stage) => stage.phase === phase)));
    }
    for (const id of ["trace-first", "trace-count"]) byId(id).addEventListener("change", () => this.refresh());
  }

  /** Trace anew, at the weights of now, and stay at the stage that is shown. */
  async refresh(description) {
    this.description = description ?? this.description;
    const total = this.description.train.x.length;
    const first = Math.max(1, Math.min(total, byId("trace-first").valueAsNumber || 1));
    const count = Math.min(Number(byId("trace-count").value), total - first + 1);
    const trace = await this.ask("trace", { examples: Array.from({ length: count }, (_, n) => first - 1 + n) });
    this.stages = [
      ...trace.layers.map((layer) => ({ phase: "forward", title: `Forward: ${layer.name}`, make: () => forward(layer) })),
      { phase: "loss", title: `Loss: ${trace.loss.kind}`, make: () => lossOf(trace) },
      ...[...trace.layers].reverse().map((layer) => ({ phase: "backward", title: `Backward: ${layer.name}`, make: () => backward(layer) })),
      { phase: "update", title: "Update: the next step of the optimizer", make: () => this.update() },
    ];
    this.show(Math.min(this.stage, this.stages.length - 1));
  }

  async show(number) {
    if (!this.stages[number]) return;
    this.stage = number;
    const { phase, title, make } = this.stages[number];
    const parts = await make();
    byId("trace-title").textContent = `${number + 1} of ${this.stages.length}. ${title}`;
    byId("trace-arrays").replaceChildren(...parts);
    byId("trace-back").disabled = number === 0;
    byId("trace-next").disabled = number === this.stages.length - 1;
    for (const name of ["forward", "loss", "backward", "update"]) byId(`trace-${name}`).setAttribute("aria-pressed", String(name === phase));
  }

  /** The optimizer's equations for the first weight of each layer, over all examples. */
  async update() {
    const weights = this.description.parameters.filter(({ name }) => name.endsWith(".W"));
    const answers = await Promise.all(weights.map(({ name }) => this.ask("explain", { select: { kind: "update", name, index: [0, 0] } })));
    const parts = answers.map(({ title, equations }) => el("section", {}, el("h3", {}, title), ...linesOf(equations)));
    return [words("The first weight of each layer; every other one likewise."), el("div", { className: "learn-updates" }, ...parts)];
  }
}

const words = (text) => el("p", { className: "learn-shapes" }, text);

function forward({ shapes, parameters, x, z }) {
  const own = Object.entries(parameters).map(([name, values]) => arrayTable(name, values));
  return [words(shapes), el("div", { className: "learn-arrays" }, arrayTable("x", x), ...own, arrayTable("z", z))];
}

function backward({ dz, dx, gradients }) {
  const own = Object.entries(gradients).map(([name, values]) => arrayTable(`d${name}`, values));
  const before = dx ? [arrayTable("dx", dx)] : [];
  return [words("The gradient of the loss by what comes out, then by the parameters and by what goes in."), el("div", { className: "learn-arrays" }, arrayTable("dz", dz), ...own, ...before)];
}

function lossOf({ y, loss }) {
  const { predictions, each, data, penalty, total } = loss;
  const column = (values) => values.map((value) => (Array.isArray(value) ? value : [value]));
  return [
    words(`Mean ${shown(data)} + penalty ${shown(penalty)} = ${shown(total)}`),
    el("div", { className: "learn-arrays" }, arrayTable("prediction", column(predictions)), arrayTable("truth y", column(y)), arrayTable("loss of each", column(each))),
  ];
}
