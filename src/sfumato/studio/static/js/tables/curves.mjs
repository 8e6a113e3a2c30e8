// Curves of training: loss, and accuracy, epoch by epoch.

import { el } from "../dom.mjs";

/** A figure with a canvas; `draw(records)` shows the records so far. */
export function curveFigure(title, train, validation) {
  const canvas = el("canvas", { className: "tables-curve", role: "img", "aria-label": `${title}: no epochs yet.` });
  const legend = el("span", { className: "tables-legend" }, el("i", { className: "line" }), "training ", el("i", { className: "line dashed" }), "validation");
  const figure = el("figure", {}, el("figcaption", {}, el("b", {}, title), " ", legend), canvas);
  return { figure, draw: (records) => drawCurves(canvas, title, records, train, validation) };
}

function drawCurves(canvas, title, records, train, validation) {
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width || !records.length) return;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const all = records.flatMap((record) => [record[train], record[validation]]).filter((value) => value !== null);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const span = high - low || Math.abs(high) || 1;
  const [left, right, top, bottom] = [52, 8, 10, 20];
  const across = (epoch) => left + ((epoch - 1) / Math.max(1, records.at(-1).epoch - 1)) * (width - left - right);
  const up = (value) => height - bottom - ((value - low) / span) * (height - top - bottom);

  pen.font = `12px ${style.fontFamily}`;
  pen.fillStyle = style.getPropertyValue("--faint");
  pen.strokeStyle = style.getPropertyValue("--line");
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const value of high > low ? [low, high] : [low]) {
    pen.fillText(value.toPrecision(3), left - 6, up(value));
    line(pen, [[left, up(value)], [width - right, up(value)]]);
  }
  pen.textBaseline = "alphabetic";
  pen.fillText(`epoch ${records.at(-1).epoch}`, width - right, height - 4);
  pen.lineWidth = 1.6;
  for (const [name, colour, dashes] of [[train, "--accent", []], [validation, "--ink", [5, 4]]]) {
    const points = records.filter((record) => record[name] !== null).map((record) => [across(record.epoch), up(record[name])]);
    pen.strokeStyle = style.getPropertyValue(colour);
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
