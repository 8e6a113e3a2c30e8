// The binary frames: of a playground, its numbers, weights, and the map of every unit; of digits, pictures and what is said of them.

const TEST = 2;
const GRADIENT = 4;
const FINISHED = 8;

/** Read a frame of either kind. */
export function readFrame(buffer) {
  const [kind, version] = new Uint8Array(buffer, 0, 2);
  if (version !== 1 || ![1, 2].includes(kind)) throw new Error("The studio is of another version: load this page again.");
  return kind === 1 ? readPlayground(buffer) : readPictures(buffer);
}

/** Read a frame of digits: what is told, with `pictures` by name, each `{values, scale, width, height, cells}`, the bytes of each. */
function readPictures(buffer) {
  const end = 8 + new DataView(buffer).getUint32(4, true);
  const told = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, end - 8)));
  let at = end;
  const read = ({ name, count, width, height, ...own }) => {
    const cells = Array.from({ length: count }, (_, n) => new Uint8Array(buffer, at + n * width * height, width * height));
    at += count * width * height;
    return [name, { ...own, width, height, cells }];
  };
  return { ...told, pictures: Object.fromEntries(told.pictures.map(read)) };
}

/** Read a playground's frame: numbers, `theta`, `gradient` (or null) and `maps`, each `{scale, bytes}` of `side` x `side`. */
function readPlayground(buffer) {
  const view = new DataView(buffer);
  const flags = view.getUint16(2, true);
  const [epoch, trainLoss, trainAccuracy, testLoss, testAccuracy, slope, penalty, rate] = Array.from({ length: 8 }, (_, n) =>
    view.getFloat64(8 + 8 * n, true),
  );
  const [side, count, parameters] = [view.getUint16(72, true), view.getUint16(74, true), view.getUint32(76, true)];
  let at = 80;
  const floats = (length) => {
    const values = new Float32Array(buffer, at, length);
    at += 4 * length;
    return values;
  };
  const scales = floats(count);
  const theta = floats(parameters);
  const gradient = flags & GRADIENT ? floats(parameters) : null;
  const maps = Array.from(scales, (scale, n) => ({ scale, bytes: new Uint8Array(buffer, at + n * side * side, side * side) }));
  return {
    step: view.getUint32(4, true),
    hasTest: Boolean(flags & TEST),
    finished: Boolean(flags & FINISHED),
    ...{ epoch, trainLoss, trainAccuracy, testLoss, testAccuracy, slope, penalty, rate, side, theta, gradient, maps },
  };
}
