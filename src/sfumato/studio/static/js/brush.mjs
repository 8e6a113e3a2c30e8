// A mask that is painted: white where it counts, in strokes with a soft edge that can be taken back.

import { el } from "./dom.mjs";

const MOST_KEPT = 20; // strokes that can be taken back
const OPACITY = 0.6; // of a mask that is shown over a photograph

export class Mask {
  /** A mask of pixels that are black; its `changed(box)` is called with the part that is not as it was. */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    /** @type {(box: { x: number, y: number, width: number, height: number }) => void} */
    this.changed = () => {};
    this.before = [];
    this.last = null;
    this.canvas = el("canvas", { width, height });
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.fill("black");
  }

  /** Add the white of a picture to it: an `ImageBitmap` of the same shape. */
  add(image) {
    this.pen.globalCompositeOperation = "lighter";
    this.pen.drawImage(image, 0, 0, this.width, this.height);
    this.touched(0, 0, this.width, this.height);
  }

  /** Begin a stroke, or go on with it: `brush` has its size, how soft its edge is, from 0 to 1, and whether it erases. */
  stroke(x, y, brush) {
    if (!this.last) this.keep();
    const [fromX, fromY] = this.last ?? [x, y];
    const steps = Math.max(1, Math.ceil(Math.hypot(x - fromX, y - fromY) / Math.max(1, brush.size / 16)));
    for (let k = 1; k <= steps; k++) this.dab(fromX + ((x - fromX) * k) / steps, fromY + ((y - fromY) * k) / steps, brush);
    const reach = brush.size / 2 + 1;
    this.touched(Math.min(x, fromX) - reach, Math.min(y, fromY) - reach, Math.max(x, fromX) + reach, Math.max(y, fromY) + reach);
    this.last = [x, y];
  }

  end() {
    this.last = null;
  }

  /** One touch of the brush. The lighter (or darker) of what is there and the brush stays, so that dabs never add up. */
  dab(x, y, { size, soft, erase }) {
    const outer = size / 2 + 0.5;
    const gradient = this.pen.createRadialGradient(x, y, Math.max(0, (size / 2) * (1 - soft) - 0.5), x, y, outer);
    gradient.addColorStop(0, erase ? "black" : "white");
    gradient.addColorStop(1, erase ? "white" : "black");
    this.pen.globalCompositeOperation = erase ? "darken" : "lighten";
    this.pen.fillStyle = gradient;
    this.pen.fillRect(x - outer, y - outer, 2 * outer, 2 * outer);
  }

  /** Fill a rectangle, whose sides are parts of the width and height. */
  rectangle(left, top, right, bottom, erase) {
    this.keep();
    this.fill(erase ? "black" : "white", left * this.width, top * this.height, (right - left) * this.width, (bottom - top) * this.height);
  }

  /** Make what is painted what is not, and the other way round. */
  invert() {
    this.keep();
    this.fill("white", 0, 0, this.width, this.height, "difference");
  }

  clear() {
    this.keep();
    this.fill("black");
  }

  fill(colour, x = 0, y = 0, width = this.width, height = this.height, how = "source-over") {
    this.pen.globalCompositeOperation = how;
    this.pen.fillStyle = colour;
    this.pen.fillRect(x, y, width, height);
    this.touched(0, 0, this.width, this.height);
  }

  /** Take the last stroke back, or whatever was done last. */
  undo() {
    const levels = this.before.pop();
    if (!levels) return;
    const image = this.pen.createImageData(this.width, this.height);
    image.data.fill(255);
    for (let n = 0; n < levels.length; n++) image.data.fill(levels[n], 4 * n, 4 * n + 3);
    this.pen.putImageData(image, 0, 0);
    this.touched(0, 0, this.width, this.height);
  }

  keep() {
    this.before = [...this.before.slice(1 - MOST_KEPT), this.levels()];
  }

  /** How white each pixel is, from 0 to 255, row by row. */
  levels() {
    const { data } = this.pen.getImageData(0, 0, this.width, this.height);
    const levels = new Uint8Array(data.length / 4);
    for (let n = 0; n < levels.length; n++) levels[n] = data[4 * n];
    return levels;
  }

  /** Its share of the photograph, from 0 to 1. */
  covered() {
    return this.levels().reduce((sum, level) => sum + level, 0) / (255 * this.width * this.height);
  }

  touched(left, top, right, bottom) {
    const [x, y] = [Math.max(0, Math.floor(left)), Math.max(0, Math.floor(top))];
    const [width, height] = [Math.min(this.width, Math.ceil(right)) - x, Math.min(this.height, Math.ceil(bottom)) - y];
    if (width > 0 && height > 0) this.changed({ x, y, width, height });
  }

  /** Show a part of it on another canvas of its size, in a colour: [red, green, blue]. */
  show(pen, [red, green, blue], { x, y, width, height }) {
    const image = this.pen.getImageData(x, y, width, height);
    const { data } = image;
    for (let n = 0; n < data.length; n += 4) {
      data[n + 3] = OPACITY * data[n];
      data[n] = red;
      data[n + 1] = green;
      data[n + 2] = blue;
    }
    pen.putImageData(image, x, y);
  }

  /** Its file: an 8-bit PNG. */
  file() {
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
  }
}
