// The page: its rooms, of which the one in the address is shown.

import { announce, byId, el } from "./dom.mjs";
import { lessonName, listLessons } from "./lessons.mjs";
import "./server.mjs"; // takes the key out of the address before a room reads it

const ROOMS = {
  paint: { title: "Paint", load: () => import("./paint.mjs") },
  tables: { title: "Tables", load: () => import("./tables/room.mjs") },
  learn: { title: "Learn", load: () => import("./learn/room.mjs") },
};

const links = new Map(Object.entries(ROOMS).map(([name, { title }]) => [name, el("a", { href: `#${name}` }, title)]));
let shown = null; // the room's name and module

/** Name of the room in the address: its first part, as in #learn&s=..., or Learn for a lesson, which knows those of other rooms. */
function roomInAddress() {
  const [name] = location.hash.slice(1).split("&");
  if (name.startsWith("lesson=")) return "learn";
  return Object.hasOwn(ROOMS, name) ? name : "paint";
}

async function showRoom() {
  const name = roomInAddress();
  if (shown?.name === name) {
    await shown.module.open(byId(`room-${name}`)); // the address may say something else of it
    return;
  }
  shown?.module.close();
  const module = await ROOMS[name].load();
  shown = { name, module };
  for (const [room, link] of links) {
    if (room === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    byId(`room-${room}`).hidden = room !== name;
  }
  document.title = `${ROOMS[name].title} · Sfumato studio`;
  announce("");
  await module.open(byId(`room-${name}`));
  byId("studio").hidden = false;
  byId("loading").hidden = true;
}

// One after the other, as a room may take a while to open
let last = Promise.resolve();
const go = () => (last = last.then(showRoom).catch(refused));

/** Say why a room cannot be shown; where the key is missing, the command that opens the lesson brings it. */
function refused({ message, status }) {
  byId("loading").hidden = true;
  const lesson = lessonName(location.hash);
  const command = `This browser lacks the studio's key: open the lesson with \`sfumato studio --lesson ${lesson}\`.`;
  announce(status === 401 && lesson ? command : message);
}

byId("rooms").append(...[...links.values()].map((link) => el("li", {}, link)));
byId("lessons-box").addEventListener("beforetoggle", () => listLessons(byId("lessons")).catch(refused));
window.addEventListener("hashchange", () => {
  byId("lessons-box").hidePopover();
  window.scrollTo(0, 0);
  go();
});
go();
