// Small tables of numbers.

import { el } from "../dom.mjs";

const minus = (text) => text.replaceAll("-", "\u2212");
const isExtreme = (size) => size !== 0 && (size < 1e-3 || size >= 1e4);

/** A number to four digits. */
export function shown(value) {
  if (value === null || value === undefined) return "none";
  const size = Math.abs(value);
  return minus(isExtreme(size) ? value.toExponential(2) : value.toPrecision(4));
}

/** A number of a table, as long as the others. */
function cell(value) {
  if (value === null || Number.isInteger(value)) return minus(String(value ?? "none"));
  const size = Math.abs(value);
  return minus(isExtreme(size) ? value.toExponential(2) : value.toFixed(size < 100 ? 4 : 1));
}

/** An array as a table: rows down, columns across; a vector is one row. */
export function arrayTable(name, values) {
  const rows = Array.isArray(values[0]) ? values : [values];
  const shape = Array.isArray(values[0]) ? `${rows.length} × ${rows[0].length}` : String(values.length);
  const table = el(
    "table",
    {},
    el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((value) => el("td", {}, cell(value)))))),
  );
  const box = el("div", { className: "learn-scroll", tabIndex: 0, role: "group", "aria-label": `${name}, ${shape}` }, table);
  return el("figure", { className: "learn-array" }, el("figcaption", {}, el("b", {}, name), ` (${shape})`), box);
}
