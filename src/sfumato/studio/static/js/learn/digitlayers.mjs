// The layers of a network for digits: the first one's weights, and what each answers to the digit that is looked at.

import { el } from "../dom.mjs";
import { colourOf, drawMap } from "./maps.mjs";
import { shown } from "./tables.mjs";

const WORDS = {
  Convolution: ([side, , count]) => `${count} maps of ${side} × ${side}, after ReLU: where each filter finds what it looks for`,
  Tanh: ([side, , count]) => `${count} maps of ${side} × ${side}: where each filter finds what it looks for, or its opposite`,
  MaxPooling: ([side, , count]) => `${count} maps of ${side} × ${side}: the largest of each 2 × 2`,
};

/** What a layer is, in words. */
function wordsOf({ kind, shape }, isLast) {
  if (isLast) return "10 sums, of which softmax makes the probabilities";
  if (shape.length === 1) return `${shape[0]} units`;
  return WORDS[kind](shape);
}

export class DigitLayers {
  constructor(place) {
    this.place = place;
  }

  /** Lay out the layers of a network. */
  describe(layers, network) {
    const units = network === "dense";
    this.layers = layers.map((layer, n) => {
      const cells = Array.from({ length: layer.shape.at(-1) }, (_, unit) => this.cell(layer, unit, n === 0, units, n === layers.length - 1));
      const title = el("h3", {}, el("code", { className: "learn-name" }, layer.name), " ", el("small", {}, wordsOf(layer, n === layers.length - 1)));
      const first = units
        ? "Above, the weights of each unit to the pixels: blue adds, orange takes away. Below, what it answers to this digit."
        : "Above, each filter’s 3 × 3 weights: blue adds, orange takes away. Below, what it answers over this digit.";
      const list = el("ol", { className: `digits-cells ${layer.shape.length === 1 ? "" : layer.shape[2] > 8 ? "maps many" : "maps"}` }, ...cells.map(({ item }) => item));
      const section = el("section", {}, title, n === 0 ? el("p", { className: "faint" }, first) : null, list);
      return { ...layer, cells, section };
    });
    this.place.replaceChildren(...this.layers.map(({ section }) => section));
  }

  /** The place of one unit or map: its weights where they are shown, and its answer. */
  cell({ name, shape }, unit, isFirst, units, isLast) {
    const weights = isFirst ? el("canvas", { role: "img", className: units ? "" : "filter" }) : null;
    const map = shape.length > 1 ? el("canvas", { role: "img" }) : null;
    const [colour, number] = shape.length > 1 ? [null, null] : [el("span", { className: "digits-colour" }), el("span", {})];
    const item = el("li", {}, weights, map, colour, isLast ? el("b", {}, String(unit)) : null, number);
    return { item, weights, map, colour, number, label: `${units || shape.length === 1 ? "unit" : "map"} ${unit + 1} of ${name}` };
  }

  /** Show the weights of the first layer. */
  showWeights({ scale, width, height, values, cells }) {
    this.layers[0].cells.forEach(({ weights, label }, n) => draw(weights, `Weights of ${label}`, { scale, width, height, values, bytes: cells[n] }));
  }

  /** Show what each layer answers: `values` of units by the layer's name, and `pictures` of maps. */
  showAnswers(values, pictures) {
    for (const { name, cells } of this.layers) {
      if (pictures[name]) {
        const { cells: maps, ...size } = pictures[name];
        cells.forEach(({ map, label }, n) => draw(map, label, { ...size, bytes: maps[n] }));
      } else {
        const most = Math.max(...values[name].map(Math.abs)) || 1;
        cells.forEach(({ colour, number }, n) => {
          colour.style.background = colourOf(values[name][n] / most);
          number.textContent = values[name][n].toFixed(2).replace("-", "\u2212");
        });
      }
    }
  }
}

/** Draw a picture of numbers, and say what it is. */
function draw(canvas, name, { scale, width, height, values, bytes }) {
  Object.assign(canvas, { width, height });
  drawMap(canvas, { bytes }, width, values);
  const [least, most] = [Math.min(...bytes), Math.max(...bytes)].map((byte) => shown((scale * (byte - 128)) / 127));
  canvas.setAttribute("aria-label", `${name}: from ${least} to ${most}.`);
}
