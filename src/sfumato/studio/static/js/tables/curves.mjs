// Curves of training: loss, and accuracy, epoch by epoch.

import { el } from "../dom.mjs";
import { penOf } from "../pen.mjs";

/** A figure with a canvas; `draw(records)` shows the records so far. */
export function curveFigure(title, train, validation) {
  const canvas = el("canvas", { className: "tables-curve", role: "img", "aria-label": `${title}: no epochs yet.` });
  const names = [el("b", { className: "positive" }, "training"), ", ", el("b", { className: "negative" }, "validation (dashed)")];
  const legend = el("span", { className: "faint" }, ...names);
  const figure = el("figure", {}, el("figcaption", {}, el("b", {}, title), " ", legend), canvas);
  return { figure, draw: (records) => drawCurves(canvas, title, records, train, validation) };
}

function drawCurves(canvas, title, records, train, validation) {
  if (!canvas.clientWidth || !records.length) return;
  const { pen, width, height, colour } = penOf(canvas);
  const all = records.flatMap((record) => [record[train], record[validation]]).filter((value) => value !== null);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const span = high - low || Math.abs(high) || 1;
  const [left, right, top, bottom] = [52, 8, 10, 20];
  const across = (epoch) => left + ((epoch - 1) / Math.max(1, records.at(-1).epoch - 1)) * (width - left - right);
  const up = (value) => height - bottom - ((value - low) / span) * (height - top - bottom);

  pen.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  pen.fillStyle = colour("faint");
  pen.strokeStyle = colour("line");
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const value of high > low ? [low, high] : [low]) {
    pen.fillText(value.toPrecision(3), left - 6, up(value));
    line(pen, [[left, up(value)], [width - right, up(value)]]);
  }
  pen.textBaseline = "alphabetic";
  pen.fillText(`epoch ${records.at(-1).epoch}`, width - right, height - 4);
  pen.lineWidth = 1.6;
  for (const [name, shade, dashes] of [[train, "positive", []], [validation, "negative", [6, 3]]]) {
    const points = records.filter((record) => record[name] !== null).map((record) => [across(record.epoch), up(record[name])]);
    pen.strokeStyle = colour(shade);
    pen.setLineDash(dashes);
    line(pen, points);
  }
  const last = records.at(-1);
  const value = (name) => (last[name] === null ? "none" : last[name].toPrecision(4));
  canvas.setAttribute("aria-label", `${title} after ${last.epoch} epochs: training ${value(train)}, validation ${value(validation)}.`);
}

function line(pen, points) {
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y);
  pen.stroke();
}
