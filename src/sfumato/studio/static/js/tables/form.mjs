// The form: which table, what to predict, which columns and settings, and the button.

import { byId, el } from "../dom.mjs";
import { post, put } from "../server.mjs";
import { TrainingSettings } from "./settings.mjs";

export class TablesForm {
  /** `looked(table, told)` is called with what is understood of a table, `started(id)` with a training. */
  constructor(options, { looked, started }) {
    this.looked = looked;
    this.started = started;
    this.table = null;
    this.told = null;
    this.asked = 0;
    this.task = options.find(({ name }) => name === "task");
    this.settings = new TrainingSettings(options, byId("tables-settings"), () => this.look());
    this.makeZone();
    byId("tables-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.train();
    });
    document.addEventListener("dragover", (event) => this.meant(event) && event.preventDefault());
    document.addEventListener("drop", (event) => {
      if (!this.meant(event)) return;
      event.preventDefault();
      this.take(event.dataTransfer.files[0]);
    });
  }

  /** Whether a file is dragged over this room. */
  meant(event) {
    return byId("room-tables").checkVisibility() && [...event.dataTransfer.types].includes("Files");
  }

  makeZone() {
    const zone = byId("tables-zone");
    const accept = ".csv,.tsv,.txt,.gz,.parquet,text/csv";
    const input = el("input", { type: "file", id: "tables-file", accept });
    input.addEventListener("change", () => {
      if (input.files.length) this.take(input.files[0]);
      input.value = "";
    });
    const what = this.table
      ? el("span", {}, el("b", {}, this.table.name), el("br"), "Drop or choose another.")
      : el("span", {}, "Drop ", el("b", {}, "a CSV or Parquet file"), ", or choose it.");
    zone.replaceChildren(input, el("label", { htmlFor: "tables-file" }, what));
  }

  async take(file) {
    this.say(`Reading ${file.name}.`);
    try {
      this.table = await put(`/api/tables?name=${encodeURIComponent(file.name)}`, file);
      this.settings.fill({});
      this.makeZone();
      await this.look();
    } catch (error) {
      this.say(error.message);
    }
  }

  /** Fill the form with what a training was asked for. */
  fill({ table, name, settings }) {
    this.table = { id: table, name };
    this.settings.fill(settings);
    this.makeZone();
    return this.look();
  }

  request() {
    return { table: this.table.id, name: this.table.name, settings: this.settings.given() };
  }

  /** Ask what is understood of the table with these settings, and show it. */
  async look() {
    this.say("");
    if (!this.table) return;
    const asked = ++this.asked;
    byId("train").disabled = true;
    byId("tables-outlook").textContent = "Looking at the table.";
    try {
      const told = await post("/api/tables/understood", this.request());
      if (asked !== this.asked) return;
      this.told = told;
      this.showMain();
      this.looked(this.table, told);
      if (told.error) this.say(told.error.text, told.error.field);
    } catch (error) {
      if (asked !== this.asked) return;
      this.told = null;
      this.say(error.message, error.field);
    }
    const found = this.told?.understood;
    byId("train").disabled = !found;
    byId("tables-outlook").textContent = found ? outlook(found) : "";
  }

  /** How a column is called in the settings: by its name, or by its place where the file has no names. */
  called(index) {
    const { names, header } = this.told.preview;
    return header ? names[index] : String(index);
  }

  /** Place of the target among the columns. */
  targetIndex() {
    const { preview, understood } = this.told;
    const names = preview.names.map((_, index) => this.called(index));
    const chosen = this.settings.given().target ?? (preview.header ? understood?.target : undefined);
    return names.includes(chosen) ? names.indexOf(chosen) : names.length - 1;
  }

  /** Target and task. */
  showMain() {
    const place = byId("tables-main");
    place.hidden = !this.told.preview;
    if (!this.told.preview) return;
    const focused = document.activeElement?.id;
    const chosen = this.targetIndex();
    const { names } = this.told.preview;
    const target = el("select", { id: "training-target" });
    target.append(...names.map((name, index) => el("option", { value: this.called(index), selected: index === chosen }, name)));
    target.addEventListener("change", () => {
      this.settings.set("target", target.value);
      const drop = (this.settings.given().drop ?? []).filter((name) => name !== target.value);
      this.settings.set("drop", drop.length ? drop : null);
      this.look();
    });
    const task = el("select", { id: "training-task" });
    const given = this.settings.given().task ?? "auto";
    const decided = this.told.understood?.task;
    const said = (name) => (name === "auto" && decided ? `auto: ${decided}` : name);
    task.append(...this.task.choices.map((name) => el("option", { value: name, selected: name === given }, said(name))));
    task.addEventListener("change", () => {
      this.settings.set("task", task.value);
      this.look();
    });
    const row = (label, field) => el("div", { className: "setting" }, el("label", { htmlFor: field.id }, label), field);
    place.replaceChildren(row("Column to predict", target), row("Task", task));
    if (focused) byId(focused)?.focus();
  }

  /** Leave a column out, or take it again. */
  use(index, yes) {
    const name = this.called(index);
    const others = (this.settings.given().drop ?? []).filter((one) => one !== name && one !== String(index));
    const drop = yes ? others : [...others, name];
    this.settings.set("drop", drop.length ? drop : null);
    this.look();
  }

  async train() {
    if (byId("train").disabled) return;
    const { asked } = this;
    byId("train").disabled = true; // until there is an answer, as a second click would train twice
    try {
      const { id } = await post("/api/trainings", this.request());
      this.say("");
      this.started(id);
    } catch (error) {
      this.say(error.message, error.field);
    }
    if (asked === this.asked) byId("train").disabled = false;
  }

  /** Say something in the form, at the field that it is about. */
  say(text, field = null) {
    for (const marked of document.querySelectorAll("#room-tables [aria-invalid]")) marked.removeAttribute("aria-invalid");
    byId("tables-notice").textContent = "";
    for (const error of document.querySelectorAll("#room-tables .tables-error")) error.remove();
    const control = field && byId(`training-${field}`);
    if (!text) return;
    if (!control) {
      byId("tables-notice").textContent = text;
      return;
    }
    control.setAttribute("aria-invalid", "true");
    const details = control.closest("details");
    if (details) details.open = true;
    const setting = control.closest(".setting");
    setting.append(el("p", { className: "tables-error", role: "alert", id: `training-${field}-wrong` }, text));
    setting.scrollIntoView({ block: "nearest" });
  }
}

function outlook({ examples, training, inputs, classes, task, epochs, batch_size: batch }) {
  const answer = task === "classification" ? `${classes} classes` : "a value";
  const step = batch === "full" || batch >= training ? "all rows" : `${batch} rows`;
  return `${examples} rows, ${inputs} inputs, ${answer}; ${epochs} epochs, ${step} a step.`;
}
