// The plane: what the network answers everywhere, the points, and the pointer that draws more of them.

import { drawAnswer, drawPoints, sentence } from "./maps.mjs";

export class Plane {
  /** `touched(x, y, first)` is called where the pointer draws; `first` at the beginning of a stroke. */
  constructor(canvas, touched) {
    this.canvas = canvas;
    this.said = 0;
    const send = (event, first) => touched(...this.placeOf(event), first);
    canvas.addEventListener("pointerdown", (event) => {
      if (!canvas.classList.contains("drawing")) return;
      canvas.setPointerCapture(event.pointerId);
      send(event, true);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) send(event, false);
    });
  }

  describe(description, showTest) {
    this.description = description;
    this.showTest = showTest;
    this.first = description.maps.findIndex(({ layer }) => layer === "output");
    this.frame = null;
  }

  placeOf(event) {
    const box = this.canvas.getBoundingClientRect();
    const [[left, right], [low, high]] = this.description.range;
    const across = (event.clientX - box.left) / box.width;
    const down = (event.clientY - box.top) / box.height;
    return [left + across * (right - left), high - down * (high - low)].map((value) => Number(value.toFixed(3)));
  }

  draw(frame = this.frame) {
    const { canvas, description } = this;
    if (!frame || !description) return;
    this.frame = frame;
    const edge = Math.round(canvas.clientWidth * (window.devicePixelRatio || 1)) || 480;
    if (canvas.width !== edge) canvas.width = canvas.height = edge;
    const values = description.maps[this.first].values;
    drawAnswer(canvas, frame.maps.slice(this.first), frame.side, values);
    const [[left, right], [low, high]] = description.range;
    const place = ([x, y]) => [((x - left) / (right - left)) * edge, ((high - y) / (high - low)) * edge];
    const radius = (edge / 480) * Math.max(3, Math.min(6, 90 / Math.sqrt(description.train.x.length + 1)));
    const how = { place, values: description.values, radius };
    if (this.showTest) drawPoints(canvas, description.test, { ...how, hollow: true });
    drawPoints(canvas, description.train, { ...how, hollow: false });
    if (performance.now() - this.said < 2000) return;
    this.said = performance.now();
    const outputs = frame.maps.slice(this.first);
    const name = description.classes.length > 2 ? "Probability of the first class" : description.values ? "Value" : "Probability of the second class";
    canvas.setAttribute("aria-label", sentence(`The plane with ${description.train.x.length} points. ${name}`, outputs[0], frame.side, values));
  }
}
