// A table as it is understood: its columns, and its first rows.

import { el, noteFocus } from "../dom.mjs";

/** A table of HTML in a box that scrolls; `rows` are lists of texts or elements. */
export function grid(caption, heads, rows, className = "") {
  const head = el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text)));
  const body = rows.map((cells) => el("tr", {}, ...cells.map((cell) => cellOf(cell))));
  const table = el("table", {}, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, ...body));
  return el("div", { className: `tables-scroll ${className}`, tabIndex: 0, role: "region", "aria-label": caption }, table);
}

function cellOf(cell) {
  if (cell === null) return el("td", { className: "faint" }, "missing");
  return cell instanceof Element && cell.tagName === "TH" ? cell : el("td", {}, cell);
}

/** The columns as understood, each with a box to leave it out, and the first rows. */
export function showTable(place, { table, told, form }) {
  const { preview, understood } = told;
  if (!preview) {
    place.replaceChildren();
    return;
  }
  const target = form.targetIndex();
  const giveFocus = noteFocus(place, "column");
  const parts = [el("h2", {}, `${table.name}, as it is understood`)];
  parts.push(grid("Columns", ["use", "column", "type", "what was decided"], columnsOf(preview, understood, target, form), "tables-columns"));
  if (understood?.notes.length) {
    const notes = understood.notes.map((note) => el("li", {}, note));
    parts.push(el("details", {}, el("summary", {}, `Remarks (${notes.length})`), el("ul", {}, ...notes)));
  }
  const shown = preview.names.slice(0, preview.rows[0]?.length ?? 0);
  const more = preview.names.length - shown.length;
  parts.push(grid(`First rows${more ? `, of ${shown.length} columns` : ""}`, shown, preview.rows, "tables-preview"));
  place.replaceChildren(el("div", { className: "tables-parts" }, ...parts));
  giveFocus();
}

function columnsOf(preview, understood, target, form) {
  const drop = form.settings.given().drop ?? [];
  const features = understood?.columns.slice(0, -1) ?? [];
  let place = 0;
  return preview.names.map((name, index) => {
    const isTarget = index === target;
    const column = isTarget ? understood?.columns.at(-1) : features[place++];
    const box = el("input", { type: "checkbox", checked: !drop.includes(form.called(index)), "aria-label": `Use ${name}` });
    box.dataset.column = index;
    box.addEventListener("change", () => form.use(index, box.checked));
    const kind = column ? column.kind : "";
    return [isTarget ? "predicted" : box, el("th", { scope: "row" }, name), kind, column?.details ?? ""];
  });
}
