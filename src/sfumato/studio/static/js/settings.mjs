// The settings: controls made from what the server tells of them, and presets that fill them.

import { el } from "./dom.mjs";

const MAIN = ["style_weight", "style_scale", "tv_weight", "size", "steps"];
const RANGES = { style_weight: [1, 1000], style_scale: [0.5, 2], tv_weight: [1, 100] }; // logarithmic
const COLOURS = {
  style: ["The style's", "Painted as the style is, in its colours."],
  luminance: ["The photo's own", "Light and dark are painted; the photograph's colours lie over them."],
  match: ["Near the photo's", "The style is given the photograph's colours before it is looked at."],
  "match-cholesky": ["Near, second way", "As before by another square root, which keeps less of how the style's colours belong together."],
  histogram: ["Photo's, tone by tone", "The style gets each tone of the photograph as often as it has it."],
  only: ["Style's, no strokes", "The photograph in the style's colours, and nothing painted: a moment."],
};
const SIZES = ["256", "512", "1024", "2048", "full"];

const capital = (name) => name[0].toUpperCase() + name.slice(1);
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** All settings of the form; `changed()` is called after the user has changed one. */
export class Settings {
  constructor(options, places, changed) {
    this.options = new Map(options.settings.map((option) => [option.name, option]));
    this.changed = changed;
    this.values = new Map();
    this.controls = new Map();
    this.makePresets(options.presets, places.presets);
    this.makeColours(places.colours);
    for (const name of MAIN) places.main.append(this.makeControl(this.options.get(name)));
    for (const option of options.settings) {
      if (!this.controls.has(option.name)) places.other.append(this.makeControl(option));
    }
    this.fill({});
  }

  /** The settings that differ from their defaults, as the server takes them. */
  given() {
    return Object.fromEntries([...this.values].filter(([name, value]) => !same(value, this.options.get(name).default)));
  }

  /** Set these, and all others to their defaults. */
  fill(values) {
    for (const [name, option] of this.options) this.set(name, values[name] ?? option.default);
    this.showPreset();
  }

  /** Mark a field as wrong, with a line that says why; without a name none is. Returns whether there is such a field. */
  blame(name = "", text = "") {
    for (const own of this.options.keys()) {
      const field = document.getElementById(`setting-${own}`);
      const line = document.getElementById(`setting-${own}-wrong`);
      if (!field || !line) continue;
      line.textContent = own === name ? text : "";
      field.setAttribute("aria-invalid", String(own === name));
    }
    const field = document.getElementById(`setting-${name}`);
    if (!field) return false;
    field.closest("details").open = true;
    return true;
  }

  set(name, value) {
    this.values.set(name, value);
    this.controls.get(name)(value);
  }

  /** Note what the user has set; empty stands for the default. */
  take(name, value) {
    this.values.set(name, value ?? this.options.get(name).default);
    this.showPreset();
    this.changed();
  }

  makePresets(presets, place) {
    this.presets = [{ name: "default", purpose: "Whole strokes that follow things.", settings: {} }, ...presets];
    for (const { name, purpose } of this.presets) {
      place.append(
        card("preset", name, capital(name), purpose, `static/cards/${name}.webp`, () => {
          const kept = Object.fromEntries(["size", "steps", "seed"].map((own) => [own, this.values.get(own)]));
          this.fill({ ...this.presets.find((preset) => preset.name === name).settings, ...kept });
          this.changed();
        }),
      );
    }
    this.presetCards = [...place.querySelectorAll("input")];
  }

  /** Mark the preset whose settings these are, whatever the size, steps and seed. */
  showPreset() {
    const given = Object.entries(this.given()).filter(([name]) => !["size", "steps", "seed"].includes(name));
    const now = JSON.stringify(given.sort());
    for (const input of this.presetCards) {
      const { settings } = this.presets.find((preset) => preset.name === input.value);
      input.checked = JSON.stringify(Object.entries(settings).sort()) === now;
    }
  }

  makeColours(place) {
    const option = this.options.get("colour");
    for (const name of option.choices) {
      place.append(
        card("colour", name, ...(COLOURS[name] ?? [capital(name), ""]), `static/cards/colour-${name}.webp`, () =>
          this.take("colour", name),
        ),
      );
    }
    place.append(el("p", { className: "hint" }, option.help));
    const inputs = [...place.querySelectorAll("input")];
    this.controls.set("colour", (value) => inputs.forEach((input) => (input.checked = input.value === value)));
  }

  makeControl(option) {
    const id = `setting-${option.name}`;
    const make = option.name in RANGES ? slider : (KINDS[option.kind] ?? number);
    const { parts, set } = make(option, id, (value) => this.take(option.name, value));
    this.controls.set(option.name, set);
    const hint = el("p", { className: "hint", id: `${id}-hint` }, option.help);
    const label = el("label", { htmlFor: id }, option.label);
    const wide = option.kind === "weights" ? " wide" : "";
    const wrong = el("p", { className: "wrong", id: `${id}-wrong` });
    return el("div", { className: `setting${wide}` }, label, ...parts, wrong, hint);
  }
}

function card(group, value, label, purpose, source, chosen) {
  const input = el("input", { type: "radio", name: group, value });
  input.addEventListener("change", chosen);
  const image = el("img", { src: source, alt: "", width: 160, height: 120, loading: "lazy" });
  return el("label", { title: purpose }, input, el("span", {}, image, el("em", {}, label)));
}

const described = (id) => ({ id, "aria-describedby": `${id}-wrong ${id}-hint` });
const typed = (text) => (text.trim() === "" ? null : Number(text));

/** A slider on a logarithmic scale, with the number beside it. */
function slider(option, id, take) {
  const [low, high] = RANGES[option.name].map(Math.log);
  const range = el("input", { type: "range", min: 0, max: 100, step: "any", "aria-label": option.label });
  const field = el("input", { type: "number", min: 0, step: "any", ...described(id) });
  range.addEventListener("input", () => {
    field.value = Number(Math.exp(low + (range.valueAsNumber / 100) * (high - low)).toPrecision(2));
  });
  const place = () => (range.value = (100 * (Math.log(Math.max(field.valueAsNumber, 1e-9)) - low)) / (high - low));
  const send = () => take(typed(field.value));
  range.addEventListener("change", send);
  field.addEventListener("change", () => {
    send();
    place();
  });
  const set = (value) => {
    field.value = value;
    place();
  };
  return { parts: [field, range], set };
}

export function number(option, id, take) {
  const field = el("input", { type: "number", step: option.kind === "whole" ? 1 : "any", ...described(id) });
  field.placeholder = option.shown && option.shown.length < 12 ? option.shown : "auto";
  field.addEventListener("change", () => take(typed(field.value)));
  return { parts: [field], set: (value) => (field.value = value ?? "") };
}

export function choice(option, id, take) {
  const choices = option.choices.map((name) => el("option", { value: name }, name));
  const field = el("select", described(id), ...choices);
  field.addEventListener("change", () => take(field.value));
  const set = (value) => {
    if (option.choices.includes(value)) field.value = value;
  };
  return { parts: [field], set };
}

export function flag(option, id, take) {
  const field = el("input", { type: "checkbox", ...described(id) });
  field.addEventListener("change", () => take(field.checked));
  return { parts: [field], set: (value) => (field.checked = value) };
}

export function text(option, id, take, read = (given) => given, write = (value) => value) {
  const field = el("input", { type: "text", autocomplete: "off", spellcheck: false, ...described(id) });
  field.placeholder = option.shown.length < 24 ? option.shown : "auto";
  field.addEventListener("change", () => take(field.value.trim() === "" ? null : read(field.value.trim())));
  return { parts: [field], set: (value) => (field.value = value === null ? "" : write(value)) };
}

function sizes(option, id, take) {
  const made = text(option, id, take, (given) => (/^\d+$/.test(given) ? Number(given) : given), String);
  made.parts[0].setAttribute("list", `${id}-list`);
  made.parts.push(el("datalist", { id: `${id}-list` }, ...SIZES.map((value) => el("option", { value }))));
  return made;
}

/** Layers with their weights: "block4_conv2:1, block5_conv2:0.5". */
function weights(option, id, take) {
  const read = (given) =>
    Object.fromEntries(
      given.split(",").map((part) => {
        const [name, weight = "1"] = part.split(":").map((piece) => piece.trim());
        return [name, Number(weight)];
      }),
    );
  const write = (value) => Object.entries(value).map(([name, weight]) => `${name}:${weight}`).join(", ");
  return text(option, id, take, read, write);
}

const KINDS = { choice, flag, size: sizes, memory: text, weights };
