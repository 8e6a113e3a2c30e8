// The settings of training: controls made from what the server tells of them, in their groups.

import { el } from "../dom.mjs";
import { choice, flag, number, text } from "../settings.mjs";

const APART = ["target", "task", "drop"]; // which the form has in places of their own
/** All settings of the form; `changed()` is called after the user has changed one. */
export class TrainingSettings {
  constructor(options, place, changed) {
    this.options = new Map(options.map((option) => [option.name, option]));
    this.values = new Map();
    this.controls = new Map();
    this.changed = changed;
    for (const panel of new Set(options.map((option) => option.panel))) {
      const group = el("fieldset", { className: "tables-group" }, el("legend", {}, panel));
      for (const option of options) {
        if (option.panel === panel && !APART.includes(option.name)) group.append(this.makeControl(option));
      }
      place.append(group);
    }
  }

  /** The settings that differ from their defaults, as the server takes them. */
  given() {
    return Object.fromEntries(this.values);
  }

  /** Set these, and all others to their defaults. */
  fill(values) {
    this.values = new Map(Object.entries(values));
    for (const [name, set] of this.controls) set(values[name] ?? this.options.get(name).default);
  }

  /** Note a value; null, or the default, is left out. */
  set(name, value) {
    const { default: standard } = this.options.get(name);
    if (value === null || JSON.stringify(value) === JSON.stringify(standard)) this.values.delete(name);
    else this.values.set(name, value);
  }

  makeControl(option) {
    const id = `training-${option.name}`;
    const make = KINDS[option.kind] ?? number;
    const { parts, set } = make(option, id, (value) => {
      this.set(option.name, value);
      this.changed();
    });
    this.controls.set(option.name, set);
    set(option.default);
    const shown = option.shown && option.shown.length >= 12 ? ` Default: ${option.shown}.` : "";
    const hint = el("p", { className: "hint", id: `${id}-hint` }, option.help + shown);
    const wide = ["names", "class weights"].includes(option.kind) ? " wide" : "";
    return el("div", { className: `setting${wide}` }, el("label", { htmlFor: id }, option.label), ...parts, hint);
  }
}

const written = (read, write) => (option, id, take) => text(option, id, take, read, write);
const list = (given) => given.split(",").map((part) => part.trim()).filter(Boolean);

const names = written(list, (value) => value.join(", "));
const units = written(
  (given) => (given === "none" ? [] : list(given).map((part) => (Number.isNaN(Number(part)) ? part : Number(part)))),
  (value) => (value.length ? value.join(", ") : "none"),
);
const batch = written((given) => (/^\d+$/.test(given) ? Number(given) : given), String);

/** Weights of classes: "balanced", or "setosa=2, virginica=1". */
const classWeights = written(
  (given) =>
    given === "balanced"
      ? given
      : Object.fromEntries(list(given).map((pair) => [pair.replace(/=[^=]*$/, ""), Number(pair.split("=").at(-1))])),
  (value) =>
    typeof value === "string" ? value : Object.entries(value).map((pair) => pair.join("=")).join(", "),
);

/** A choice that may be left to the program. */
function openChoice(option, id, take) {
  const made = choice(option, id, (value) => take(value === "" ? null : value));
  if (option.default !== null) return made;
  made.parts[0].prepend(el("option", { value: "" }, "auto"));
  return { parts: made.parts, set: (value) => (made.parts[0].value = value ?? "") };
}

const KINDS = { choice: openChoice, flag, text, names, units, batch, "class weights": classWeights };
