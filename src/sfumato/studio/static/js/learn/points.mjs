// Own points: drawn with the pointer, typed, or from a CSV file.

import { byId, el } from "../dom.mjs";
import { classColour } from "./maps.mjs";

const MOST = 5000;
const APART = 0.15; // distance between the points of a stroke

export class OwnPoints {
  /** `change(patch, note)` sets the state, `say(text)` says a line. */
  constructor(change, say) {
    this.change = change;
    this.say = say;
    this.rows = [];
    this.last = null;
    this.choosing = false;
    byId("points-add").addEventListener("click", () => this.add([byId("points-x1").valueAsNumber, byId("points-x2").valueAsNumber]));
    byId("points-undo").addEventListener("click", () => this.set(this.rows.slice(0, -1)));
    byId("points-clear").addEventListener("click", () => this.set([]));
    byId("table-file").addEventListener("change", () => this.read(byId("table-file").files[0]));
    byId("table-use").addEventListener("click", () => this.use());
    byId("points-class").append(...Array.from({ length: 10 }, (_, n) => el("option", { value: n }, `Class ${n}`)));
    const colour = () => (byId("points-class").style.borderColor = classColour(Number(byId("points-class").value)));
    byId("points-class").addEventListener("change", colour);
    colour();
  }

  /** Show a state: which of the two places is there. While a file is being chosen, the points stay what they were. */
  show({ data }) {
    const kind = this.choosing ? "table" : data.kind;
    byId("learn-data-kind").value = kind;
    byId("points-drawn").hidden = kind !== "points";
    byId("points-table").hidden = kind !== "table";
    if (data.kind === "points") this.rows = data.rows;
    byId("points-count").textContent = `${this.rows.length} points.`;
  }

  /** Offer a file to be chosen; whatever else changes meanwhile, the offer stays. */
  choose() {
    this.choosing = true;
    this.show({ data: { kind: "table" } });
  }

  /** Other data were chosen: no file is being chosen, and no stroke waits to be sent. */
  leave() {
    this.choosing = false;
    clearTimeout(this.timer);
  }

  /** A point where the pointer is; along a stroke, not too close to the last. */
  touch(x, y, first) {
    if (!first && this.last && Math.hypot(x - this.last[0], y - this.last[1]) < APART) return;
    this.last = [x, y];
    this.add([x, y]);
  }

  add([x, y]) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) this.say("A point needs two numbers.");
    else if (this.rows.length >= MOST) this.say(`There are ${MOST} points, which is all that are taken.`);
    else this.set([...this.rows, [x, y, Number(byId("points-class").value)]]);
  }

  /** Take these rows, and send them once there is quiet: a stroke makes many. */
  set(rows) {
    this.rows = rows;
    byId("points-count").textContent = `${rows.length} points.`;
    clearTimeout(this.timer);
    if (new Set(rows.map(([, , number]) => number)).size < 2) {
      this.say("Draw points of at least two classes.");
      return;
    }
    this.timer = setTimeout(() => this.change({ data: { rows } }), 150);
  }

  async read(file) {
    if (!file) return;
    this.table = null;
    byId("table-columns").hidden = true;
    try {
      if (file.size > 2 ** 20) throw new Error("it has more than the 1 MiB that are taken here");
      this.table = tableOf(await file.text());
    } catch (error) {
      this.say(`${file.name}: ${error.message}.`);
      return;
    }
    const { columns, rows } = this.table;
    const numeric = columns.map((_, k) => k).filter((k) => rows.every((row) => Number.isFinite(Number(row[k]))));
    const proposed = [numeric[0] ?? 0, numeric[1] ?? 1, columns.length - 1];
    ["table-x1", "table-x2", "table-target"].forEach((id, n) => {
      byId(id).replaceChildren(...columns.map((name, k) => el("option", { value: k }, name)));
      byId(id).value = proposed[n];
    });
    byId("table-columns").hidden = false;
    this.say("");
  }

  /** Make the file's columns the points. */
  use() {
    const { columns, rows } = this.table;
    const [a, b, t] = ["table-x1", "table-x2", "table-target"].map((id) => Number(byId(id).value));
    const kept = rows.filter((row) => [a, b].every((k) => row[k] !== "" && Number.isFinite(Number(row[k]))) && row[t] !== "");
    if (kept.length < 2) {
      this.say(`The columns ${columns[a]} and ${columns[b]} have no two rows of numbers.`);
      return;
    }
    const distinct = [...new Set(kept.map((row) => row[t]))];
    if (distinct.length < 2) {
      this.say(`The column ${columns[t]} is ${distinct[0]} in every row that can be used: choose one with two classes or more.`);
      return;
    }
    const numbers = distinct.every((text) => Number.isFinite(Number(text)));
    const task = numbers && distinct.length > 10 ? "regression" : "classification";
    if (task === "classification" && distinct.length > 10) {
      this.say(`The column ${columns[t]} has ${distinct.length} classes; at most 10 are taken.`);
      return;
    }
    const labels = distinct.sort((one, other) => (numbers ? one - other : one.localeCompare(other)));
    const value = (text) => (task === "regression" ? Number(text) : labels.indexOf(text));
    const used = kept.slice(0, MOST).map((row) => [Number(row[a]), Number(row[b]), value(row[t])]);
    const left = rows.length - used.length;
    const note = left ? `${left} rows are left out: without numbers there, or more than ${MOST}.` : "";
    const names = { columns: [columns[a], columns[b]], target: columns[t], labels: task === "regression" ? null : labels };
    this.change({ data: { kind: "table", rows: used, task, ...names }, run: { batch: null } }, note);
  }
}

/** Columns and rows of a CSV file's text. */
export function tableOf(text) {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/).filter((line) => line.trim());
  const separator = [",", ";", "\t"].reduce((best, sign) => (lines[0]?.split(sign).length > lines[0]?.split(best).length ? sign : best));
  const [columns, ...rows] = lines.map((line) => cellsOf(line, separator));
  if (!columns || columns.length < 3 || !rows.length) throw new Error("is no table of three columns or more, with their names in the first line");
  if (rows.some((row) => row.length !== columns.length)) throw new Error("has lines of different lengths");
  return { columns, rows };
}

function cellsOf(line, separator) {
  const pattern = new RegExp(`${separator}(?:"((?:[^"]|"")*)"|([^${separator}]*))`, "g");
  const found = [...(separator + line).matchAll(pattern)];
  return found.map(([, quoted, plain]) => (quoted?.replaceAll('""', '"') ?? plain).trim());
}
