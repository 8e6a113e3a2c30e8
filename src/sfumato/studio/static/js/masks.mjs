// Where each style goes, and where the photograph counts: everywhere, or where it is painted.

import { byId, el, picture, save, shownPath } from "./dom.mjs";
import { askMask } from "./maskdialog.mjs";
import { blob, give } from "./server.mjs";

// Of styles in their order, to be told apart whatever colours one sees (Okabe and Ito)
const COLOURS = [[0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [86, 180, 233], [213, 94, 0]];

const colourOf = (n) => COLOURS[n % COLOURS.length];
const stem = (name) => name.replace(/^sfumato:/, "").replace(/\.[^.]*$/, "");

/** The masks in the form's request, by ids and the numbers of their styles. */
export function masksOf({ styles, contentMask }) {
  const masks = styles.flatMap((style, n) => style.masks.map(({ id }) => [id, n + 1]));
  return contentMask.length ? { masks, content_mask: contentMask[0].id } : { masks };
}

/** Everything that is masked in the form, as pictures. */
export const maskPictures = ({ styles, contentMask }) => [...styles.flatMap(({ masks }) => masks), ...contentMask];

/** Leave all masks out, as another photograph has another shape; returns whether there were any. */
export function forgetMasks(form) {
  const had = maskPictures(form).length > 0;
  for (const style of form.styles) style.masks = [];
  form.contentMask = [];
  return had;
}

/** Controls in a style's line: where it goes. */
export function maskControls(form, style) {
  const n = form.styles.indexOf(style);
  const layer = (own, k) => ({ name: own.name, colour: colourOf(k), masks: own.masks });
  const asked = {
    title: `Only here: ${style.name}`,
    hint: "Paint what it is for. Styles without a mask take the rest; without such a style, the rest stays the photograph.",
    file: `${stem(style.id.startsWith("sfumato:") ? style.id : style.name)}-mask.png`,
    own: layer(style, n),
    others: form.styles.map(layer).filter((own, k) => k !== n && own.masks.length),
  };
  return controls(form, style.name, asked, style.masks, (masks) => (style.masks = masks));
}

/** The line of the settings that says where the photograph counts. */
export function contentMaskLine(form) {
  const asked = {
    title: "Only here: the photograph counts",
    hint: "Paint what shall stay itself, such as a face. Elsewhere the style is free.",
    file: "content-mask.png",
    own: { name: "the photograph", colour: colourOf(2), masks: form.contentMask },
    others: [],
  };
  const made = controls(form, "the photograph counts", asked, form.contentMask, (masks) => (form.contentMask = masks));
  const hint = el("p", { className: "hint" }, "Where the photograph's shapes count: everywhere, or where you paint.");
  return [el("span", {}, "Content mask"), form.photo ? made : el("span", { className: "faint" }, "everywhere"), hint];
}

/** A button that asks for a mask; where there is one, what it looks like, and a button that leaves it out. */
function controls(form, what, asked, masks, set) {
  const button = (text, work) => {
    const made = el("button", { type: "button", className: "quiet", "aria-label": `${text}: ${what}` }, text);
    made.addEventListener("click", work);
    return made;
  };
  const take = (found) => {
    set(found);
    form.change();
  };
  const ask = async () => {
    try {
      const file = freeName(`${stem(form.photo.name)}-${asked.file}`, maskPictures(form).filter((own) => !masks.includes(own)));
      const mask = await askMask({ ...asked, photo: form.photo });
      if (mask) take(mask.covered() ? [{ ...(await give(await mask.file(), file)), name: file }] : []);
    } catch (error) {
      form.say(error.message);
    }
  };
  if (!masks.length) return el("div", { className: "masked" }, button("Only here", ask));
  const shown = masks.map(({ id }) => picture(shownPath(id, 160), ""));
  const everywhere = button("Everywhere", () => take([]));
  return el("div", { className: "masked" }, ...shown, button("Change", ask), everywhere);
}

/** The name, or one with a number, that none of these pictures has. */
function freeName(name, others, number = 1) {
  const numbered = number > 1 ? `${stem(name)}-${number}.png` : name;
  return others.some((own) => own.name === numbered) ? freeName(name, others, number + 1) : numbered;
}

/** Buttons that save the masks that a job's command names. */
export function maskSavers(job) {
  const masks = [...new Set([...job.masks.map(([id]) => id), ...(job.content_mask ? [job.content_mask] : [])])];
  return masks.map((id) => {
    const name = job.names[id] ?? id;
    const made = el("button", { type: "button", className: "quiet" }, `Save ${name}`);
    made.addEventListener("click", async () => save(await blob(`/api/pictures/${id}/file`), name));
    return made;
  });
}

/** Put the line of the content's mask among the settings. */
export function showContentMask(form) {
  const beside = byId("setting-content_weight").closest(".setting");
  const line = byId("content-mask") ?? el("div", { className: "setting", id: "content-mask" });
  if (!line.isConnected) beside.after(line);
  line.replaceChildren(...contentMaskLine(form));
}
