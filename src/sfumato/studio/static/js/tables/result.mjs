// One training: its curves while it goes on, and its results after.

import { byId, duration, el, picture, save } from "../dom.mjs";
import { blob, post, put } from "../server.mjs";
import { Watch } from "../watch.mjs";
import { curveFigure } from "./curves.mjs";
import { grid } from "./shown.mjs";

export class Result {
  /** `form` is filled by its buttons; `changed()` is called when a training has changed its state or was removed. */
  constructor(form, get, changed) {
    this.form = form;
    this.get = get;
    this.changed = changed;
    this.job = null;
    this.records = [];
    this.watch = new Watch();
  }

  /** Show a training as it is now, and follow it while it goes on. */
  async open(id) {
    const job = await this.get(`/api/trainings/${id}`);
    this.job = job;
    this.records = job.records;
    this.show();
    this.follow();
  }

  /** Follow no training any more. */
  close() {
    this.watch.end();
  }

  follow() {
    this.close();
    if (!this.job || !isOpen(this.job)) return;
    const { id } = this.job;
    this.watch.begin({
      ask: () => this.get(`/api/trainings/${id}?from=${this.records.length}`),
      show: (job) => this.take(job),
      lost: (error) => (this.status.textContent = error.message),
    });
  }

  /** Take news of the training: what has come since, or all where its state is another. */
  async take(job) {
    if (job.state !== this.job.state || job.position !== this.job.position) {
      await this.open(job.id);
      this.changed();
      return;
    }
    this.records.push(...job.records);
    this.job = job;
    this.update();
  }

  show() {
    const { job } = this;
    this.status = el("p", { className: "figures", role: "status" });
    this.progress = el("progress", { max: 1, value: 0, "aria-label": "Share of the epochs that are done" });
    this.progress.hidden = job.state !== "training";
    const parts = [el("h2", {}, titleOf(job)), this.progress, this.status, this.buttons()];
    this.curves = [curveFigure("Loss", "train_loss", "validation_loss")];
    if (job.records.some((record) => record.train_accuracy !== null) || job.state === "training") {
      this.curves.push(curveFigure("Accuracy", "train_accuracy", "validation_accuracy"));
    }
    const figures = el("div", { className: "tables-curves" }, ...this.curves.map(({ figure }) => figure));
    figures.hidden = !this.records.length && !isOpen(job);
    if (job.summary) parts.push(measures(job), figures, ...matrixOf(job.summary.report), this.predictions(), ...this.lines());
    else parts.push(figures, ...this.lines());
    byId("tables-shown").replaceChildren(el("div", { className: "tables-parts" }, ...parts));
    this.update();
  }

  update() {
    const { job, records } = this;
    this.status.textContent = statusOf(job, records);
    const last = records.at(-1);
    if (last?.epochs) this.progress.value = last.epoch / last.epochs;
    const regression = last && last.train_accuracy === null;
    if (regression && this.curves.length > 1) this.curves.pop().figure.remove();
    for (const { draw } of this.curves) draw(records);
  }

  buttons() {
    const { job } = this;
    const row = el("div", { className: "row" });
    const has = (name) => job.files?.includes(name) && !isOpen(job);
    if (has("model.safetensors")) row.append(this.saving("Download model", "model.safetensors", "primary"), this.saving("Download report", "report.html"));
    if (job.state === "training") row.append(this.acting("Stop and keep", "stop"));
    if (job.state === "waiting" && job.position > 1) row.append(this.acting("Train it earlier", "earlier"));
    if (job.state === "waiting") row.append(this.acting("Take out of the queue", "stop"));
    if (job.state === "stopped" || job.state === "failed") row.append(this.acting("Resume", "resume"));
    if (job.settings) {
      const again = el("button", { type: "button" }, "Same settings");
      again.addEventListener("click", () => this.form.fill(job).catch((error) => this.form.say(error.message)));
      row.append(again);
    }
    if (!isOpen(job)) row.append(this.removing());
    return row;
  }

  acting(label, action) {
    const button = el("button", { type: "button" }, label);
    button.addEventListener("click", async () => {
      button.disabled = true;
      await this.act(action);
      if (action === "resume") await this.open(this.job.id);
      this.changed();
    });
    return button;
  }

  async act(action) {
    try {
      await post(`/api/trainings/${this.job.id}/${action}`);
    } catch (error) {
      this.form.say(error.message);
    }
  }

  removing() {
    const button = el("button", { type: "button", className: "quiet" }, "Remove");
    button.addEventListener("click", async () => {
      if (!confirm("Remove this training and its model?")) return;
      await this.act("remove");
      this.job = null;
      byId("tables-shown").replaceChildren();
      this.changed();
    });
    return button;
  }

  saving(label, file, className = "") {
    const button = el("button", { type: "button", className }, label);
    const name = `${stemOf(this.job)}-${file}`;
    button.addEventListener("click", async () => {
      try {
        save(await blob(`/api/trainings/${this.job.id}/files/${file}`), name);
      } catch (error) {
        this.form.say(error.message);
      }
    });
    return button;
  }

  /** A place to drop a table whose rows are to be predicted. */
  predictions() {
    const input = el("input", { type: "file", id: "predict-file", accept: ".csv,.tsv,.txt,.gz,.parquet,text/csv" });
    const label = el("label", { htmlFor: "predict-file" }, el("span", {}, "Drop ", el("b", {}, "a table to predict"), ", or choose it."));
    const zone = el("div", { className: "zone slim", id: "predict" }, input, label);
    const answer = el("div", { id: "predicted" });
    const take = (file) => this.predict(file, answer);
    input.addEventListener("change", () => {
      if (input.files.length) take(input.files[0]);
      input.value = "";
    });
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
    });
    return el("section", { "aria-label": "Predictions" }, el("h3", {}, "Predictions"), zone, answer);
  }

  async predict(file, place) {
    const { job } = this;
    const said = el("p", { role: "status" }, `Predicting the rows of ${file.name}.`);
    place.replaceChildren(said);
    const proba = job.summary.report.classes ? "&proba=yes" : "";
    try {
      const told = await put(`/api/trainings/${job.id}/predictions?name=${encodeURIComponent(file.name)}${proba}`, file);
      said.textContent = [`${told.rows} rows predicted.`, ...told.notes].join(" ");
      const button = el("button", { type: "button", className: "primary" }, "Download CSV");
      const name = `${file.name.replace(/(\.csv)?\.[^.]*$/, "")}-predicted.csv`;
      button.addEventListener("click", () => save(new Blob([told.csv], { type: "text/csv" }), name));
      place.append(grid("First predictions", ["row", ...told.names], told.first.map((row, n) => [String(n + 1), ...row.map(rounded)])), button);
    } catch (error) {
      said.textContent = error.message;
    }
  }

  lines() {
    const { job } = this;
    const report = job.text ? [el("details", {}, el("summary", {}, "Report"), codeOf(job.text))] : [];
    const figures = ["cost.png", "boundary.png"].filter((name) => job.files?.includes(name) && !isOpen(job));
    const alts = { "cost.png": "The cost, epoch by epoch", "boundary.png": "The regions of the classes in the plane" };
    const shown = figures.map((name) => picture(`/api/trainings/${job.id}/files/${name}`, alts[name], { className: "tables-figure" }));
    if (shown.length && report.length) report[0].append(...shown);
    const command = job.command ? [copied("As a command, which gives the same model", job.command)] : [];
    const python = job.scikit_learn ? [copied("In scikit-learn, which chooses its test rows by itself", job.scikit_learn)] : [];
    return [...report, ...command, ...python];
  }
}

const isOpen = ({ state }) => state === "waiting" || state === "training";
const stemOf = (job) => (job.name ?? "table").replace(/(\.csv)?\.[^.]*$/, "");
const rounded = (text) => (/^-?\d*\.\d{5,}(e-?\d+)?$/.test(text) ? Number(text).toPrecision(Math.abs(text) < 1 ? 3 : 5) : text);

/** What a training is called. */
export function titleOf(job) {
  if (!job.name) return "A training whose table is gone";
  return job.settings.target ? `${job.name}: ${job.settings.target}` : job.name;
}

/** What a training is at, in words. */
export function statusOf(job, records = []) {
  const { state, position, error, note, epochs, seconds, network, warnings = [] } = job;
  if (state === "waiting") return `Waiting, number ${position} in the queue.`;
  if (state === "training") {
    const last = records.at(-1);
    if (note || !last) return note || "Beginning.";
    const left = (last.seconds / last.epoch) * (last.epochs - last.epoch);
    const accuracy = last.train_accuracy === null ? "" : `, accuracy ${share(last.train_accuracy)}`;
    return `Epoch ${last.epoch} of ${last.epochs}: loss ${last.train_loss.toPrecision(4)}${accuracy}. About ${duration(left)} left.`;
  }
  if (state === "failed") return error;
  if (!epochs) return "Stopped before the first epoch was done.";
  const done = `Network ${network} (features, units, outputs), ${epochs} epochs in ${duration(seconds)}.`;
  return [state === "stopped" ? `Stopped: ${done}` : done, ...warnings].join(" ");
}

/** The measures that come first. */
function measures({ summary }) {
  const { report, report_on: on } = summary;
  const shown = report.classes
    ? { accuracy: share(report.accuracy), "95 % interval": report.accuracy_interval.map(share).join(" to "), "if all were the commonest class": share(report.no_information_rate) }
    : { "R squared": number(report.r_squared), "root mean squared error": number(report.root_mean_squared_error), "mean absolute error": number(report.mean_absolute_error) };
  const rows = Object.entries({ ...shown, loss: number(summary[`${on}_loss`]) });
  const list = el("dl", { className: "tables-measures" }, ...rows.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, text))));
  return el("section", { "aria-label": "Measures" }, el("h3", {}, `On ${summary.examples[on]} ${on} rows`), list, ...notes(summary));
}

const notes = (summary) => summary.notes.map((note) => el("p", { className: "faint" }, note));
const number = (value) => (value === null ? "n/a" : Number(value).toPrecision(4));

/** A share as the text of the report has it. */
export const share = (value) => (value === null ? "n/a" : value.toFixed(4));

/** The confusion matrix as a table, and the measures of each class. */
function matrixOf(report) {
  if (!report.classes || report.classes.length > 30) return [];
  const rows = report.counts.map((counts, k) => {
    const total = counts.reduce((sum, count) => sum + count, 0) || 1;
    const cells = counts.map((count, j) => {
      const cell = el("span", { className: j === k ? "tables-share right" : "tables-share" }, String(count));
      cell.style.setProperty("--share", `${34 * Math.sqrt(count / total)}%`); // the root lets rare mistakes show
      return cell;
    });
    return [el("th", { scope: "row" }, report.classes[k]), ...cells];
  });
  const matrix = grid("Confusion matrix: true classes down, predicted across", ["true", ...report.classes], rows, "tables-matrix");
  const heads = ["class", "rows", "precision", "recall", "F1"];
  const each = report.by_class.map((one) => [el("th", { scope: "row" }, one.class), String(one.examples), ...["precision", "recall", "f1"].map((name) => share(one[name]))]);
  return [matrix, el("details", {}, el("summary", {}, "Classes"), grid("Measures of each class", heads, each))];
}

const codeOf = (text) => el("pre", { tabIndex: 0 }, text);

function copied(title, text) {
  const copy = el("button", { type: "button", className: "quiet" }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = "Copied";
  });
  return el("details", {}, el("summary", {}, title), codeOf(text), copy);
}
