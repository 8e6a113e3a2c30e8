// The form as it was left, kept in the browser: ids and names of pictures, and settings.

import { shownPath } from "./dom.mjs";
import { blob } from "./server.mjs";

const KEY = "sfumato-form";

export function keep(form) {
  localStorage.setItem(KEY, JSON.stringify(form));
}

/** What was kept, without pictures that are not in the studio's folder any more; null for nothing. */
export async function kept() {
  let form;
  try {
    form = JSON.parse(localStorage.getItem(KEY));
  } catch {
    return null;
  }
  if (!form) return null;
  const here = async (told) => told && (await blob(shownPath(told.id, 160)).then(() => true, () => false));
  const those = async (all = []) => {
    const found = await Promise.all(all.map(here));
    return all.filter((_, n) => found[n]);
  };
  const [[photo = null], [begun = null], contentMask] = await Promise.all([[form.photo], [form.begun], form.contentMask].map(those));
  const styles = await those(form.styles);
  const masks = await Promise.all(styles.map((style) => those(style.masks)));
  return {
    photo,
    begun,
    contentMask,
    styles: styles.map((style, n) => ({ ...style, masks: masks[n] })),
    settings: form.settings,
  };
}
