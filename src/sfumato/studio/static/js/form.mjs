// The form: which pictures, which settings, what it would take, and the button.

import { byId, clear, duration, el, picture, shownPath, size } from "./dom.mjs";
import { forgetMasks, maskControls, maskPictures, masksOf, showContentMask } from "./masks.mjs";
import { keep, kept } from "./memory.mjs";
import { Palettes } from "./palettes.mjs";
import { NO_ANSWER, Refused, give, post } from "./server.mjs";
import { Settings } from "./settings.mjs";

const LATER = 2000; // milliseconds after which an estimate that had to wait is asked for again
const QUIET = 300; // milliseconds without a change, after which an estimate is asked for

export class Form {
  /** `started(id)` is called with the name of a job that was put in the queue, `given(photo)` with a new photograph. */
  constructor(options, { started, given }) {
    this.titles = new Map(options.styles.map(({ id, title }) => [id, title]));
    this.photo = null;
    this.styles = [];
    this.begun = null;
    this.contentMask = []; // one at most
    this.wanted = []; // pictures of a painted file that are not here
    this.given = given;
    this.restored = () => {}; // called once the form is as it was left
    const places = { presets: "presets", colours: "colours", main: "main-settings", other: "other-settings" };
    const found = Object.fromEntries(Object.entries(places).map(([name, id]) => [name, byId(id)]));
    this.settings = new Settings(options, found, () => this.change());
    this.palettes = new Palettes(byId("colours"));
    this.showBuiltIn(options.styles);
    makeZone(byId("own-style"), "a painting of your own", (files) => this.takeAll(files, "style"));
    byId("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.paint(started);
    });
    this.listen();
    this.show();
    this.restore();
  }

  /** Fill the form as it was when the page was left, with the pictures that are still here. */
  async restore() {
    const before = await kept();
    if (!before || this.photo || this.styles.length) return;
    this.settings.fill(before.settings);
    const { photo, styles, begun, contentMask } = before;
    Object.assign(this, { photo, styles, begun, contentMask });
    this.change();
    this.restored();
  }

  /** Files that are dropped anywhere else, or pasted. */
  listen() {
    const isShown = () => byId("form").checkVisibility();
    const hasFiles = (event) => isShown() && [...event.dataTransfer.types].includes("Files");
    document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    document.addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.takeAll(event.dataTransfer.files, this.photo ? "style" : "photo");
    });
    document.addEventListener("paste", (event) => {
      if (isShown() && event.clipboardData.files.length) this.takeAll(event.clipboardData.files, this.photo ? "style" : "photo");
    });
  }

  async takeAll(files, role) {
    for (const file of files) await this.take(file, role);
  }

  /** Take a picture as the photograph or as a style; one that was painted here fills the form instead. */
  async take(file, role) {
    this.say(`Reading ${file.name}.`);
    try {
      const told = await give(file, file.name || "picture.png");
      this.say("");
      if (told.settings) this.recall(told, role);
      else this.put(told, role);
    } catch (error) {
      this.say(error.message);
    }
  }

  /** Put a picture where it is wanted, by its digest, or where it was given. */
  put(told, role) {
    const wanted = this.wanted.find(({ id }) => id === told.id);
    this.wanted = this.wanted.filter((own) => own !== wanted);
    if (wanted?.role === "start") this.begun = told;
    else if (wanted?.role === "style") this.addStyle({ ...wanted, name: told.name });
    else if (wanted?.role === "mask") this.wantedStyle(wanted.number)?.masks.push(told);
    else if (wanted?.role === "content_mask") this.contentMask = [told];
    else if (wanted || role === "photo") {
      if (!wanted && this.photo?.id !== told.id && forgetMasks(this)) this.say("The masks went with the photograph before.");
      this.photo = told;
      this.given(told);
    } else this.addStyle(told);
    this.change();
  }

  /** The style that a painted file has under a number, in the form or still to be given. */
  wantedStyle(number) {
    return [...this.styles, ...this.wanted].find((own) => own.masks && own.number === number);
  }

  /** Fill the form from a painted picture, with its photograph and styles where they are here; else say which it wants. */
  recall(told, role) {
    const of = (wanted) => told.inputs.filter((own) => own.role === wanted);
    const named = ({ id, name, weight, masks, number }) => ({ id, name: this.titles.get(id) ?? name, weight, masks, number });
    const masks = of("mask").map(({ id, name, number, here }) => ({ id, name, number, here }));
    for (const style of of("style")) style.masks = masks.filter((own) => own.here && own.number === style.number);
    const here = (own) => own.here;
    this.settings.fill(told.settings);
    this.photo = of("content").filter(here).map(named)[0] ?? null;
    this.styles = of("style").filter(here).map(named);
    this.begun = of("start").filter(here).map(named)[0] ?? null;
    this.contentMask = of("content_mask").filter(here).map(named);
    this.wanted = told.inputs.filter((own) => !own.here);
    if (this.photo) this.given(this.photo);
    this.change();
    const use = el("button", { type: "button", className: "quiet" }, `Use it as the ${role === "photo" ? "photograph" : "style"}`);
    use.addEventListener("click", () => {
      this.say("");
      this.put(told, role);
    });
    this.say(`${told.name} was painted with the settings that are now in the form.${this.wantedInWords(told)} `, use);
  }

  wantedInWords({ inputs }) {
    if (!inputs.length) return " It does not say from which pictures: give them.";
    if (!this.wanted.length) return "";
    const masks = { mask: "the mask", content_mask: "the content mask" };
    const roles = { content: "the photograph", style: "the style", start: "the picture it began from", ...masks };
    return ` Give these again: ${this.wanted.map(({ role, name }) => `${roles[role]} ${name}`).join(", ")}.`;
  }

  /** Fill the form with all of a job. */
  fill(job) {
    this.settings.fill(job.settings);
    this.fillPictures(job);
    this.change();
  }

  /** Fill in styles and settings, such as those of a lesson; the photograph stays. */
  begin({ styles, settings }) {
    this.begun = null;
    this.contentMask = [];
    this.settings.fill(settings);
    this.styles = styles.map((id) => ({ id, name: this.titles.get(id), weight: 1, masks: [] }));
    byId("options").open = true;
    this.change();
  }

  /** Fill the form so that a job is gone on with from its picture, which the server has as `told`. */
  goOn(job, told) {
    this.fill({ ...job, settings: { ...job.settings, scales: 1 } });
    this.begun = told;
    this.change();
    byId("look").open = true;
    byId("setting-style_weight").focus();
  }

  fillPictures(job) {
    const named = (id) => ({ id, name: this.titles.get(id) ?? job.names[id] ?? "picture" });
    this.photo = named(job.content);
    const masks = (n) => job.masks.filter(([, number]) => number === n + 1).map(([id]) => named(id));
    this.styles = job.styles.map(({ id, weight }, n) => ({ ...named(id), weight, masks: masks(n) }));
    this.contentMask = job.content_mask ? [named(job.content_mask)] : [];
    const { start } = job.settings;
    this.begun = start && job.names[start] ? named(start) : null;
  }

  addStyle(told) {
    const { id, name, weight = 1, masks = [], number } = told;
    if (!this.styles.some((style) => style.id === id)) this.styles.push({ id, name, weight, masks, number });
  }

  removeStyle(id) {
    this.styles = this.styles.filter((style) => style.id !== id);
  }

  showBuiltIn(styles) {
    for (const { id, title } of styles) {
      const name = id.replace(/^sfumato:/, "").replaceAll("-", " ");
      const button = el("button", { type: "button", title, "aria-label": `${name}: ${title}`, "data-id": id });
      button.append(picture(shownPath(id, 160), ""), el("span", {}, name));
      button.addEventListener("click", () => {
        if (this.styles.some((style) => style.id === id)) this.removeStyle(id);
        else this.addStyle({ id, name: title });
        this.change();
      });
      byId("built-in").append(button);
    }
  }

  /** Show what is chosen, and ask what it would take once there is quiet. */
  change() {
    this.show();
    const { photo, styles, begun, contentMask } = this;
    keep({ photo, styles, begun, contentMask, settings: this.settings.given() });
    this.settings.blame();
    clearTimeout(this.timer);
    this.asking?.abort();
    byId("paint").disabled = byId("sheet").disabled = !this.ready();
    byId("estimate").textContent = this.ready() ? "Estimating." : this.missing();
    if (this.ready()) this.timer = setTimeout(() => this.estimate(), QUIET);
  }

  /** Take it that the studio answers again: ask anew what it would take, as it may not have said. */
  askAgain() {
    if (byId("notice").firstChild?.textContent === NO_ANSWER) this.say();
    this.change();
  }

  ready() {
    return this.photo !== null && this.styles.length > 0;
  }

  missing() {
    if (this.photo) return "Choose a style.";
    return this.styles.length ? "Give a photograph." : "Give a photograph, and choose a style.";
  }

  show() {
    const zone = byId("photo");
    const take = (files) => this.takeAll([...files].slice(0, 1), "photo");
    if (zone.dataset.id !== (this.photo?.id ?? "")) makeZone(zone, "a photograph", take, this.photo);
    zone.dataset.id = this.photo?.id ?? "";
    for (const button of byId("built-in").querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(this.styles.some(({ id }) => id === button.dataset.id)));
    }
    this.palettes.show(this.photo?.id, this.weighed());
    showContentMask(this);
    clear(byId("chosen"), ...this.styles.map((style) => this.chosen(style)), ...this.goingOn());
    byId("estimate").textContent ||= this.missing();
  }

  chosen(style) {
    const weight = el("input", { type: "number", min: 0, step: "any", value: style.weight });
    weight.setAttribute("aria-label", `Weight of ${style.name}`);
    weight.addEventListener("change", () => {
      style.weight = Number(weight.value);
      this.change();
    });
    const remove = el("button", { type: "button", className: "quiet", "aria-label": `Remove ${style.name}` }, "Remove");
    remove.addEventListener("click", () => {
      this.removeStyle(style.id);
      this.change();
    });
    const several = this.styles.length > 1;
    const name = el("span", { className: "name" }, style.name);
    const masks = this.photo ? maskControls(this, style) : null;
    return el("li", {}, picture(shownPath(style.id, 160), ""), name, several ? weight : null, masks, remove);
  }

  /** The line that says that another picture is begun from. */
  goingOn() {
    if (!this.begun) return [];
    const leave = el("button", { type: "button", className: "quiet" }, "From the start");
    leave.addEventListener("click", () => {
      this.begun = null;
      this.change();
    });
    const name = el("span", { className: "name" }, `Going on from ${this.begun.name}`);
    return [el("li", {}, picture(shownPath(this.begun.id, 160), ""), name, leave)];
  }

  /** Ids of the styles with their weights. */
  weighed() {
    return this.styles.map(({ id, weight }) => [id, weight]);
  }

  request() {
    const settings = this.settings.given();
    const pictures = [this.photo, ...this.styles, ...maskPictures(this), ...(this.begun ? [this.begun] : [])];
    return {
      content: this.photo.id,
      styles: this.weighed(),
      ...masksOf(this),
      settings: this.begun ? { ...settings, start: this.begun.id } : settings,
      names: Object.fromEntries(pictures.map(({ id, name }) => [id, name])),
    };
  }

  async estimate() {
    this.asking = new AbortController();
    const { signal } = this.asking;
    try {
      const { estimate, postponed } = await post("/api/estimate", this.request(), signal);
      if (postponed) this.postpone();
      else byId("estimate").textContent = estimate ? inWords(estimate) : "A moment.";
    } catch (error) {
      if (signal.aborted) return;
      byId("paint").disabled = error instanceof Refused && error.status === 400;
      byId("estimate").textContent = error.field ? "It cannot be painted so." : error.message;
      this.settings.blame(error.field, error.message);
    }
  }

  /** Ask again later, as an estimate waits while something is painted or trained. */
  postpone() {
    const text = "Another job is at work: Paint puts this one in the queue.";
    if (byId("estimate").textContent !== text) byId("estimate").textContent = text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.estimate(), LATER);
  }

  async paint(started) {
    if (byId("paint").disabled) return;
    this.asking?.abort();
    clearTimeout(this.timer);
    byId("paint").disabled = true;
    byId("estimate").textContent = "Beginning.";
    try {
      const { id } = await post("/api/jobs", this.request());
      this.say("");
      started(id);
      this.postpone();
      byId("paint").disabled = false;
    } catch (error) {
      byId("paint").disabled = error.status === 400;
      byId("estimate").textContent = "";
      if (this.settings.blame(error.field, error.message)) byId(`setting-${error.field}`).focus();
      else this.say(error.message);
    }
  }

  /** Say something where it is in sight, wherever the page is scrolled to. */
  say(...parts) {
    const said = parts.filter((part) => part !== "");
    const close = el("button", { type: "button", className: "quiet", "aria-label": "Close this notice" }, "Close");
    close.addEventListener("click", () => this.say());
    byId("notice").replaceChildren(...(said.length ? [el("span", {}, ...said), close] : []));
  }
}

function inWords({ seconds, memory_bytes, width, height, tiles }) {
  const cut = tiles > 1 ? `, in ${tiles} tiles` : "";
  return `${width} × ${height} pixels: at most about ${duration(seconds)}, ${size(memory_bytes)} of memory${cut}.`;
}

/** A place to drop a picture on, or to choose one. */
function makeZone(zone, what, take, given = null) {
  const id = `${zone.id}-file`;
  const input = el("input", { type: "file", accept: "image/*,.heic,.heif", id, multiple: zone.id !== "photo" });
  const label = el("label", { htmlFor: id });
  if (given) label.append(picture(shownPath(given.id, 320), ""), el("span", {}, el("b", {}, given.name), el("br"), "Drop or choose another."));
  else label.append(el("span", {}, "Drop ", el("b", {}, what), ", or choose it."));
  input.addEventListener("change", () => {
    if (input.files.length) take([...input.files]);
    input.value = "";
  });
  zone.classList.toggle("given", given !== null);
  clear(zone, input, label);
  zone.ondragover = () => zone.classList.add("over");
  zone.ondragleave = () => zone.classList.remove("over");
  zone.ondrop = (event) => {
    zone.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    take([...event.dataTransfer.files]);
  };
}
