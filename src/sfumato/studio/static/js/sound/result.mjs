// One sound: its loss while it is played in its manner, and what is heard and seen of it.

import { drawCurve } from "../curve.mjs";
import { byId, duration, el, save, timeLeft } from "../dom.mjs";
import { blob, get, post } from "../server.mjs";
import { Watch } from "../watch.mjs";
import { fill, soundFigure } from "./player.mjs";

export class Result {
  /** `form` is filled by a button; `changed()` is called when a job has changed its state or was removed. */
  constructor(form, changed) {
    this.form = form;
    this.changed = changed;
    this.job = null;
    this.watch = new Watch();
  }

  /** Show a job as it is now, and follow it while it goes on. */
  async open(id) {
    this.job = await get(`/api/playings/${id}`);
    this.show();
    this.follow();
  }

  /** Follow no job any more. */
  close() {
    this.watch.end();
  }

  follow() {
    this.close();
    if (!this.job || !isOpen(this.job)) return;
    const { id } = this.job;
    this.watch.begin({
      ask: () => get(`/api/playings/${id}`),
      show: (job) => this.take(job),
      lost: (error) => (this.status.textContent = error.message),
    });
  }

  /** Take news of the job; all is shown anew where its state is another. */
  async take(job) {
    if (job.state !== this.job.state || job.position !== this.job.position) {
      await this.open(job.id);
      this.changed();
      return;
    }
    this.job = job;
    this.update();
  }

  show() {
    const { job } = this;
    this.progress = el("progress", { max: 1, value: 0, "aria-label": "Share of the work that is done" });
    this.status = el("p", { className: "figures", role: "status" });
    this.curve = el("canvas", { className: "curve", role: "img", "aria-label": "Loss: no steps yet." });
    const curve = el("div", {}, this.curve, el("p", { className: "faint" }, "Loss, step by step"));
    curve.hidden = job.losses.length < 2 && job.state !== "playing";
    const head = [el("h2", {}, titleOf(job)), ...(job.state === "playing" ? [this.progress] : []), this.status, this.buttons()];
    fill(byId("sound-shown"), el("div", { className: "under" }, ...head, curve, ...this.figures(), ...commandOf(job)));
    this.update();
  }

  update() {
    const { job } = this;
    this.status.textContent = statusOf(job);
    if (job.record) this.progress.value = job.record.done;
    if (job.losses.length) drawCurve(this.curve, job.losses);
  }

  figures() {
    const { job } = this;
    if (!job.style) return [];
    const figure = (which, title, note) =>
      soundFigure(title, `/api/playings/${job.id}/sounds/${which}`, `/api/playings/${job.id}/spectrograms/${which}`, note);
    const shown = [figure("manner", "Manner", nameOf(job, job.style))];
    if (job.content) shown.unshift(figure("before", "Before", nameOf(job, job.content)));
    if (job.sound && !isOpen(job)) shown.push(figure("after", "After", job.state === "stopped" ? "as far as it came" : ""));
    const reading = "Time runs to the right, from low to high upwards (mel bands); light is loud, by the loudest of each.";
    return [...shown, el("p", { className: "faint" }, reading)];
  }

  buttons() {
    const { job } = this;
    const row = el("div", { className: "row" });
    if (job.sound && !isOpen(job)) row.append(this.button("Download WAV", () => this.download(), "primary"));
    if (job.state === "playing") row.append(this.acting("Stop and keep", "stop"));
    if (job.state === "waiting" && job.position > 1) row.append(this.acting("Play it earlier", "earlier"));
    if (job.state === "waiting") row.append(this.acting("Take out of the queue", "stop"));
    if (job.state === "stopped" || job.state === "failed") row.append(this.acting("Resume", "resume"));
    if (job.settings) row.append(this.button("Same settings", () => this.form.fill(job)));
    if (!isOpen(job)) row.append(this.button("Remove", () => this.remove(), "quiet"));
    return row;
  }

  button(label, act, className = "") {
    const made = el("button", { type: "button", className }, label);
    made.addEventListener("click", async () => {
      try {
        await act(made);
      } catch (error) {
        this.form.say(error.message);
      }
    });
    return made;
  }

  acting(label, action) {
    return this.button(label, async (button) => {
      button.disabled = true;
      await post(`/api/playings/${this.job.id}/${action}`);
      await this.open(this.job.id);
      this.changed();
    });
  }

  async remove() {
    if (!confirm("Remove this sound and its settings?")) return;
    await post(`/api/playings/${this.job.id}/remove`);
    this.empty();
    this.changed();
  }

  async download() {
    const { job } = this;
    save(await blob(`/api/playings/${job.id}/file`), fileOf(job));
  }

  /** What there is before any sound. */
  empty() {
    this.job = null;
    const large = el("p", { className: "large" }, "A sound, in the manner of another.");
    const text = "Drop a sound, and another for its manner, or choose those that are here. The notes stay; what they sound like changes.";
    fill(byId("sound-shown"), el("div", { className: "canvas empty" }, el("div", {}, large, el("p", {}, text))));
  }
}

const isOpen = ({ state }) => state === "waiting" || state === "playing";

const nameOf = (job, id) => job.names[id] ?? id.replace(/^sound:/, "the ");

/** What a job is called: its sounds. */
export function titleOf(job) {
  if (!job.style) return "A sound whose parts are gone";
  if (!job.content) return `More of ${nameOf(job, job.style)}`;
  return `${nameOf(job, job.content).replace(/^the /, "The ")}, in the manner of ${nameOf(job, job.style)}`;
}

/** What a job is at, in words. */
export function statusOf(job) {
  const { state, position, error, note, record, steps, seconds, length, rate, channels, gain_db: gain, warnings = [] } = job;
  if (state === "waiting") return `Waiting, number ${position} in the queue.`;
  if (state === "playing" && !record) return note || "Beginning.";
  if (state === "playing") return `Step ${record.step} of at most ${record.steps}.${timeLeft(record)}`;
  if (state === "failed") return error;
  if (!length) return "Not played to its end. Resume goes on with what was kept.";
  const kind = channels === 2 ? "stereo" : "mono";
  const done = `${length.toFixed(1)} s of ${kind} at ${rate} samples a second, ${steps} steps in ${duration(seconds)}.`;
  const quieter = gain < 0 ? [`Made quieter by ${(-gain).toFixed(1)} dB, as its loudest peak would not have fitted.`] : [];
  return [state === "stopped" ? `Stopped: ${done}` : done, ...quieter, ...warnings].join(" ");
}

/** Name of a job's file, as its command has it. */
const fileOf = (job) => job.command?.match(/-o '?([^']*)'?$/)?.[1] ?? "sound.wav";

function commandOf(job) {
  if (!job.command) return [];
  const copy = el("button", { type: "button", className: "quiet" }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(job.command);
    copy.textContent = "Copied";
  });
  return [el("details", {}, el("summary", {}, "As a command, which gives the same file"), el("code", {}, job.command), copy)];
}
