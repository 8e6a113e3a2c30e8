// Elements, and pictures from the server.

import { blob } from "./server.mjs";

/** Make an element; `props` are its properties, or attributes where a name has a dash. */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.includes("-") || name === "role" || name === "for" || name === "list") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/**
 * An element of the page, which has all that the page's fields and folds have.
 * @typedef {HTMLElement & Pick<HTMLInputElement, "value" | "valueAsNumber" | "checked" | "disabled" | "files"> &
 *   Pick<HTMLDetailsElement, "open"> & Pick<HTMLAnchorElement, "href">} PageElement
 */

/** @returns {PageElement} */
export const byId = (id) => /** @type {any} */ (document.getElementById(id));

/**
 * Note which element has the focus, by its attribute `data-NAME`; the function that is returned gives the focus to the
 * one in a place that has the same, as it may have been made anew meanwhile.
 */
export function noteFocus(place, name) {
  const focused = /** @type {HTMLElement} */ (document.activeElement)?.dataset?.[name];
  return () => focused && place.querySelector(`[data-${name}="${focused}"]`)?.focus();
}

/** Say a line at the top of the page, above every room; an empty one takes it away. */
export function announce(text) {
  byId("banner").textContent = text;
  byId("banner").hidden = !text;
}

/** A picture from an address of the server, which an `img` alone cannot ask for: the key goes in a header. */
export function picture(path, alt, props = {}) {
  const image = el("img", { alt, ...props });
  show(image, path);
  return image;
}

/** Show the picture of an address in an `img`. */
export async function show(image, path) {
  image.dataset.path = path;
  const content = await blob(path).catch(() => null);
  if (content && image.dataset.path === path) showBlob(image, content);
}

/** Show bytes in an `img` of the page, and let go of those before. */
export function showBlob(image, content) {
  if (!image.isConnected) return;
  release(image);
  image.src = URL.createObjectURL(content);
}

function release(image) {
  if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
}

/** Save bytes as a file of this name, as a download. */
export function save(content, name) {
  const link = el("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** Put other children into an element, and let go of the bytes of pictures that leave with the old ones. */
export function clear(place, ...children) {
  place.querySelectorAll("img").forEach(release);
  place.replaceChildren(...children);
}

/** Mark the card of a job among those in a place, if it has one. */
export function markJob(place, id) {
  for (const card of place.querySelectorAll("[data-job]")) card.setAttribute("aria-current", String(card.dataset.job === id));
}

/** Date and time of a job, by its name, and nothing of the year that it is. */
export function dateOf(job) {
  const [, year, month, day, hour, minute] = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)/.exec(job);
  const date = new Date(Number(year), Number(month) - 1, Number(day));
  const other = Number(year) === new Date().getFullYear() ? undefined : "numeric";
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: other })}, ${hour}:${minute}`;
}

export const shownPath = (id, size) => `/api/pictures/${encodeURIComponent(id)}?size=${size}`;

/** A time as people say it. */
export function duration(seconds) {
  if (seconds < 100) return `${Math.max(1, Math.round(seconds))}\u00a0s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes}\u00a0min` : `${Math.floor(minutes / 60)}\u00a0h ${minutes % 60}\u00a0min`;
}

const EARLY = 10; // seconds before which the time left is a guess

/** The time that a job will yet take, as a sentence; nothing at its beginning. */
export const timeLeft = ({ seconds, left }) => (seconds < EARLY ? "" : ` About ${duration(left)} left.`);

/** Bytes as people say them. */
export function size(bytes) {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)}\u00a0kB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)}\u00a0MB` : `${(bytes / 1e9).toFixed(1)}\u00a0GB`;
}
