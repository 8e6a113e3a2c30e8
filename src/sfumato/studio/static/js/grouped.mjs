// Settings in their groups: controls made from what the server tells of them.

import { el } from "./dom.mjs";
import { choice, flag, number, text } from "./settings.mjs";

/** All settings of a form; `changed()` is called after the user has changed one. */
export class GroupedSettings {
  /** `apart` are those that the form has in places of their own, `kinds` makers of controls beside those below. */
  constructor(options, place, changed, { prefix, apart, kinds = {} }) {
    this.options = new Map(options.map((option) => [option.name, option]));
    this.values = new Map();
    this.controls = new Map();
    this.changed = changed;
    this.prefix = prefix;
    this.kinds = { ...KINDS, ...kinds };
    for (const panel of new Set(options.map((option) => option.panel))) {
      const group = el("fieldset", { className: "settings-group" }, el("legend", {}, panel));
      for (const option of options) {
        if (option.panel === panel && !apart.includes(option.name)) group.append(this.makeControl(option));
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
    const id = `${this.prefix}-${option.name}`;
    const make = this.kinds[option.kind] ?? number;
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

export const written = (read, write) => (option, id, take) => text(option, id, take, read, write);

/** A whole number, or a word such as "full". */
export const numberOrWord = written((given) => (/^\d+$/.test(given) ? Number(given) : given), String);

/** A choice that may be left to the program. */
function openChoice(option, id, take) {
  const made = choice(option, id, (value) => take(value === "" ? null : value));
  if (option.default !== null) return made;
  made.parts[0].prepend(el("option", { value: "" }, "auto"));
  return { parts: made.parts, set: (value) => (made.parts[0].value = value ?? "") };
}

const KINDS = { choice: openChoice, flag, text, memory: text, size: numberOrWord };
