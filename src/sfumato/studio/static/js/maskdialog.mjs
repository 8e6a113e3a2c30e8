// The dialog in which a mask is painted over the photograph: by brush, by keys, or as rectangles by their sides.

import { Mask } from "./brush.mjs";
import { el, shownPath } from "./dom.mjs";
import { blob } from "./server.mjs";

const EDGE = 1024; // of a mask, at most
const SIDES = { Left: 0, Top: 0, Right: 50, Bottom: 100 }; // per cent, to begin with
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PEN_ERASER = { button: 5, buttons: 32 }; // the other end of a pen

const load = async (path) => createImageBitmap(await blob(path));
const maskPath = ({ id }) => `/api/pictures/${id}/mask`;

/**
 * Ask for a mask, which is painted over a photograph. Beginning from `own.masks`, in `own.colour`; those of `others` are
 * shown, each with its name and colour. Resolves to the mask; null once it is cancelled or nothing was changed.
 */
export async function askMask({ title, hint, photo, own, others }) {
  const image = await load(shownPath(photo.id, EDGE));
  const layers = await Promise.all([...others, own].map((layer) => makeLayer(layer, image)));
  const dialog = new MaskDialog(title, hint, image, layers);
  return dialog.answered;
}

/** A canvas that shows a mask in its colour. */
async function makeLayer({ name, colour, masks }, { width, height }) {
  const canvas = el("canvas", { width, height, "aria-hidden": "true" });
  const pen = canvas.getContext("2d");
  const mask = new Mask(width, height);
  mask.changed = (box) => mask.show(pen, colour, box);
  for (const found of await Promise.all(masks.map((own) => load(maskPath(own))))) mask.add(found);
  return { name, colour, canvas, mask };
}

class MaskDialog {
  constructor(title, hint, image, layers) {
    this.mask = layers.at(-1).mask;
    this.brush = { size: 60, soft: 0.3, erase: false };
    this.at = [image.width / 2, image.height / 2]; // of the brush, in the mask's pixels
    this.status = el("p", { className: "figures", role: "status" });
    const heading = el("h2", { id: "mask-title" }, title);
    const legend = layers.length > 1 ? [legendOf(layers)] : [];
    const tools = el("div", { className: "brush-tools" }, ...this.tools(), this.rectangle(), this.status);
    const work = el("div", { className: "brush-work" }, el("div", {}, this.stageOf(image, layers), ...legend), tools);
    const parts = [heading, el("p", { className: "hint" }, hint), work, this.endings()];
    this.dialog = el("dialog", { className: "brush", "aria-labelledby": "mask-title" }, ...parts);
    document.body.append(this.dialog);
    this.dialog.addEventListener("cancel", (event) => {
      if (this.mask.before.length && !confirm("Leave what you have painted?")) event.preventDefault();
    });
    this.dialog.addEventListener("keydown", (event) => this.undoByKey(event));
    this.answered = new Promise((resolve) =>
      this.dialog.addEventListener("close", () => {
        this.dialog.remove();
        resolve(this.dialog.returnValue === "done" && this.mask.before.length ? this.mask : null);
      }),
    );
    this.dialog.showModal();
    this.stage.focus({ preventScroll: true });
    this.tell();
  }

  /** The photograph with the masks over it, and the ring of the brush. */
  stageOf(image, layers) {
    const photo = el("canvas", { width: image.width, height: image.height, "aria-hidden": "true" });
    photo.getContext("2d").drawImage(image, 0, 0);
    this.ring = el("div", { className: "brush-ring" });
    const props = { className: "brush-stage", tabIndex: 0, role: "img" };
    this.stage = el("div", props, photo, ...layers.map(({ canvas }) => canvas), this.ring);
    this.stage.setAttribute("aria-label", "The photograph and the mask. Arrow keys move the brush, Space paints with it.");
    this.stage.style.aspectRatio = image.width / image.height;
    this.stage.style.maxWidth = `calc(58vh * ${image.width / image.height})`;
    this.stage.addEventListener("pointerdown", (event) => this.press(event));
    this.stage.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) this.stage.addEventListener(name, () => this.lift());
    this.stage.addEventListener("keydown", (event) => this.paintByKey(event));
    new ResizeObserver(() => this.placeRing()).observe(this.stage);
    return this.stage;
  }

  press(event) {
    if (!event.isPrimary || ![0, PEN_ERASER.button].includes(event.button)) return;
    this.stage.setPointerCapture(event.pointerId);
    this.paint(event);
  }

  move(event) {
    if (!event.isPrimary) return;
    if (this.stage.hasPointerCapture(event.pointerId)) {
      for (const part of event.getCoalescedEvents?.() ?? []) this.paint(part);
      this.paint(event);
    } else this.placeRing(this.placeOf(event));
  }

  lift() {
    if (!this.mask.last) return;
    this.mask.end();
    this.tell();
  }

  paint(event) {
    this.placeRing(this.placeOf(event));
    this.mask.stroke(...this.at, { ...this.brush, erase: this.brush.erase || (event.buttons & PEN_ERASER.buttons) > 0 });
  }

  /** Where the pointer is, in the mask's pixels. */
  placeOf({ clientX, clientY }) {
    const box = this.stage.getBoundingClientRect();
    return [((clientX - box.left) * this.mask.width) / box.width, ((clientY - box.top) * this.mask.height) / box.height];
  }

  placeRing(at = this.at) {
    this.at = at;
    const scale = this.stage.clientWidth / this.mask.width;
    const [x, y] = at.map((part) => part * scale);
    const size = this.brush.size * scale;
    Object.assign(this.ring.style, { width: `${size}px`, height: `${size}px`, left: `${x - size / 2}px`, top: `${y - size / 2}px` });
  }

  paintByKey(event) {
    const arrow = ARROWS[event.key];
    if (!arrow && event.key !== " ") return;
    event.preventDefault();
    if (arrow) {
      const limits = [this.mask.width, this.mask.height];
      const step = Math.max(4, this.brush.size / 2);
      this.placeRing(this.at.map((part, n) => Math.min(limits[n], Math.max(0, part + step * arrow[n]))));
      return;
    }
    this.mask.stroke(...this.at, this.brush);
    this.lift();
  }

  undoByKey(event) {
    if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.act(() => this.mask.undo());
  }

  /** Do something to the mask, and tell what became of it. */
  act(work) {
    work();
    this.tell();
  }

  /** Say how much is painted, and whether there is something to take back. */
  tell() {
    const covered = this.mask.covered();
    const share = covered > 0 && covered < 0.01 ? "Less than 1" : String(Math.round(100 * covered));
    this.status.textContent = covered ? `${share} % of the photograph.` : "Nothing is painted yet, which stands for everywhere.";
    this.undo.disabled = !this.mask.before.length;
  }

  tools() {
    const tool = (label, erase) => {
      const input = el("input", { type: "radio", name: "brush-tool", checked: erase === this.brush.erase });
      input.addEventListener("change", () => {
        this.brush.erase = erase;
        this.paintSides.textContent = erase ? "Erase rectangle" : "Paint rectangle";
      });
      return el("label", { className: "check" }, input, el("span", {}, label));
    };
    const range = (label, props, take) => {
      const input = el("input", { type: "range", ...props });
      input.addEventListener("input", () => {
        take(input.valueAsNumber);
        this.placeRing();
      });
      return el("label", { className: "brush-range" }, el("span", {}, label), input);
    };
    this.undo = this.button("Undo", () => this.mask.undo());
    return [
      el("div", { className: "row", role: "radiogroup", "aria-label": "Tool" }, tool("Brush", false), tool("Eraser", true)),
      range("Size", { min: 4, max: 200, value: this.brush.size }, (value) => (this.brush.size = value)),
      range("Soft edge", { min: 0, max: 100, value: 100 * this.brush.soft }, (value) => (this.brush.soft = value / 100)),
      el("div", { className: "row" }, this.undo, this.button("Invert", () => this.mask.invert()), this.button("Clear", () => this.mask.clear())),
    ];
  }

  button(label, work) {
    const made = el("button", { type: "button" }, label);
    made.addEventListener("click", () => this.act(work));
    return made;
  }

  /** Four fields, the sides of a rectangle in per cent, and the button that paints or erases it. */
  rectangle() {
    const fields = Object.entries(SIDES).map(([label, value]) =>
      el("label", {}, el("span", {}, label), el("input", { type: "number", min: 0, max: 100, step: "any", value })),
    );
    this.paintSides = this.button("Paint rectangle", () => {
      const sides = fields.map((label) => Math.min(100, Math.max(0, label.lastChild.valueAsNumber || 0)) / 100);
      const [left, top, right, bottom] = sides;
      this.mask.rectangle(Math.min(left, right), Math.min(top, bottom), Math.max(left, right), Math.max(top, bottom), this.brush.erase);
    });
    return el("fieldset", { className: "brush-sides" }, el("legend", {}, "Rectangle, its sides in %"), ...fields, this.paintSides);
  }

  endings() {
    const done = el("button", { type: "button", className: "primary" }, "Done");
    done.addEventListener("click", () => this.dialog.close("done"));
    const cancel = el("button", { type: "button" }, "Cancel");
    cancel.addEventListener("click", () => this.dialog.close());
    return el("div", { className: "row brush-end" }, done, cancel);
  }
}

/** Names of the masks that are shown, each with its colour. */
function legendOf(layers) {
  const line = ({ name, colour }) => {
    const mark = el("span", { className: "brush-mark" });
    mark.style.background = `rgb(${colour.join(" ")})`;
    return el("li", {}, mark, name);
  };
  return el("ul", { className: "brush-legend" }, ...layers.toReversed().map(line));
}
