// Parts of the room that a lesson hides or unfolds, what the lesson says, and lessons of one's own.

import { byId, el } from "../dom.mjs";
import { lessons, showLesson } from "../lessons.mjs";

const PARTS = {
  data: "Data", features: "Features", training: "Training", weights: "Weights", layers: "Layers", activation: "Activations",
  explain: "Equation", trace: "Step through", check: "Gradient check", race: "Race of optimizers",
  report: "Confusion matrix",
};

export class Parts {
  /** `change(view)` changes what the state's view says. */
  constructor(room, change) {
    this.room = room;
    this.change = change;
    this.lesson = null;
    this.said = null;
    this.boxes = Object.keys(PARTS).map((value) => el("input", { type: "checkbox", value }));
    for (const box of this.boxes) box.addEventListener("change", () => this.hide(box));
    byId("own-lesson-hide").append(...this.boxes.map((box) => el("label", { className: "check" }, box, PARTS[box.value])));
    byId("own-lesson-text").addEventListener("change", () => change({ text: byId("own-lesson-text").value.trim() || null }));
  }

  hide({ value, checked }) {
    this.change({ hide: [...this.hidden.filter((part) => part !== value), ...(checked ? [value] : [])] });
  }

  /** Show what the state's view says: which lesson it is, what is hidden, and, when it begins, what is unfolded. */
  async show({ lesson = null, text = null, hide, open }) {
    this.hidden = Array.isArray(hide) ? hide : [];
    for (const part of this.room.querySelectorAll("[data-part]")) {
      part.classList.toggle("learn-unseen", this.hidden.includes(part.dataset.part));
    }
    for (const box of this.boxes) box.checked = this.hidden.includes(box.value);
    byId("own-lesson-text").value = text ?? "";
    if (lesson === this.lesson && text === this.said) return;
    if (lesson !== this.lesson && Array.isArray(open)) {
      for (const part of this.room.querySelectorAll("details[data-part]")) part.open = open.includes(part.dataset.part);
    }
    this.lesson = lesson;
    this.said = text;
    const found = text ? { title: "Lesson", text } : (await lessons()).find(({ name }) => name === lesson);
    showLesson(byId("learn-lesson"), found, () => this.change({ lesson: null, text: null, hide: [], open: null }));
  }
}
