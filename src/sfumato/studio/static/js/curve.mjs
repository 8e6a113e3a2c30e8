// The curve of the loss, on a logarithmic scale.

import { penOf } from "./pen.mjs";

/** Draw losses onto a canvas, in the page's own colours. */
export function drawCurve(canvas, losses) {
  const { pen, width, height, colour } = penOf(canvas);
  const logs = losses.map((loss) => Math.log(Math.max(loss, 1e-12)));
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  pen.strokeStyle = colour("line");
  pen.beginPath();
  pen.moveTo(0, height - 0.5);
  pen.lineTo(width, height - 0.5);
  pen.stroke();
  if (losses.length < 2 || high === low) return;
  pen.strokeStyle = colour("accent");
  pen.lineWidth = 1.5;
  pen.lineJoin = "round";
  pen.beginPath();
  logs.forEach((log, n) => {
    pen.lineTo((n / (logs.length - 1)) * width, 2 + (1 - (log - low) / (high - low)) * (height - 5));
  });
  pen.stroke();
  const [first, last] = [losses[0], losses[losses.length - 1]].map((loss) => loss.toPrecision(3));
  canvas.setAttribute("aria-label", `Loss over ${losses.length} steps: from ${first} to ${last}.`);
}
