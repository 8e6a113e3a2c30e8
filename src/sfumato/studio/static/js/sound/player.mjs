// Sounds of the page: players, of which one plays at a time, and spectrograms.

import { el, picture } from "../dom.mjs";
import { blob } from "../server.mjs";

/** A player of a sound at an address, which `audio` alone cannot ask for: the key goes in a header. */
export function player(path, label) {
  const audio = el("audio", { controls: true, "aria-label": label });
  blob(path).then(
    (content) => (audio.src = URL.createObjectURL(content)),
    () => audio.replaceWith(el("p", { className: "faint" }, "This sound cannot be heard any more.")),
  );
  return audio;
}

/** Put other children into a place, and let go of the bytes of sounds and pictures that leave with the old ones. */
export function fill(place, ...children) {
  for (const media of place.querySelectorAll("audio, img")) {
    if (media.src.startsWith("blob:") && !children.some((child) => child.contains?.(media))) URL.revokeObjectURL(media.src);
  }
  place.replaceChildren(...children);
}

/** A figure of a sound: what it is, its spectrogram with a line where it plays, and its player. */
export function soundFigure(title, heard, seen, note) {
  const audio = player(heard, title);
  const image = picture(seen, `Spectrogram of the sound ${title.toLowerCase()}: time to the right, frequency upwards`);
  const line = el("span", { className: "sound-line" });
  const end = el("span", {}, "");
  audio.addEventListener("loadedmetadata", () => (end.textContent = `${audio.duration.toFixed(1)} s`));
  const place = () => line.style.setProperty("--at", `${(100 * audio.currentTime) / (audio.duration || 1)}%`);
  const follow = () => {
    place();
    if (!audio.paused) requestAnimationFrame(follow);
  };
  audio.addEventListener("play", follow);
  audio.addEventListener("seeked", place);
  return el(
    "figure",
    { className: "sound-figure" },
    el("figcaption", {}, el("b", {}, title), el("span", { className: "faint" }, note)),
    el("div", { className: "sound-seen" }, image, line),
    el("div", { className: "sound-time", "aria-hidden": "true" }, el("span", {}, "0 s"), end),
    audio,
  );
}

// "play" does not bubble, but can be caught on its way down
document.addEventListener(
  "play",
  ({ target }) => {
    for (const other of document.querySelectorAll("audio")) if (other !== target) other.pause();
  },
  true,
);
