// What was not finished when the studio ended.

import { announce, clear, el } from "./dom.mjs";
import { post } from "./server.mjs";

/**
 * Offer in a place to go on with jobs, all in their order, or to leave them. They lie at `address`, each is a `kind`,
 * and `changed()` is called once it is done.
 */
export function offer(place, left, { address, kind, changed = () => {} }) {
  if (!left.length) return clear(place);
  const several = left.length > 1;
  const button = (text, action, className = "") => {
    const made = el("button", { type: "button", className }, text);
    made.addEventListener("click", async () => {
      try {
        for (const name of left) await post(`${address}/${name}/${action}`);
      } catch (error) {
        announce(error.message);
      }
      changed();
    });
    return made;
  };
  const goOn = button(several ? "Go on with them" : "Go on with it", "resume", "primary");
  const leave = button(several ? "Leave them as they are" : "Leave it as it is", "leave");
  const text = `${several ? `${left.length} ${kind}s were` : `A ${kind} was`} not finished when the studio ended.`;
  return clear(place, el("p", {}, text), el("div", { className: "row" }, goOn, leave));
}
