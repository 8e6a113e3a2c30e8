// The settings of training, in their groups.

import { GroupedSettings, numberOrWord, written } from "../grouped.mjs";

const APART = ["target", "task", "drop"]; // which the form has in places of their own

/** All settings of the form; `changed()` is called after the user has changed one. */
export class TrainingSettings extends GroupedSettings {
  constructor(options, place, changed) {
    super(options, place, changed, { prefix: "training", apart: APART, kinds: KINDS });
  }
}

const list = (given) => given.split(",").map((part) => part.trim()).filter(Boolean);

const names = written(list, (value) => value.join(", "));
const units = written(
  (given) => (given === "none" ? [] : list(given).map((part) => (Number.isNaN(Number(part)) ? part : Number(part)))),
  (value) => (value.length ? value.join(", ") : "none"),
);

/** Weights of classes: "balanced", or "setosa=2, virginica=1". */
const classWeights = written(
  (given) =>
    given === "balanced"
      ? given
      : Object.fromEntries(list(given).map((pair) => [pair.replace(/=[^=]*$/, ""), Number(pair.split("=").at(-1))])),
  (value) =>
    typeof value === "string" ? value : Object.entries(value).map((pair) => pair.join("=")).join(", "),
);

const KINDS = { names, units, batch: numberOrWord, "class weights": classWeights };
