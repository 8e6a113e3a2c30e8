// The room Tables: a table is dropped, looked at, trained on, and its model predicts others.

import { announce, byId, dateOf, el, markJob, noteFocus } from "../dom.mjs";
import { get } from "../server.mjs";
import { offer } from "../left.mjs";
import { TablesForm } from "./form.mjs";
import { Result, share, statusOf, titleOf } from "./result.mjs";
import { showTable } from "./shown.mjs";

const STATES = { training: "training", stopped: "stopped", failed: "failed" };

let room = null;

/** Enter the room; what was there stays. */
export async function open() {
  room ??= await make();
  await room.refresh();
  room.result.follow();
}

/** Leave the room: what is trained goes on. */
export function close() {
  room?.result.close();
}

async function make() {
  const { settings } = await get("/api/tables/options");
  let result;
  const looked = (table, told) => {
    result.close();
    result.job = null;
    mark();
    showTable(byId("tables-shown"), { table, told, form });
  };
  const show = async (id) => {
    try {
      await result.open(id);
      byId("tables-shown").scrollIntoView({ block: "nearest" });
      await refresh();
    } catch (error) {
      announce(error.message);
    }
  };
  const form = new TablesForm(settings, { looked, started: show });

  const mark = () => markJob(byId("trained"), result.job?.id);
  const refresh = async () => {
    const { trainings, left } = await get("/api/trainings");
    offer(byId("trained-left"), left, { address: "/api/trainings", kind: "training", changed: () => show(left[0]) });
    const giveFocus = noteFocus(byId("trained"), "job");
    byId("trained").replaceChildren(...trainings.map((job) => el("li", {}, cardOf(job, show))));
    byId("trained-none").hidden = trainings.length > 0;
    mark();
    giveFocus();
    return trainings;
  };
  result = new Result(form, get, () => refresh().catch((error) => announce(error.message)));
  welcome();
  // A page that is loaded again shows what is at work
  const { trainings } = await get("/api/trainings");
  const now = trainings.find(({ state }) => state === "training") ?? trainings.findLast(({ state }) => state === "waiting");
  if (now) await result.open(now.id);
  return { result, refresh };
}

function welcome() {
  const text = "Drop a CSV or Parquet file, say which column to predict, and press Train.";
  const large = el("p", { className: "large" }, "A table in, a model out.");
  byId("tables-shown").replaceChildren(el("div", { className: "canvas empty" }, el("div", {}, large, el("p", {}, text))));
}

function cardOf(job, opened) {
  const { accuracy } = job.test;
  const measure = accuracy === null ? "" : `accuracy ${share(accuracy)}`;
  const said = (job.state === "waiting" ? `waiting, number ${job.position}` : STATES[job.state]) ?? (measure || statusOf(job));
  const card = el("button", { type: "button", "data-job": job.id }, titleOf(job), el("small", {}, `${dateOf(job.id)}, ${said}`));
  card.addEventListener("click", () => opened(job.id));
  return card;
}
