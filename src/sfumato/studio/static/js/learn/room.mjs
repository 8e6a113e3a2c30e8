// The room Learn: a network that is watched while it learns.

import { announce, byId } from "../dom.mjs";
import { lessonIn, listLessons } from "../lessons.mjs";
import { read, viewIn } from "./address.mjs";
import { Digits, digitsAddress, digitsIn } from "./digits.mjs";
import { Faults, exerciseIn } from "./faults.mjs";
import { Playground } from "./playground.mjs";

let playground = null;
let session = null; // with which the views were filled
let faults = null;
let digits = null;

/** Show the room, with the state or the lesson in the address if there is one; called again when the address changes. */
export async function open(element) {
  let state = null;
  let lesson = null;
  let problem = "";
  try {
    lesson = await lessonIn(location.hash);
    if (lesson?.room === "paint") {
      location.replace(`#paint&lesson=${lesson.name}`);
      return;
    }
    if (lesson?.digits && !digitsIn(location.hash)) {
      location.replace(digitsAddress(lesson.digits, lesson.name));
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
  const view = viewIn(location.hash);
  show(element, view);
  const ask = (command, fields) => playground.connect().ask(command, fields);
  if (playground.connect() !== session) {
    session = playground.session;
    faults?.leave();
    digits?.leave();
  }
  if (view !== "playground") playground.pause();
  if (view !== "digits") digits?.pause();
  if (view === "faults") {
    faults ??= new Faults(ask);
    await faults.enter(exerciseIn(location.hash));
  } else if (view === "digits") {
    digits ??= new Digits(ask);
    await digits.enter(digitsIn(location.hash), lesson);
  } else {
    await playground.enter(state, problem);
    await playground.appear();
  }
  announce("");
}

/** Show one of the views. */
function show(element, view) {
  element.dataset.view = view;
  byId("learn-faults").hidden = view !== "faults";
  byId("learn-digits").hidden = view !== "digits";
  for (const name of ["playground", "faults", "digits"]) {
    const link = byId(`learn-to-${name}`);
    if (name === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** Leave the room: training pauses, and goes on from there when one comes back. */
export function close() {
  playground?.pause();
  digits?.pause();
}
