// The controls of the state, made from a list: each knows the field that it sets.

import { el } from "../dom.mjs";

const CLASSIFICATION = [["spiral", "Spiral"], ["circles", "Circles"], ["moons", "Moons"], ["blobs", "Blobs"]];
const REGRESSION = [["plane", "Plane"], ["waves", "Waves"]];
const OWN = [["points", "Drawn by hand"], ["table", "From a CSV file"]];
const FEATURES = ["x1", "x2", "x1^2", "x2^2", "x1*x2", "sin x1", "sin x2"];
const OPTIMIZERS = ["gd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "lbfgs"];
const SCHEDULES = ["constant", "exponential", "inverse-time", "inverse-sqrt", "cosine"];
const SETTINGS = {
  momentum: ["beta"], nesterov: ["beta"], rmsprop: ["beta1", "epsilon"], adam: ["beta1", "beta2", "epsilon"],
  adamw: ["beta1", "beta2", "epsilon", "weight_decay"], lbfgs: ["history"],
};
export const ACTIVATIONS = ["relu", "leaky-relu", "tanh", "sigmoid"];

const generated = ({ data }) => !["points", "table"].includes(data.kind);
const named = (...names) => ({ optimizer }) => names.includes(optimizer.name);
const own = (setting) => ({ optimizer }) => (SETTINGS[optimizer.name] ?? []).includes(setting);

/** Groups of the form: `[field, label, what it takes, when it is there]`. */
const GROUPS = {
  data: [
    ["data.kind", "Points", [["Classes", CLASSIFICATION], ["Values", REGRESSION], ["Your own", OWN]]],
    ["data.n", "How many", { min: 2, max: 5000, step: 1 }, generated],
    ["data.noise", "Noise", { min: 0, step: 0.05, empty: "auto" }, generated],
    ["data.classes", "Classes", { min: 2, max: 10, step: 1 }, ({ data }) => ["spiral", "blobs"].includes(data.kind)],
    ["data.seed", "Seed of the points", { min: 0, step: 1 }, generated],
    ["test", "Held out for the test", { min: 0, max: 0.9, step: 0.1 }],
    ["data.scaling", "Scaling", ["none", "standard"]],
  ],
  network: [
    ["network.init", "First weights", ["he", "xavier", "glorot", "normal", "zeros"]],
    ["network.init_scale", "Their deviation", { min: 0, step: 0.01, empty: "0.01" }, ({ network }) => network.init === "normal"],
    ["run.seed", "Seed of the weights", { min: 0, step: 1 }],
    ["network.dropout", "Dropout", { min: 0, max: 0.9, step: 0.1 }],
  ],
  training: [
    ["optimizer.name", "Optimizer", OPTIMIZERS],
    ["optimizer.learning_rate", "Learning rate", { min: 0, step: "any", empty: "auto" }],
    ["run.batch", "Batch", { min: 1, step: 1, empty: "full" }],
    ["objective.l2", "L2 penalty λ", { min: 0, step: "any" }],
    ["run.steps_per_frame", "Steps between pictures", ["1", "5", "20", "100"]],
    ["optimizer.schedule", "Schedule", SCHEDULES, (state) => !named("lbfgs")(state)],
    ["optimizer.decay", "Its decay", { min: 0, step: "any", empty: "auto" }, ({ optimizer }) => /exp|inv/.test(optimizer.schedule)],
    ["run.epochs", "Epochs", { min: 1, step: 1, empty: "no end" }],
    ...["beta", "beta1", "beta2", "epsilon", "weight_decay", "history"].map((name) => [
      `optimizer.${name}`, { beta1: "β₁", beta2: "β₂", beta: "β", epsilon: "ε", weight_decay: "Weight decay", history: "History" }[name],
      { min: 0, step: "any", empty: "auto" }, own(name),
    ]),
    ["run.precision", "Precision", ["float32", "float64"]],
  ],
};

const valueAt = (state, field) => field.split(".").reduce((value, name) => value?.[name], state);
const patchOf = (field, value) => field.split(".").reduceRight((inner, name) => ({ [name]: inner }), value);

export class Controls {
  /** `change(patch)` is called when the user has changed something. */
  constructor(room, change) {
    this.room = room;
    this.change = change;
    this.made = new Map();
    for (const [group, fields] of Object.entries(GROUPS)) {
      const place = room.querySelector(`#learn-${group}`);
      place.append(...fields.map((field) => this.make(...field)));
    }
    this.features = FEATURES.map((name) => {
      const box = el("input", { type: "checkbox", value: name });
      box.addEventListener("change", () => {
        change({ features: this.features.filter(({ checked }) => checked).map(({ value }) => value) });
      });
      room.querySelector("#learn-features").append(el("label", {}, box, pretty(name)));
      return box;
    });
  }

  make(field, label, takes, when = () => true) {
    const id = `learn-${field.replace(".", "-")}`;
    const made = Array.isArray(takes) ? choice(id, takes) : number(id, takes);
    made.input.addEventListener("change", () => this.change(patchOf(field, made.read())));
    const row = el("div", { className: "learn-setting", "data-part": field }, el("label", { htmlFor: id }, label), made.input);
    this.made.set(field, { ...made, row, when });
    return row;
  }

  /** Show a state. */
  show(state) {
    for (const [field, { row, input, write, when }] of this.made) {
      row.hidden = !when(state);
      write(valueAt(state, field) ?? null);
      input.removeAttribute("aria-invalid");
    }
    for (const box of this.features) box.checked = state.features.includes(box.value);
  }

  /** Mark the control of a field that was refused. */
  mark(field) {
    this.made.get(field)?.input.setAttribute("aria-invalid", "true");
  }
}

/** A feature's name as mathematics writes it. */
export function pretty(name) {
  return name.replace("^2", "²").replace("*", "·").replaceAll("x1", "x₁").replaceAll("x2", "x₂");
}

function choice(id, choices) {
  const one = (entry) => {
    const [value, label] = Array.isArray(entry) ? entry : [entry, entry];
    if (Array.isArray(label)) return el("optgroup", { label: value }, ...label.map(one));
    return el("option", { value }, label);
  };
  const input = el("select", { id }, ...choices.map(one));
  const whole = choices.every((entry) => /^\d+$/.test(entry));
  return { input, read: () => (whole ? Number(input.value) : input.value), write: (value) => (input.value = String(value)) };
}

function number(id, { empty = "", ...limits }) {
  const input = el("input", { type: "number", id, placeholder: empty, ...limits });
  const read = () => (input.value === "" ? null : Number(input.value));
  return { input, read, write: (value) => (input.value = typeof value === "number" ? value : "") };
}
