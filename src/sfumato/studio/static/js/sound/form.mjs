// The form: which sound to play, in whose manner, which settings, and the button.

import { byId, duration, el, noteFocus, size } from "../dom.mjs";
import { GroupedSettings } from "../grouped.mjs";
import { post, put } from "../server.mjs";
import { fill, player } from "./player.mjs";

const MAIN = ["style_weight", "keep", "seconds", "steps"];
const KEPT = ["begin", "seconds", "style_begin", "style_seconds", "sample_rate", "seed"]; // by every preset
const TEXTURE_SECONDS = 10; // of a texture whose length is not given: it has none of its own
const ROLES = {
  content: { zone: "sound-content", what: "a sound to play" },
  style: { zone: "sound-style", what: "a sound for its manner" },
};

export class SoundForm {
  /** `started(id)` is called with the name of a job that was put in the queue. */
  constructor({ settings, presets, sounds }, started) {
    this.presets = presets;
    this.builtIn = sounds;
    this.started = started;
    this.chosen = { content: null, style: null };
    this.settings = new GroupedSettings(settings, byId("sound-settings"), () => this.change(), { prefix: "sound", apart: MAIN });
    byId("sound-main").append(...MAIN.map((name) => this.settings.makeControl(this.settings.options.get(name))));
    this.makePresets();
    for (const role of Object.keys(ROLES)) this.show(role);
    byId("sound-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.play();
    });
    this.listen();
    this.change();
  }

  /** Files that are dropped anywhere else in this view. */
  listen() {
    const meant = (event) => byId("sound-form").checkVisibility() && [...event.dataTransfer.types].includes("Files");
    document.addEventListener("dragover", (event) => meant(event) && event.preventDefault());
    document.addEventListener("drop", (event) => {
      if (!meant(event)) return;
      event.preventDefault();
      this.take(event.dataTransfer.files[0], this.chosen.content ? "style" : "content");
    });
  }

  makePresets() {
    for (const { name, purpose, settings } of this.presets) {
      const input = el("input", { type: "radio", name: "sound-preset", value: name });
      input.addEventListener("change", () => {
        const given = this.settings.given();
        const kept = Object.fromEntries(KEPT.filter((own) => own in given).map((own) => [own, given[own]]));
        this.settings.fill({ ...kept, ...settings });
        if (this.texture()) this.settings.fill({ seconds: TEXTURE_SECONDS, ...this.settings.given() });
        this.change();
      });
      const title = name[0].toUpperCase() + name.slice(1);
      byId("sound-presets").append(el("label", {}, input, el("span", {}, el("b", {}, title), el("br"), purpose)));
    }
  }

  /** Mark the preset whose settings these are, whatever the steps. */
  showPreset() {
    const told = (settings) => JSON.stringify(Object.entries(settings).filter(([name]) => ![...KEPT, "steps"].includes(name)).sort());
    for (const input of byId("sound-presets").querySelectorAll("input")) {
      input.checked = told(this.presets.find(({ name }) => name === input.value).settings) === told(this.settings.given());
    }
  }

  /** Whether the manner is to sound by itself, without a sound to play. */
  texture() {
    return this.settings.given().content_weight === 0;
  }

  async take(file, role) {
    this.say(`Reading ${file.name}.`);
    try {
      const told = await put(`/api/sounds?name=${encodeURIComponent(file.name)}`, file);
      this.choose(role, told);
      this.say(told.note);
    } catch (error) {
      this.say(error.message);
    }
  }

  choose(role, told) {
    this.chosen[role] = told;
    this.show(role);
    this.change();
  }

  /** The place where a sound is dropped or chosen, and the player of the one that is. */
  show(role) {
    const { zone, what } = ROLES[role];
    const told = this.chosen[role];
    const input = el("input", { type: "file", id: `${zone}-file`, accept: "audio/*,.wav,.flac,.ogg,.opus,.mp3,.aiff" });
    input.addEventListener("change", () => {
      if (input.files.length) this.take(input.files[0], role);
      input.value = "";
    });
    const length = told?.seconds ? el("span", { className: "faint" }, `, ${told.seconds.toFixed(1)} s`) : null;
    const text = told
      ? el("span", {}, el("b", {}, told.name), length, el("br"), "Drop or choose another.")
      : el("span", {}, "Drop ", el("b", {}, what), ", or choose it.");
    const place = el("div", { className: "zone slim" }, input, el("label", { htmlFor: input.id }, text));
    place.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      if (event.dataTransfer.files.length) this.take(event.dataTransfer.files[0], role);
    });
    const buttons = this.builtIn.map(({ id, name, title }) => {
      const button = el("button", { type: "button", title, "data-id": id, "aria-pressed": String(told?.id === id) }, name);
      button.addEventListener("click", () => this.choose(role, told?.id === id ? null : { id, name: title }));
      return button;
    });
    const chips = el("div", { className: "sound-chips", role: "group", "aria-label": `Built-in sounds: ${what}` }, ...buttons);
    const heard = told ? [player(`/api/sounds/${encodeURIComponent(told.id)}`, told.name)] : [];
    const giveFocus = byId(zone).contains(document.activeElement) ? noteFocus(byId(zone), "id") : () => {};
    fill(byId(zone), place, chips, ...heard);
    giveFocus();
  }

  /** Fill the form with what a job was asked for. */
  fill({ content, style, settings, names }) {
    const titles = new Map(this.builtIn.map(({ id, title }) => [id, title]));
    const named = (id) => id && { id, name: names[id] ?? titles.get(id) };
    this.chosen = { content: named(content), style: named(style) };
    this.settings.fill(settings);
    for (const role of Object.keys(ROLES)) this.show(role);
    this.change();
  }

  request() {
    const content = this.texture() ? null : this.chosen.content;
    const own = [content, this.chosen.style].filter((told) => told && !told.id.startsWith("sound:"));
    return {
      content: content?.id ?? null,
      style: this.chosen.style.id,
      settings: this.settings.given(),
      names: Object.fromEntries(own.map(({ id, name }) => [id, name])),
    };
  }

  missing() {
    if (!this.texture() && !this.chosen.content) return "Give a sound to play, or choose one.";
    return this.chosen.style ? "" : "Give a sound for its manner, or choose one.";
  }

  /** Ask what would come of it, once something was changed. */
  async change() {
    this.showPreset();
    byId("sound-content-section").classList.toggle("unused", this.texture());
    byId("sound-unused").hidden = !this.texture();
    this.blame("", "");
    byId("play").disabled = true;
    byId("sound-outlook").textContent = this.missing();
    if (this.missing()) return;
    const request = this.request();
    this.asked = request;
    try {
      const { outlook } = await post("/api/playings/outlook", request);
      if (this.asked !== request) return;
      byId("sound-outlook").textContent = outlook ? inWords(outlook) : "";
      byId("play").disabled = false;
    } catch (error) {
      if (this.asked !== request) return;
      byId("sound-outlook").textContent = "It cannot be played so.";
      this.blame(error.field, error.message);
    }
  }

  async play() {
    if (byId("play").disabled) return;
    const { asked } = this;
    byId("play").disabled = true; // until there is an answer, as a second click would play twice
    try {
      const { id } = await post("/api/playings", this.request());
      this.say("");
      this.started(id);
    } catch (error) {
      this.blame(error.field, error.message);
    }
    if (asked === this.asked) byId("play").disabled = false;
  }

  /** Say what is wrong at the field that it is about, or above the button. */
  blame(field, text) {
    for (const marked of byId("sound-form").querySelectorAll("[aria-invalid]")) marked.removeAttribute("aria-invalid");
    for (const line of byId("sound-form").querySelectorAll(".wrong")) line.remove();
    this.say("");
    const control = field && byId(`sound-${field}`);
    if (!control) {
      this.say(text);
      return;
    }
    control.setAttribute("aria-invalid", "true");
    control.closest("details").open = true;
    control.closest(".setting").append(el("p", { className: "wrong", role: "alert" }, text));
  }

  say(text) {
    byId("sound-notice").textContent = text;
  }
}

function inWords({ seconds, memory_bytes: memory, steps }) {
  return `${duration(seconds)} of sound, ${steps} steps at most, ${size(memory)} of memory.`;
}
