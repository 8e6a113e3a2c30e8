// Small tables of numbers.

import { el } from "../dom.mjs";

/** A number of a table, as wide as the others. */
export function shown(value) {
  if (value === null || value === undefined) return "none";
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value).replace("-", "\u2212");
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e4) ? value.toExponential(2) : value.toFixed(size < 100 ? 4 : 1);
  return text.replaceAll("-", "\u2212");
}

/** An array as a table: rows down, columns across; a vector is one row. */
export function arrayTable(name, values) {
  const rows = Array.isArray(values[0]) ? values : [values];
  const shape = Array.isArray(values[0]) ? `${rows.length} × ${rows[0].length}` : String(values.length);
  const table = el(
    "table",
    {},
    el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((value) => el("td", {}, shown(value)))))),
  );
  const box = el("div", { className: "learn-scroll", tabIndex: 0, role: "group", "aria-label": `${name}, ${shape}` }, table);
  return el("figure", { className: "learn-array" }, el("figcaption", {}, el("b", {}, name), ` (${shape})`), box);
}
