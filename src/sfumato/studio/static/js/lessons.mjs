// Lessons: the list, the one that the address asks for, and what it says.

import { el } from "./dom.mjs";
import { get } from "./server.mjs";

let asked = null;

/** All lessons, in the order of their chapters; asked for until they have come. */
export function lessons() {
  asked ??= get("/api/lessons").then(
    (told) => told.lessons,
    (error) => {
      asked = null;
      throw error;
    },
  );
  return asked;
}

/** The name of the lesson in an address, or null where it has none. */
export const lessonName = (hash) => new URLSearchParams(hash.slice(1)).get("lesson");

/** The lesson in an address, or null where it has none. */
export async function lessonIn(hash) {
  const name = lessonName(hash);
  if (name === null) return null;
  const all = await lessons();
  const found = all.find((lesson) => lesson.name === name);
  if (!found) throw new Error(`No lesson is called ${name.slice(0, 50)}: there are ${all.map((own) => own.name).join(", ")}.`);
  return found;
}

const chapterOf = ({ chapter }) => `Chapter ${Number.parseInt(chapter, 10)}`;

/** Show what a lesson says, with a button to leave it; none takes it away. */
export function showLesson(place, lesson, leave) {
  place.hidden = !lesson;
  if (!lesson) {
    place.replaceChildren();
    return;
  }
  const button = el("button", { type: "button", className: "quiet" }, "Leave the lesson");
  button.addEventListener("click", leave);
  const title = el("h2", {}, lesson.title, lesson.chapter ? el("small", {}, chapterOf(lesson)) : null);
  const question = lesson.question ? el("p", { className: "lesson-question" }, lesson.question) : null;
  place.replaceChildren(...[el("div", { className: "lesson-title" }, title, button), el("p", {}, String(lesson.text).trim()), question].filter(Boolean));
}

/** Show the list of all lessons. */
export async function listLessons(place) {
  const entry = (lesson) => el("li", {}, el("small", {}, chapterOf(lesson)), el("a", { href: `#lesson=${lesson.name}` }, lesson.title));
  place.replaceChildren(...(await lessons()).map(entry));
}
