// The room Learn: a network that is watched while it learns.

import { announce } from "../dom.mjs";
import { lessonIn, listLessons } from "../lessons.mjs";
import { read } from "./address.mjs";
import { Playground } from "./playground.mjs";

let playground = null;

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
  await playground.enter(state, problem);
  announce("");
}

/** Leave the room: training stops, the session ends, and what was set stays. */
export function close() {
  playground?.leave();
}
