// The room Learn: a network that is watched while it learns.

import { announce, byId } from "../dom.mjs";
import { lessonIn, listLessons } from "../lessons.mjs";
import { read } from "./address.mjs";
import { Faults, exerciseIn } from "./faults.mjs";
import { Playground } from "./playground.mjs";

let playground = null;
let faults = null;

/** Show the room, with the state or the lesson in the address if there is one; called again when the address changes. */
export async function open(element) {
  let state = null;
  let problem = "";
  try {
    const lesson = await lessonIn(location.hash);
    if (lesson?.room === "paint") {
      location.replace(`#paint&lesson=${lesson.name}`);
      return;
    }
    state = lesson?.state ?? (await read(location.hash));
  } catch (error) {
    problem = error.message;
  }
  if (!playground) {
    playground = new Playground(element);
    await listLessons(element.querySelector("#learn-lessons"));
  }
  const exercise = exerciseIn(location.hash);
  show(element, exercise !== null);
  await playground.enter(state, problem);
  if (exercise) {
    faults ??= new Faults((command, fields) => playground.session.ask(command, fields));
    playground.pause();
    await faults.enter(exercise);
  } else await playground.appear();
  announce("");
}

/** Show the exercises, or the playground. */
function show(element, exercises) {
  element.classList.toggle("exercising", exercises);
  byId("learn-faults").hidden = !exercises;
  for (const [id, here] of [["learn-to-playground", !exercises], ["learn-to-faults", exercises]]) {
    if (here) byId(id).setAttribute("aria-current", "page");
    else byId(id).removeAttribute("aria-current");
  }
}

/** Leave the room: training stops, the session ends, and what was set stays. */
export function close() {
  playground?.leave();
  faults?.leave();
}
