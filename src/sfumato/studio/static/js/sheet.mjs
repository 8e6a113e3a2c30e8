// Contact sheets: each style by itself, with each of a few style weights; a click on a cell paints it large.

import { byId, dateOf, el, markJob, noteFocus, picture, save, show, shownPath, timeLeft } from "./dom.mjs";
import { markShown } from "./history.mjs";
import { offer } from "./left.mjs";
import { blob, get, post } from "./server.mjs";
import { Watch } from "./watch.mjs";

const CELL = 256; // pixels of a cell's long edge, at most

export class Sheets {
  /** `form` says what to paint, and is filled by a cell; `easel` shows a sheet; `started(id)` takes a painting's name. */
  constructor(form, easel, started) {
    this.form = form;
    this.easel = easel;
    this.started = started;
    this.sheet = null;
    this.watch = new Watch();
    byId("sheet").addEventListener("click", () => this.ask());
  }

  /** Put a sheet of the form's styles in the queue. */
  async ask() {
    const request = this.form.request();
    const size = this.form.settings.values.get("size");
    const settings = { ...request.settings, size: typeof size === "number" ? Math.min(size, CELL) : CELL };
    byId("sheet").disabled = true; // until there is an answer, as a second click would make a second sheet
    try {
      const styles = request.styles.map(([id]) => [id, 1]);
      const { id } = await post("/api/sheets", { ...request, styles, settings, masks: [] });
      this.form.say("");
      await this.bring(id);
    } catch (error) {
      if (!this.form.settings.blame(error.field, error.message)) this.form.say(error.message);
    }
    byId("sheet").disabled = !this.form.ready();
  }

  /** List the sheets; returns that which is at work or waits, if there is one. */
  async list() {
    const { sheets, left } = await get("/api/sheets");
    offer(byId("sheets-left"), left, { address: "/api/sheets", kind: "contact sheet", changed: () => this.open(left[0]) });
    byId("sheets-section").hidden = !sheets.length;
    const giveFocus = noteFocus(byId("sheets"), "job");
    byId("sheets").replaceChildren(...sheets.map((sheet) => el("li", {}, this.cardOf(sheet))));
    this.mark();
    giveFocus();
    return sheets.find(isOpen);
  }

  /** Mark the sheet that is on the easel, if one is. */
  mark() {
    markJob(byId("sheets"), this.isShown() ? this.sheet.id : null);
  }

  cardOf(sheet) {
    const said = sheet.state === "finished" ? `${sheet.painted.length} cells` : sheet.state;
    const card = el("button", { type: "button", "data-job": sheet.id }, this.titleOf(sheet), el("small", {}, `${dateOf(sheet.id)}, ${said}`));
    card.addEventListener("click", () => this.bring(sheet.id).catch((error) => this.form.say(error.message)));
    return card;
  }

  isShown() {
    return this.status?.isConnected ?? false;
  }

  /** Show a sheet, and scroll to it. */
  async bring(id) {
    await this.open(id);
    byId("easel").scrollIntoView({ block: "nearest" });
  }

  /** Show a sheet on the easel, and follow it while it is painted. */
  async open(id) {
    this.sheet = await get(`/api/sheets/${id}`);
    this.show();
    markShown();
    await this.list();
    this.follow();
  }

  /** Follow no sheet any more. */
  close() {
    this.watch.end();
  }

  follow() {
    this.close();
    if (!this.isShown() || !isOpen(this.sheet)) return;
    const { id } = this.sheet;
    this.watch.begin({
      ask: () => get(`/api/sheets/${id}`),
      show: (sheet) => this.take(sheet),
      lost: (error) => (this.status.textContent = error.message),
    });
  }

  /** Take news of the sheet, unless something else lies on the easel by now. */
  async take(sheet) {
    if (!this.isShown()) this.close();
    else if (sheet.state !== this.sheet.state) await this.open(sheet.id);
    else {
      this.sheet = sheet;
      this.update();
    }
  }

  show() {
    const { sheet } = this;
    this.progress = el("progress", { max: 1, value: 0, "aria-label": "Share of the work that is done" });
    this.progress.hidden = sheet.state !== "painting";
    this.status = el("p", { className: "figures", role: "status" });
    const table = sheet.painted.length ? [this.table()] : [];
    const under = el("div", { className: "under" }, el("h2", {}, this.titleOf(sheet)), this.progress, this.status, this.buttons());
    if (sheet.command) under.append(el("details", {}, el("summary", {}, "As a command, which gives the same sheet"), el("code", {}, sheet.command)));
    this.easel.job = null;
    this.easel.lay(...table, under);
    this.update();
  }

  table() {
    const { sheet } = this;
    const heads = sheet.weights.map((weight, n) => el("th", { scope: "col" }, n ? inWords(weight) : `style weight ${inWords(weight)}`));
    this.cells = [];
    const groups = sheet.styles.map((style) => {
      const name = el("th", { scope: "rowgroup", colSpan: heads.length }, el("span", {}, picture(shownPath(style, 160), ""), this.nameOf(style)));
      const cells = sheet.weights.map((weight) => el("td", {}, this.cell(style, weight)));
      return el("tbody", {}, el("tr", {}, name), el("tr", {}, ...cells));
    });
    return el("table", { className: "sheet" }, el("thead", {}, el("tr", {}, ...heads)), ...groups);
  }

  cell(style, weight) {
    const label = `${this.nameOf(style)}, style weight ${inWords(weight)}: paint it large`;
    const photo = picture(shownPath(this.sheet.content, 320), ""); // pale, until the cell is painted
    const cell = el("button", { type: "button", "aria-label": label, title: "Paint it large", disabled: true }, photo);
    cell.addEventListener("click", () => this.paint(style, weight));
    this.cells.push(cell);
    return cell;
  }

  /** Show the cells that have come, and what the sheet is at. */
  update() {
    const { sheet } = this;
    this.status.textContent = statusOf(sheet);
    if (sheet.record) this.progress.value = sheet.record.done;
    sheet.painted.forEach((painted, n) => {
      const [cell, path] = [this.cells[n], `/api/sheets/${sheet.id}/cells/${n}`];
      const image = cell.querySelector("img");
      cell.classList.toggle("now", sheet.record?.cell === n);
      if (painted && image.dataset.path !== path) show(image, path).then(() => (cell.disabled = false));
    });
  }

  /** Fill the form with a cell's settings, at the form's own size, and paint. */
  paint(style, weight) {
    const { sheet, form } = this;
    const size = form.settings.values.get("size");
    form.fill({ ...sheet, styles: [{ id: style, weight: 1 }], settings: { ...sheet.settings, style_weight: weight, size }, masks: [] });
    form.paint(this.started);
  }

  buttons() {
    const { sheet } = this;
    const row = el("div", { className: "row" });
    if (sheet.state === "finished") row.append(this.button("Download sheet", () => this.download(), "primary"));
    if (sheet.state === "painting") row.append(this.acting("Stop and keep", "stop"));
    if (sheet.state === "waiting") row.append(this.acting("Take out of the queue", "stop"));
    if (sheet.state === "stopped" || sheet.state === "failed") row.append(this.acting("Resume", "resume"));
    if (!isOpen(sheet)) row.append(this.button("Remove", () => this.remove(), "quiet"));
    return row;
  }

  button(label, act, className = "") {
    const made = el("button", { type: "button", className }, label);
    made.addEventListener("click", () => act(made).catch((error) => this.form.say(error.message)));
    return made;
  }

  acting(label, action) {
    return this.button(label, async (button) => {
      button.disabled = true;
      await post(`/api/sheets/${this.sheet.id}/${action}`);
      await this.open(this.sheet.id);
    });
  }

  async remove() {
    if (!confirm("Remove this contact sheet and its cells?")) return;
    await post(`/api/sheets/${this.sheet.id}/remove`);
    this.easel.empty();
    await this.list();
  }

  async download() {
    const content = await blob(`/api/sheets/${this.sheet.id}/file`);
    save(content, `${stemOf(this.nameOf(this.sheet.content))}-sheet.png`);
  }

  nameOf(id) {
    return this.form.titles.get(id) ?? this.sheet?.names?.[id] ?? "a picture";
  }

  titleOf({ content, names, styles = [] }) {
    if (!content) return "A contact sheet whose pictures are gone";
    const photo = names[content] ?? "A picture";
    return styles.length === 1 ? `${photo}, in the manner of ${this.nameOf(styles[0])}` : `${photo} in ${styles.length} styles`;
  }
}

const isOpen = ({ state }) => state === "waiting" || state === "painting";
const inWords = (weight) => Number(weight.toPrecision(4)).toString();
const stemOf = (name) => name.replace(/\.[^.]*$/, "").replace(/:/g, "-");

/** What a sheet is at, in words. */
function statusOf({ state, position, error, record, note, painted }) {
  const done = `${painted.filter(Boolean).length} of ${painted.length} cells are painted.`;
  if (state === "waiting") return `Waiting, number ${position} in the queue.`;
  if (state === "painting") return note || (record ? `${done}${timeLeft(record)}` : "Beginning.");
  if (state === "failed") return error;
  return state === "stopped" ? `Stopped: ${done}` : "Choose a cell: it is painted large, with its settings in the form.";
}
