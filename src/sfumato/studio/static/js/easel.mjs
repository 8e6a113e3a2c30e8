// The easel: one job, while it is painted and after.

import { comparison } from "./compare.mjs";
import { drawCurve } from "./curve.mjs";
import { byId, clear, duration, el, picture, save, showBlob, shownPath, timeLeft } from "./dom.mjs";
import { maskSavers } from "./masks.mjs";
import { blob, get, give, post } from "./server.mjs";

const SHOWN = 2048;

export class Easel {
  /** `form` is filled by its buttons; `removed()` is called after a job was removed. */
  constructor(form, titles, formats, removed) {
    this.form = form;
    this.titles = titles;
    this.formats = formats;
    this.removed = removed;
    this.job = null;
    this.parts = {};
    this.preview = null; // the newest, with the name of its job
  }

  /** Put things on the easel; while one is painted, a narrow page has it above the form. */
  lay(...things) {
    clear(byId("easel"), ...things);
    byId("room-paint").classList.toggle("painting", this.job?.state === "painting");
  }

  /** What there is before any picture. */
  empty() {
    this.job = null;
    this.lay(
      el(
        "div",
        { className: "canvas empty" },
        el(
          "div",
          {},
          el("p", { className: "large" }, "A photograph, in the manner of a painting."),
          el("p", {}, "Drop a photograph anywhere on this page, choose a style, and press Paint."),
        ),
      ),
    );
  }

  /** Show the photograph that is to be painted. */
  photo({ id, name }) {
    this.job = null;
    this.lay(el("div", { className: "canvas" }, picture(shownPath(id, SHOWN), name)));
  }

  /** Show a job as it is now. */
  async open(id) {
    const job = await get(`/api/jobs/${id}`);
    const losses = job.losses;
    this.job = job;
    const canvas = job.state === "finished" || (job.picture && job.state === "stopped") ? this.finished(job) : this.unfinished(job);
    const curve = el("canvas", { className: "curve", role: "img", "aria-label": "Loss: no steps yet." });
    const under = el("div", { className: "under" }, el("h2", {}, titleOf(job, this.titles)), ...canvas.controls);
    this.lay(canvas.element, under);
    this.parts = { ...canvas.parts, curve, losses };
    if (losses.length > 1 || job.state === "painting") {
      under.append(el("div", {}, curve, el("p", { className: "faint" }, "Loss at each step; each size begins anew")));
      drawCurve(curve, losses);
    }
    if (job.command) under.append(commandOf(job));
    if (job.state === "painting" && this.preview?.job === id) this.showPreview();
  }

  unfinished(job) {
    const image = job.content ? picture(shownPath(job.content, SHOWN), "The picture so far") : el("img", { alt: "" });
    const progress = el("progress", { max: 1, value: 0, "aria-label": "Share of the work that is done" });
    const status = el("p", { className: "figures", role: "status" }, statusOf(job));
    const controls = [status];
    if (job.state === "painting") {
      controls.unshift(progress);
      controls.push(el("div", { className: "row" }, this.button("Stop and keep", "stop")));
    } else if (job.state === "waiting") {
      const order = job.position > 1 ? [this.button("Paint it earlier", "earlier")] : [];
      controls.push(el("div", { className: "row" }, ...order, this.button("Take out of the queue", "stop")));
    } else {
      controls.push(el("div", { className: "row" }, this.button("Resume", "resume", "primary"), ...this.common(job)));
    }
    return { element: el("div", { className: "canvas" }, image), controls, parts: { image, progress, status } };
  }

  finished(job) {
    const before = picture(shownPath(job.content, SHOWN), "The photograph");
    const after = el("img", { alt: titleOf(job, this.titles) });
    blob(`/api/jobs/${job.id}/picture`).then((content) => showBlob(after, content));
    const { canvas, slider, loupe } = comparison(before, after, job);
    const status = el("p", { className: "figures" }, statusOf(job));
    const format = el("select", { "aria-label": "Format" }, ...this.formats.map((suffix) => el("option", {}, suffix)));
    const download = el("button", { type: "button", className: "primary" }, "Download");
    download.addEventListener("click", () => this.download(job, format.value));
    const goOn = el("button", { type: "button" }, "Go on from here");
    goOn.addEventListener("click", () => this.goOn(job));
    const resume = job.state === "stopped" ? [this.button("Resume", "resume")] : [];
    const row = el("div", { className: "row" }, download, format, ...resume, goOn, loupe, ...this.common(job));
    return { element: canvas, controls: [slider, row, status], parts: { status } };
  }

  common(job) {
    const again = el("button", { type: "button" }, "Same settings");
    again.addEventListener("click", () => this.form.fill(job));
    const remove = el("button", { type: "button", className: "quiet" }, "Remove");
    remove.addEventListener("click", async () => {
      if (!confirm("Remove this picture and its settings?")) return;
      await this.act("remove");
      this.empty();
      this.removed();
    });
    return job.content ? [again, remove] : [remove];
  }

  button(label, action, className = "") {
    const made = el("button", { type: "button", className }, label);
    made.addEventListener("click", () => {
      made.disabled = true;
      this.act(action);
    });
    return made;
  }

  async act(action) {
    try {
      await post(`/api/jobs/${this.job.id}/${action}`);
    } catch (error) {
      this.form.say(error.message);
    }
  }

  async download(job, suffix) {
    try {
      save(await blob(`/api/jobs/${job.id}/picture?format=${suffix}`), fileOf(job, suffix));
    } catch (error) {
      this.form.say(error.message);
    }
  }

  /** Hand the picture in again, as what the next one begins with. */
  async goOn(job) {
    const told = await give(await blob(`/api/jobs/${job.id}/picture`), fileOf(job));
    this.form.goOn(job, told);
  }

  showPreview() {
    delete this.parts.image.dataset.path; // of the photograph, which may still be on its way
    showBlob(this.parts.image, this.preview.content);
  }

  /** Take a frame of news about the job that is painted. */
  take({ job, record, note }, preview) {
    if (preview) this.preview = { job, content: preview };
    if (!this.job || this.job.id !== job || this.job.state !== "painting") return;
    const { progress, status, curve, losses } = this.parts;
    if (preview) this.showPreview();
    if (note) status.textContent = note;
    if (!record) return;
    progress.value = record.done;
    const { scale, scales, step, steps, width, height } = record;
    const place = `Size ${scale} of ${scales} (${width} × ${height}), step ${step} of ${steps}`;
    status.textContent = `${place}.${timeLeft(record)}`;
    losses.push(record.loss);
    drawCurve(curve, losses);
  }
}

/** What a job is called: its photograph, and its styles. */
export function titleOf(job, titles) {
  if (!job.content) return "A picture whose parts are gone";
  const name = (id) => titles.get(id) ?? job.names[id] ?? "a picture";
  return `${name(job.content)}, in the manner of ${job.styles.map(({ id }) => name(id)).join(" and ")}`;
}

/** What a job is at, in words. */
export function statusOf(job) {
  const { state, position, error, width, height, steps, seconds, warnings = [] } = job;
  if (state === "waiting") return `Waiting, number ${position} in the queue.`;
  if (state === "painting") return "Beginning.";
  if (state === "failed") return error;
  if (!width) return "Not painted to its end. Resume goes on with what was kept.";
  const done = `${width} × ${height} pixels, ${steps} steps in ${duration(seconds)}.`;
  return [state === "stopped" ? `Stopped: ${done}` : done, ...warnings].join(" ");
}

function fileOf(job, suffix = ".png") {
  const name = job.names[job.content] ?? "picture";
  return `${name.replace(/\.[^.]*$/, "").replace(/:/g, "-")}-painted${suffix}`;
}

function commandOf(job) {
  const copy = el("button", { type: "button", className: "quiet" }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(job.command);
    copy.textContent = "Copied";
  });
  const summary = el("summary", {}, "As a command, which gives the same file");
  return el("details", {}, summary, el("code", {}, job.command), el("div", { className: "row" }, copy, ...maskSavers(job)));
}
