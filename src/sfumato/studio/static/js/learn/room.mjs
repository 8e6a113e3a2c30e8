// The room Learn: a network that is watched while it learns.

export async function open(element) {
  element.hidden = false;
}

export function close() {}
