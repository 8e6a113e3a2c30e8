// The room Learn: a network that is watched while it learns.

import { announce } from "../dom.mjs";
import { read } from "./address.mjs";
import { Playground } from "./playground.mjs";

let playground = null;

/** Show the room, with the state in the address if there is one; called again when the address changes. */
export async function open(element) {
  let state = null;
  let problem = "";
  try {
    state = await read(location.hash);
  } catch (error) {
    problem = error.message;
  }
  playground ??= new Playground(element);
  await playground.enter(state, problem);
  announce("");
}

/** Leave the room: training stops, the session ends, and what was set stays. */
export function close() {
  playground?.leave();
}
