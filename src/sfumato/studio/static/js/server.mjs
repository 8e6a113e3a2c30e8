// What the page asks of the server, always with the key, which comes in the address and stays in the browser.

const KEY = "sfumato-key";

const parts = location.hash.slice(1).split("&");
const given = parts.find((part) => part.startsWith("key="));
if (given) {
  localStorage.setItem(KEY, decodeURIComponent(given.slice(4)));
  const others = parts.filter((part) => part !== given).join("&");
  history.replaceState(null, "", location.pathname + (others && `#${others}`));
}
export const key = localStorage.getItem(KEY) ?? "";

export const NO_ANSWER = "The studio does not answer: start `sfumato studio` again.";

/** What went wrong, in a line for people. */
export class Refused extends Error {
  constructor(message, status, field = "") {
    super(message);
    this.status = status;
    this.field = field; // of the form: the setting that it is about
  }
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { Authorization: `Bearer ${key}`, ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(NO_ANSWER, 0);
  }
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Refused(told.error ?? `The studio answered with status ${answer.status}.`, answer.status, told.field);
  }
  return answer;
}

export const get = async (path) => (await ask(path)).json();
export const blob = async (path) => (await ask(path)).blob();

export async function post(path, values = {}, signal = undefined) {
  const headers = { "Content-Type": "application/json" };
  return (await ask(path, { method: "POST", body: JSON.stringify(values), headers, signal })).json();
}

/** Hand in a file to an address. */
export const put = async (path, file) => (await ask(path, { method: "PUT", body: file })).json();

/** Hand in a picture: a `File` or a `Blob` with a name. */
export async function give(file, name) {
  return put(`/api/pictures?name=${encodeURIComponent(name)}`, file);
}

/**
 * Follow what happens: `take(told, preview)` is called with each frame, and the next is asked for only then, and only
 * while the page can be seen. `connected(yes)` says whether the studio is there.
 */
export function follow(take, connected) {
  let wait = 1000;
  function open() {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/api/events`, ["sfumato", key]);
    const next = () => {
      if (!document.hidden && socket.readyState === WebSocket.OPEN) socket.send("next");
    };
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      wait = 1000;
      connected(true);
      next();
    };
    socket.onmessage = ({ data }) => {
      const end = 4 + new DataView(data).getUint32(0, true);
      const told = JSON.parse(new TextDecoder().decode(data.slice(4, end)));
      take(told, end < data.byteLength ? new Blob([data.slice(end)], { type: "image/jpeg" }) : null);
      next();
    };
    socket.onclose = () => {
      document.removeEventListener("visibilitychange", next);
      connected(false);
      setTimeout(open, wait);
      wait = Math.min(2 * wait, 10000);
    };
    document.addEventListener("visibilitychange", next);
  }
  open();
}
