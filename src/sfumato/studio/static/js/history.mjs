// What was painted here, the newest first.

import { byId, clear, dateOf, el, markJob, noteFocus, picture, shownPath, size } from "./dom.mjs";
import { offer } from "./left.mjs";
import { get } from "./server.mjs";
import { titleOf } from "./easel.mjs";

const STATES = { painting: "being painted", finished: "", stopped: "stopped", failed: "failed" };

/** Show all jobs, with that on the easel marked; `opened(id)` is called with the one that is chosen. Returns them. */
export async function showHistory(titles, shown, opened) {
  const { jobs, folder, bytes, left } = await get("/api/jobs");
  const place = byId("history");
  const giveFocus = noteFocus(place, "job");
  offer(byId("left"), left, { address: "/api/jobs", kind: "picture" });
  clear(place, ...jobs.map((job) => el("li", {}, cardOf(job, titles, opened))));
  markShown(shown);
  giveFocus();
  byId("space").textContent = jobs.length ? `${size(bytes)} in ${folder}. What is finished stays until you remove it.` : "Nothing yet.";
  return jobs;
}

/** Mark the job that is on the easel. */
export function markShown(shown) {
  markJob(byId("history"), shown);
}

function cardOf(job, titles, opened) {
  const path = job.picture ? `/api/jobs/${job.id}/picture?size=320` : job.content && shownPath(job.content, 320);
  const image = path ? picture(path, "") : el("div", { className: "blank" });
  const size = job.width ? `${job.width} × ${job.height}` : "";
  const state = job.state === "waiting" ? `waiting, number ${job.position}` : STATES[job.state];
  const small = [state, size, dateOf(job.id)].filter(Boolean).map((text) => el("small", {}, text));
  const card = el("button", { type: "button", "data-job": job.id }, image, el("span", {}, titleOf(job, titles), ...small));
  card.addEventListener("click", () => opened(job.id));
  return card;
}
