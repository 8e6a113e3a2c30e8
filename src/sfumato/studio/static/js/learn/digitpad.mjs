// The pad: a digit is drawn on it by pen, mouse or finger, and kept as strokes.

import { penOf } from "../pen.mjs";

const PEN = 24 / 280; // the pen's width as a part of the pad's, as the server draws it
const MOST_PLACES = 5000;

export class DigitPad {
  /** `changed(strokes)` is called after each change; a stroke is places [across, down], each from 0 to 1. */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.strokes = [];
    this.drawing = false;
    canvas.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary || event.button > 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.drawing = true;
      this.strokes.push([]);
      this.add([event]);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.drawing && event.isPrimary) this.add(event.getCoalescedEvents?.() ?? [event]);
    });
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => (this.drawing = false));
  }

  add(events) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const inside = (value) => Math.min(1, Math.max(0, value));
    const places = events.map(({ clientX, clientY }) => [inside((clientX - left) / width), inside((clientY - top) / height)]);
    if (this.strokes.flat().length + places.length > MOST_PLACES) return;
    this.strokes.at(-1).push(...places);
    this.take(this.strokes);
  }

  /** Take these strokes, and say so. */
  take(strokes) {
    this.strokes = strokes;
    this.draw();
    this.changed(strokes);
  }

  undo() {
    this.take(this.strokes.slice(0, -1));
  }

  clear() {
    this.take([]);
  }

  /** Clear it, as another digit is looked at. */
  forget() {
    this.strokes = [];
    this.draw();
  }

  draw() {
    const { canvas } = this;
    if (!canvas.clientWidth) return;
    const { pen, width, height, colour } = penOf(canvas);
    Object.assign(pen, { lineWidth: PEN * width, lineCap: "round", lineJoin: "round", strokeStyle: colour("ink") });
    for (const stroke of this.strokes) {
      pen.beginPath();
      for (const [x, y] of [...stroke, stroke.at(-1)]) pen.lineTo(x * width, y * height); // a dot needs two places
      pen.stroke();
    }
    if (this.strokes.length) return;
    Object.assign(pen, { fillStyle: colour("faint"), font: "1rem system-ui, sans-serif", textAlign: "center", textBaseline: "middle" });
    pen.fillText("Draw a digit here", width / 2, height / 2);
  }
}
