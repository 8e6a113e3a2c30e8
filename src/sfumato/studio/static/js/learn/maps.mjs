// Maps and points of the plane, in colours that are told apart without red and green.

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const LIGHT = { middle: [250, 249, 246], ink: [29, 35, 39], negative: [217, 119, 6], positive: [31, 111, 178] };
const DARK = { middle: [38, 41, 44], ink: [231, 229, 223], negative: [242, 161, 74], positive: [93, 168, 235] };

const PALE = 0.6; // share of the full colour where a network is sure

/** The first two are the ends of the diverging scale. */
const CLASSES = ["#d97706", "#1f6fb2", "#009e73", "#cc79a7", "#8c6bb1", "#56b4e9", "#b8a200", "#7f7f7f", "#8c510a", "#a50f4d"];
const SHAPES = ["circle", "square", "triangle", "diamond", "star"];

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const COLOURS = CLASSES.map(channels);

export const classColour = (number) => CLASSES[number % CLASSES.length];
export const onColourScheme = (changed) => dark.addEventListener("change", changed);

function mix(from, to, share) {
  return from.map((channel, n) => channel + share * (to[n] - channel));
}

/** Colour of a value from -1 to 1. */
function diverging(value) {
  const { middle, negative, positive } = dark.matches ? DARK : LIGHT;
  return mix(middle, value < 0 ? negative : positive, Math.min(1, 0.9 * Math.abs(value)));
}

/** The same, as the page writes colours. */
export const colourOf = (value) => `rgb(${diverging(value).map(Math.round)})`;

const tables = new Map(); // made once, as every frame needs one for each map

/** Table of the 256 colours of a map's bytes: of shares, of ink on paper, or of numbers on both sides of zero. */
function tableOf(values) {
  const name = `${values} ${dark.matches}`;
  const { middle, ink } = dark.matches ? DARK : LIGHT;
  const colours = {
    share: (byte) => diverging((2 * byte) / 255 - 1),
    ink: (byte) => mix(middle, ink, byte / 255),
    signed: (byte) => diverging((byte - 128) / 127),
  };
  if (!tables.has(name)) tables.set(name, Array.from({ length: 256 }, (_, byte) => colours[values](byte)));
  return tables.get(name);
}

const small = document.createElement("canvas"); // one for all maps, which are drawn one after the other

/** Draw pixels of colours `at(n)` onto a canvas of any size. */
function paint(canvas, side, at) {
  if (small.width !== side) small.width = small.height = side;
  const image = new ImageData(side, side);
  for (let n = 0; n < side * side; n += 1) {
    const colour = at(n);
    for (let channel = 0; channel < 3; channel += 1) image.data[4 * n + channel] = colour[channel];
    image.data[4 * n + 3] = 255;
  }
  small.getContext("2d").putImageData(image, 0, 0);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = true;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
}

/** Draw one unit's map. */
export function drawMap(canvas, { bytes }, side, values) {
  const table = tableOf(values);
  paint(canvas, side, (n) => table[bytes[n]]);
}

/** Draw what the network answers, pale, so that points stand out: one map by its value, several by the likeliest class. */
export function drawAnswer(canvas, maps, side, values) {
  const { middle } = dark.matches ? DARK : LIGHT;
  if (maps.length === 1) {
    const table = tableOf(values);
    paint(canvas, side, (n) => mix(middle, table[maps[0].bytes[n]], PALE));
    return;
  }
  paint(canvas, side, (n) => {
    let best = 0;
    for (let k = 1; k < maps.length; k += 1) if (maps[k].bytes[n] > maps[best].bytes[n]) best = k;
    const least = 1 / maps.length;
    return mix(middle, COLOURS[best], PALE * Math.max(0, (maps[best].bytes[n] / 255 - least) / (1 - least)));
  });
}

/** A sentence that says what a map shows. */
export function sentence(name, { bytes, scale }, side, values) {
  const number = (byte) => (values === "share" ? byte / 255 : (scale * (byte - 128)) / 127);
  let [least, greatest, left, right] = [255, 0, 0, 0];
  bytes.forEach((byte, n) => {
    least = Math.min(least, byte);
    greatest = Math.max(greatest, byte);
    if (n % side < side / 2) left += byte;
    else right += byte;
  });
  const half = bytes.length / 2;
  const [low, high, west, east] = [least, greatest, left / half, right / half].map((byte) => number(byte).toFixed(2));
  return `${name}: from ${low} to ${high} over the plane; on average ${west} on its left half, ${east} on its right.`;
}

/** Draw the outline of a class's sign around a place. */
function outline(pen, shape, x, y, r) {
  pen.beginPath();
  if (shape === "circle") pen.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape === "square") pen.rect(x - 0.85 * r, y - 0.85 * r, 1.7 * r, 1.7 * r);
  else {
    const [corners, turn] = { triangle: [3, -0.5], diamond: [4, -0.5], star: [5, -0.5] }[shape];
    const inner = shape === "star";
    for (let n = 0; n < corners * (inner ? 2 : 1); n += 1) {
      const angle = Math.PI * (turn + (inner ? n / corners : (2 * n) / corners));
      const reach = (inner && n % 2 ? 0.5 : 1.2) * r;
      pen.lineTo(x + reach * Math.cos(angle), y + reach * Math.sin(angle));
    }
    pen.closePath();
  }
}

/** Draw points `{x, y}` at places given by `place(x)`; those held out are hollow. */
export function drawPoints(canvas, { x, y }, { place, values, hollow, radius }) {
  const pen = canvas.getContext("2d");
  const ground = dark.matches ? "#16181a" : "#ffffff";
  pen.lineWidth = radius / 3;
  x.forEach((point, n) => {
    const [across, down] = place(point);
    const colour = values ? colourOf(toUnit(y[n], values)) : classColour(y[n]);
    outline(pen, values ? "circle" : SHAPES[y[n] % SHAPES.length], across, down, radius);
    pen.fillStyle = hollow ? ground : colour;
    pen.strokeStyle = hollow ? colour : ground;
    pen.fill();
    pen.stroke();
  });
}

const toUnit = (value, { least, greatest }) => value / Math.max(Math.abs(least), Math.abs(greatest), 1e-12);
