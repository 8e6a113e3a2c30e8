// Before and after: a slider between the photograph and the painting, and a loupe.

import { el } from "./dom.mjs";

/** A figure of the painting's shape with both pictures, and its controls: `{canvas, slider, loupe}`. */
export function comparison(before, after, { width, height }) {
  before.className = "before";
  after.className = "after";
  const canvas = el("div", { className: "canvas compared" }, before, after);
  canvas.style.aspectRatio = width / height;
  canvas.style.maxWidth = `calc(70vh * ${width / height})`;
  const range = el("input", { type: "range", min: 0, max: 100, value: 100, "aria-label": "Photograph to painting" });
  const place = () => canvas.style.setProperty("--at", `${range.value}%`);
  range.addEventListener("input", place);
  const slide = (event) => {
    const box = canvas.getBoundingClientRect();
    range.value = (100 * (event.clientX - box.left)) / box.width;
    place();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (canvas.classList.contains("magnified")) return;
    canvas.setPointerCapture(event.pointerId);
    slide(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) slide(event);
  });
  const slider = el("div", { className: "compare" }, "Photograph", range, "Painting");
  return { canvas, slider, loupe: loupeButton(canvas, after) };
}

/** A button that switches the loupe on: it follows the pointer, or the arrow keys. */
function loupeButton(canvas, image) {
  const glass = el("canvas", { className: "loupe", tabIndex: 0, hidden: true, role: "img" });
  canvas.append(glass);
  let at = { x: 0.5, y: 0.5 };
  const draw = () => {
    const scale = window.devicePixelRatio || 1;
    const edge = glass.clientWidth * scale;
    glass.width = glass.height = edge;
    glass.style.left = `${at.x * canvas.clientWidth - glass.offsetWidth / 2}px`;
    glass.style.top = `${at.y * canvas.clientHeight - glass.offsetHeight / 2}px`;
    const shown = (scale * canvas.clientWidth) / image.naturalWidth; // pixels of the screen for one of the painting
    const zoom = shown < 1 ? 1 : Math.ceil(2 * shown);
    const seen = edge / zoom;
    const pen = glass.getContext("2d");
    pen.imageSmoothingEnabled = false;
    pen.drawImage(image, at.x * image.naturalWidth - seen / 2, at.y * image.naturalHeight - seen / 2, seen, seen, 0, 0, edge, edge);
    glass.setAttribute("aria-label", `Loupe, one pixel of the painting to ${zoom} of the screen; arrow keys move it`);
  };
  const move = (x, y) => {
    at = { x: Math.min(1, Math.max(0, x)), y: Math.min(1, Math.max(0, y)) };
    draw();
  };
  canvas.addEventListener("pointermove", (event) => {
    if (glass.hidden) return;
    const box = canvas.getBoundingClientRect();
    move((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
  glass.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    move(at.x + 0.04 * step[0], at.y + 0.04 * step[1]);
  });
  const button = el("button", { type: "button", "aria-pressed": "false" }, "Loupe");
  button.addEventListener("click", () => {
    glass.hidden = !glass.hidden;
    button.setAttribute("aria-pressed", String(!glass.hidden));
    canvas.classList.toggle("magnified", !glass.hidden);
    if (!glass.hidden) {
      draw();
      glass.focus({ preventScroll: true });
    }
  });
  return button;
}
