// The map of a race: lines of equal loss, and the ways over them.

import { contour, levelsOf } from "./contours.mjs";

const LEVELS = 14;
export const COLOURS = ["accent", "positive", "ink", "negative"]; // of the first way, the second...
export const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];

/** Draw what `race` has told over the `values` of `surface`. */
export function drawRace(canvas, { reach, ways, names, lowest }, values) {
  const scale = window.devicePixelRatio || 1;
  const edge = canvas.clientWidth;
  canvas.width = canvas.height = Math.round(edge * scale);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(`--${name}`);
  const place = ([a, b]) => [((a + reach) / (2 * reach)) * edge, ((reach - b) / (2 * reach)) * edge];
  drawLevels(pen, values, edge, colour);
  const furthest = Math.max(...ways.flatMap(({ places }) => places.map(([, , off]) => off)));
  ways.forEach(({ places }, n) => drawWay(pen, places, { place, furthest, colour: colour(COLOURS[n]), dash: DASHES[n] }));
  drawSigns(pen, { start: place(ways[0].places[0]), lowest: lowest.map(place), names, edge, colour });
}

function drawLevels(pen, values, edge, colour) {
  const cells = values.length - 1;
  pen.strokeStyle = colour("edge");
  pen.lineWidth = 0.8;
  levelsOf(values, LEVELS).forEach((level, n) => {
    pen.globalAlpha = 0.3 + (0.6 * n) / LEVELS; // the higher, the darker
    pen.beginPath();
    for (const piece of contour(values, level)) {
      const [from, to] = piece.map(([column, row]) => [(column / cells) * edge, edge - (row / cells) * edge]);
      pen.moveTo(...from);
      pen.lineTo(...to);
    }
    pen.stroke();
  });
}

/** Draw a way, piece by piece: the further off the plane, the paler. Its end is a dot. */
function drawWay(pen, places, { place, furthest, colour, dash }) {
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = 2.2;
  pen.setLineDash(dash);
  pen.globalAlpha = 1;
  let gone = 0; // so that dashes go on from one piece to the next
  for (let n = 1; n < places.length; n += 1) {
    const [from, to] = [place(places[n - 1]), place(places[n])];
    pen.globalAlpha = 1 - 0.75 * (furthest > 1e-9 ? places[n][2] / furthest : 0);
    pen.lineDashOffset = gone;
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
    gone += Math.hypot(to[0] - from[0], to[1] - from[1]);
  }
  pen.setLineDash([]);
  pen.beginPath();
  pen.arc(...place(places.at(-1)), 4, 0, 2 * Math.PI);
  pen.fill();
}

/** Draw the start, the minima, and the names of both directions. */
function drawSigns(pen, { start, lowest, names, edge, colour }) {
  pen.globalAlpha = 1;
  pen.strokeStyle = colour("ink");
  pen.lineWidth = 2;
  for (const [x, y] of lowest) pen.strokeRect(x - 5, y - 5, 10, 10);
  pen.beginPath();
  pen.arc(...start, 6, 0, 2 * Math.PI);
  pen.stroke();
  pen.font = "12px system-ui, sans-serif";
  pen.fillStyle = colour("faint");
  pen.strokeStyle = colour("paper");
  pen.lineWidth = 4; // a ground for the words
  for (const [text, align, x, y] of [[`${names[0]} →`, "right", edge - 6, edge - 6], [`↑ ${names[1]}`, "left", 6, 16]]) {
    pen.textAlign = align;
    pen.strokeText(text, x, y);
    pen.fillText(text, x, y);
  }
}
