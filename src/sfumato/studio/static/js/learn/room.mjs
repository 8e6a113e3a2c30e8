// The room Learn: a network that is watched while it learns.

import { announce, byId } from "../dom.mjs";
import { lessonIn, lessons } from "../lessons.mjs";
import { read, viewIn } from "./address.mjs";
import { Digits, digitsAddress, digitsIn } from "./digits.mjs";
import { Faults, exerciseIn } from "./faults.mjs";
import { Playground } from "./playground.mjs";

let playground = null;
let session = null; // with which the views were filled
let faults = null;
let digits = null;
let shown = null; // the room's element, while it is shown
let timer = null;

const AGAIN = 3000; // milliseconds until the studio is looked for again

/** Show the room, with the state or the lesson in the address if there is one; called again when the address changes. */
export async function open(element) {
  shown = element;
  const { hash } = location; // which a change that is still being answered may replace meanwhile
  await lessons(); // refused where the key is missing
  let state = null;
  let lesson = null;
  let problem = "";
  try {
    lesson = await lessonIn(hash);
    if (lesson?.room === "paint") {
      location.replace(`#paint&lesson=${lesson.name}`);
      return;
    }
    if (lesson?.digits && !digitsIn(hash)) {
      location.replace(digitsAddress(lesson.digits, lesson.name));
      return;
    }
    state = lesson?.state ?? (await read(hash));
  } catch (error) {
    problem = error.message;
  }
  playground ??= new Playground(element, lost);
  const view = viewIn(hash);
  show(element, view);
  const ask = (command, fields) => playground.ask(command, fields);
  if (playground.connect() !== session) {
    session = playground.session;
    faults?.leave();
    digits?.leave();
  }
  if (view !== "playground") playground.pause();
  if (view !== "digits") digits?.pause();
  if (view === "faults") {
    faults ??= new Faults(ask);
    await faults.enter(exerciseIn(hash));
  } else if (view === "digits") {
    digits ??= new Digits(ask);
    await digits.enter(digitsIn(hash), lesson);
    if (problem) digits.say(problem);
  } else {
    await playground.enter(state, problem);
    await playground.appear();
  }
  if (playground.session) announce("");
}

/** Say that the studio is away, and look for it until it is back. */
function lost(text) {
  if (!shown) return;
  announce(text);
  digits?.pause();
  clearTimeout(timer);
  timer = setTimeout(async () => {
    if (!shown) return;
    const next = playground.connect();
    await next.ready;
    if (next.isOpen && shown) await open(shown).catch((error) => announce(error.message));
  }, AGAIN);
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
  shown = null;
  playground?.pause();
  digits?.pause();
}
