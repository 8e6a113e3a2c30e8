// Lines of equal height over a grid, by marching squares.

/** Corners of a cell, counted around it from its lower left; edge k goes from corner k to the next. */
const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]];

/**
 * Pieces `[[x, y], [x, y]]` of the line on which a grid has this height, in units of its cells.
 *
 * `values[row][column]`; null where there is no number. A cell is crossed on the edges whose ends lie on different
 * sides; where all four are (a saddle), the mean of the corners says which two belong together.
 */
export function contour(values, level) {
  const pieces = [];
  for (let row = 0; row + 1 < values.length; row += 1) {
    for (let column = 0; column + 1 < values[row].length; column += 1) {
      const heights = CORNERS.map(([x, y]) => values[row + y][column + x]);
      if (heights.some((height) => height === null || height === undefined)) continue;
      const above = heights.map((height) => height > level);
      const crossings = [];
      for (let edge = 0; edge < 4; edge += 1) {
        const next = (edge + 1) % 4;
        if (above[edge] === above[next]) continue;
        const share = (level - heights[edge]) / (heights[next] - heights[edge]);
        const [from, to] = [CORNERS[edge], CORNERS[next]];
        crossings.push([0, 1].map((axis) => [column, row][axis] + from[axis] + share * (to[axis] - from[axis])));
      }
      if (crossings.length === 4) {
        const middle = heights.reduce((sum, height) => sum + height, 0) / 4 > level;
        if (middle === above[0]) crossings.push(crossings.shift()); // the corners 1 and 3 are cut off, not 0 and 2
        pieces.push([crossings[3], crossings[0]], [crossings[1], crossings[2]]);
      } else if (crossings.length === 2) pieces.push(crossings);
    }
  }
  return pieces;
}

/** Heights of `count` lines: as many points of the grid lie between one and the next. */
export function levelsOf(values, count) {
  const sorted = values.flat().filter((value) => value !== null).sort((one, other) => one - other);
  const levels = Array.from({ length: count }, (_, n) => sorted[Math.floor(((n + 0.5) / count) * sorted.length)]);
  return [...new Set(levels)];
}
