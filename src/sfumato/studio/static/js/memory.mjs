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
  const [photo, begun] = await Promise.all([here(form.photo), here(form.begun)]);
  const styles = await Promise.all(form.styles.map(here));
  return {
    photo: photo ? form.photo : null,
    begun: begun ? form.begun : null,
    styles: form.styles.filter((_, n) => styles[n]),
    settings: form.settings,
  };
}
