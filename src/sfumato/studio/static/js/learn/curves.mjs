// Lines over a logarithmic scale: the losses of a run, and the error of a difference by its step.

import { penOf } from "../pen.mjs";

const FORMAT = (value) => (value >= 0.01 && value < 1000 ? String(Number(value.toPrecision(2))) : value.toExponential(0).replace("e+", "e"));

/** Powers of ten between two logarithms, at most six. */
function decades(low, high) {
  const every = Math.max(1, Math.ceil((high - low) / 6));
  const found = [];
  for (let power = Math.ceil(low); power <= Math.floor(high); power += every) found.push(power);
  return found;
}

/** Draw lines `{points: [[x, y], ...], colour, dash}`; y, and x with `logX`, on logarithmic scales. */
export function drawLines(canvas, lines, { logX = false, labels }) {
  const { pen, width, height, colour } = penOf(canvas);
  pen.font = "11px system-ui, sans-serif";
  const across = (x) => (logX ? Math.log10(x) : x);
  const kept = lines.map((line) => ({ ...line, points: line.points.filter(([, y]) => Number.isFinite(y) && y !== null && y > 0) }));
  const all = kept.flatMap(({ points }) => points);
  if (all.length < 2) {
    Object.assign(pen, { fillStyle: colour("faint"), textAlign: "center" });
    pen.fillText("Nothing to draw yet", width / 2, height / 2);
    return;
  }
  const extent = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const [left, right] = extent(all.map(([x]) => across(x)));
  let [low, high] = extent(all.map(([, y]) => Math.log10(y)));
  if (high - low < 0.3) [low, high] = [low - 0.15, high + 0.15];
  const inset = { left: 44, right: 8, top: 8, bottom: 18 };
  const toX = (x) => inset.left + ((across(x) - left) / (right - left || 1)) * (width - inset.left - inset.right);
  const toY = (log) => inset.top + ((high - log) / (high - low)) * (height - inset.top - inset.bottom);
  pen.textBaseline = "middle";
  const marks = decades(low, high);
  for (const log of marks.length > 1 ? marks : [low, high]) {
    pen.strokeStyle = colour("line");
    pen.beginPath();
    pen.moveTo(inset.left, toY(log));
    pen.lineTo(width - inset.right, toY(log));
    pen.stroke();
    pen.fillStyle = colour("faint");
    pen.textAlign = "right";
    pen.fillText(FORMAT(10 ** log), inset.left - 6, toY(log));
  }
  pen.textBaseline = "bottom";
  pen.textAlign = "left";
  pen.fillText(labels[0], inset.left, height);
  pen.textAlign = "right";
  pen.fillText(labels[1], width - inset.right, height);
  for (const line of kept) {
    pen.strokeStyle = colour(line.colour);
    pen.lineWidth = 1.8;
    pen.lineJoin = "round";
    pen.setLineDash(line.dash ?? []);
    pen.beginPath();
    for (const [x, y] of line.points) pen.lineTo(toX(x), toY(Math.log10(y)));
    pen.stroke();
  }
  pen.setLineDash([]);
}

/** Losses of a run, or another measure of it, thinned out by half when there are many. */
export class LossHistory {
  constructor(name = "Loss") {
    this.name = name;
    this.points = [];
    this.every = 1;
  }

  add({ step, trainLoss, testLoss, hasTest }) {
    const last = this.points.at(-1);
    if (last && step < last.step + this.every) return;
    this.points.push({ step, train: trainLoss, test: hasTest ? testLoss : null });
    if (this.points.length < 800) return;
    this.points = this.points.filter((_, n) => n % 2 === 0);
    this.every = Math.max(1, this.points[1].step - this.points[0].step);
  }

  draw(canvas) {
    const line = (name) => this.points.map((point) => [point.step, point[name]]);
    const lines = [
      { points: line("train"), colour: "positive" },
      { points: line("test"), colour: "negative", dash: [5, 3] },
    ];
    const [first, last] = [this.points[0], this.points.at(-1)];
    drawLines(canvas, lines, { labels: [`step ${first?.step ?? 0}`, `${last?.step ?? 0}`] });
    const words = (value) => value?.toPrecision(3) ?? "none";
    if (last) {
      canvas.setAttribute(
        "aria-label",
        `${this.name} after ${last.step} steps: training ${words(last.train)}, at first ${words(first.train)}; test ${words(last.test)}.`,
      );
    }
  }
}
