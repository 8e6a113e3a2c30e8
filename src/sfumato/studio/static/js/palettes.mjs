// Palettes: beside each choice of colours, what it makes of the photograph and the styles, as the server has computed it.

import { el, showBlob } from "./dom.mjs";
import { post } from "./server.mjs";

export class Palettes {
  /** `place` has a card for each choice, with its name as the value. */
  constructor(place) {
    this.cards = [...place.querySelectorAll("label")].map((card) => {
      const image = card.querySelector("img");
      const palette = el("span", { className: "palette", "aria-hidden": "true" });
      image.after(palette);
      return { name: card.querySelector("input").value, image, palette, example: image.src };
    });
    this.given = el("div", { className: "palettes", id: "palettes", hidden: true });
    place.querySelector("legend").after(this.given);
    this.asked = "";
  }

  /** Show what becomes of these pictures; without them, the examples. */
  async show(content, styles) {
    const asked = content && styles.length ? { content, styles, settings: {}, names: {} } : null;
    if (JSON.stringify(asked) === this.asked) return;
    this.asked = JSON.stringify(asked);
    this.asking?.abort();
    this.asking = new AbortController();
    const told = asked && (await post("/api/palettes", asked, this.asking.signal).catch(() => null));
    if (JSON.stringify(asked) !== this.asked) return;
    this.given.hidden = !told;
    if (told) this.given.replaceChildren(...line("Photograph", told.photograph), ...line("Style", told.style));
    for (const { name, image, palette, example } of this.cards) {
      palette.replaceChildren(...(told ? swatches(told.choices[name].palette) : []));
      if (told) showBlob(image, bytesOf(told.choices[name].picture));
      else image.src = example;
    }
  }
}

const line = (label, palette) => [el("span", {}, label), el("span", { className: "palette", "aria-hidden": "true" }, ...swatches(palette))];

const swatches = (palette) =>
  palette.map(([colour, share]) => {
    const swatch = el("i", { title: colour });
    Object.assign(swatch.style, { background: colour, flexGrow: share });
    return swatch;
  });

const bytesOf = (text) => new Blob([Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0))], { type: "image/webp" });
