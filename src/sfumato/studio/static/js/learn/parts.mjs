// Parts of the room that a lesson hides or unfolds, and what the lesson says.

import { byId } from "../dom.mjs";
import { lessons, showLesson } from "../lessons.mjs";

export class Parts {
  /** `leave()` takes the lesson out of the state. */
  constructor(room, leave) {
    Object.assign(this, { room, leave, lesson: null });
  }

  /** Show what the state's view says: which lesson it is, what is hidden, and, when it begins, what is unfolded. */
  async show({ lesson = null, hide, open }) {
    const hidden = Array.isArray(hide) ? hide : [];
    for (const part of this.room.querySelectorAll("[data-part]")) {
      part.classList.toggle("learn-unseen", hidden.includes(part.dataset.part));
    }
    if (lesson === this.lesson) return;
    this.lesson = lesson;
    byId("learn-lessons-box").open = false;
    if (Array.isArray(open)) {
      for (const part of this.room.querySelectorAll("details[data-part]")) part.open = open.includes(part.dataset.part);
    }
    const found = (await lessons()).find(({ name }) => name === lesson);
    showLesson(byId("learn-lesson"), found, this.leave);
  }
}
