// The view Sound of the room Paint: the form, the sound that is shown, and those that were played here.

import { announce, byId, dateOf, el, noteFocus } from "../dom.mjs";
import { offer } from "../left.mjs";
import { get } from "../server.mjs";
import { SoundForm } from "./form.mjs";
import { Result, statusOf, titleOf } from "./result.mjs";

let view = null;

/** Enter the view; what was there stays. */
export async function open() {
  view ??= await make();
  await view.refresh();
  view.result.follow();
}

/** Leave the view: what is played goes on, and what is heard ends. */
export function close() {
  view?.result.close();
  for (const audio of byId("paint-sound").querySelectorAll("audio")) audio.pause();
}

async function make() {
  const options = await get("/api/sounds/options");
  let result;
  const show = async (id) => {
    try {
      await result.open(id);
      byId("sound-shown").scrollIntoView({ block: "nearest" });
      await refresh();
    } catch (error) {
      announce(error.message);
    }
  };
  const refresh = async () => {
    const { playings, left } = await get("/api/playings");
    offer(byId("sound-left"), left, { address: "/api/playings", kind: "sound", changed: () => show(left[0]) });
    const giveFocus = noteFocus(byId("played"), "job");
    byId("played").replaceChildren(...playings.map((job) => el("li", {}, cardOf(job, result.job, show))));
    byId("played-none").hidden = playings.length > 0;
    giveFocus();
    return playings;
  };
  const form = new SoundForm(options, show);
  result = new Result(form, () => refresh().catch((error) => announce(error.message)));
  result.empty();
  byId("sound-formats").hidden = options.sounds.length > 0;
  // A page that is loaded again shows what is at work
  const { playings } = await get("/api/playings");
  const now = playings.find(({ state }) => state === "playing") ?? playings.findLast(({ state }) => state === "waiting");
  if (now) await result.open(now.id);
  return { result, refresh };
}

function cardOf(job, shown, opened) {
  const said = { finished: `${job.length?.toFixed(1)} s`, waiting: `waiting, number ${job.position}` }[job.state] ?? job.state;
  const card = el("button", { type: "button", "data-job": job.id, title: statusOf(job) }, titleOf(job));
  card.append(el("small", {}, `${dateOf(job.id)}, ${said}`));
  card.setAttribute("aria-current", String(job.id === shown?.id));
  card.addEventListener("click", () => opened(job.id));
  return card;
}
