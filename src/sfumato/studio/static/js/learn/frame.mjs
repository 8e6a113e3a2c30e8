// The binary frame: numbers of the run, weights, and the map of every unit.

const TEST = 2;
const GRADIENT = 4;
const FINISHED = 8;

/** Read a frame: numbers, `theta`, `gradient` (or null) and `maps`, each `{scale, bytes}` of `side` x `side`. */
export function readFrame(buffer) {
  const view = new DataView(buffer);
  if (view.getUint8(0) !== 1 || view.getUint8(1) !== 1) throw new Error("The studio is of another version: load this page again.");
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
