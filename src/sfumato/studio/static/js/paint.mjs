// The room Paint: the form, the easel, the history, and what holds them together.

import { announce, byId } from "./dom.mjs";
import { Easel } from "./easel.mjs";
import { Form } from "./form.mjs";
import { markShown, showHistory } from "./history.mjs";
import { lessonIn, showLesson } from "./lessons.mjs";
import { follow, get } from "./server.mjs";
import { Sheets } from "./sheet.mjs";
import * as sound from "./sound/view.mjs";

let form = null;
let sheets = null;

/** Show a view of the room, and the lesson in the address if there is one; what is in the room stays when it is left. */
export async function open() {
  const soundIsShown = location.hash.split("&").includes("sound");
  showView([["picture", !soundIsShown], ["sound", soundIsShown]]);
  if (soundIsShown) {
    sheets?.close();
    await sound.open();
    return;
  }
  sound.close();
  if (!form) await begin();
  sheets?.follow();
  const lesson = await lessonIn(location.hash);
  if (!lesson?.form) return;
  form.begin(lesson.form);
  showLesson(byId("paint-lesson"), lesson, () => showLesson(byId("paint-lesson"), null));
}

function showView(views) {
  for (const [name, here] of views) {
    byId(`paint-${name}`).hidden = !here;
    if (here) byId(`paint-to-${name}`).setAttribute("aria-current", "page");
    else byId(`paint-to-${name}`).removeAttribute("aria-current");
  }
}

async function begin() {
  const options = await get("/api/options");
  const titles = new Map(options.styles.map(({ id, title }) => [id, title]));
  let easel;
  let changes = -1;
  let lost = false;

  // One after the other: what was asked later may be answered earlier
  let last = Promise.resolve();
  const inTurn = (work) => (last = last.then(work).catch((error) => form.say(error.message)));
  const refresh = () =>
    inTurn(async () => {
      const jobs = await showHistory(titles, easel.job?.id, show);
      const now = jobs.find(({ id }) => id === easel.job?.id);
      if (now && (now.state !== easel.job.state || now.position !== easel.job.position)) await easel.open(now.id);
    });
  const show = (id) => {
    inTurn(async () => {
      await easel.open(id);
      markShown(id);
      sheets.mark();
      byId("easel").scrollIntoView({ block: "nearest" });
    });
    refresh(); // as its state may have changed meanwhile
  };
  form = new Form(options, { started: show, given: (photo) => (easel.photo(photo), markShown(), sheets.mark()) });
  easel = new Easel(form, titles, options.formats, refresh);
  easel.empty();
  sheets = new Sheets(form, easel, show);
  form.restored = () => form.photo && !easel.job && easel.photo(form.photo);
  // A page that is loaded again shows what is at work
  const { jobs } = await get("/api/jobs");
  const now = jobs.find(({ state }) => state === "painting") ?? jobs.findLast(({ state }) => state === "waiting");
  const sheet = await sheets.list();
  if (now) show(now.id);
  else if (sheet) await sheets.open(sheet.id);
  follow(
    (told, preview) => {
      easel.take(told, preview);
      if (told.changes !== changes) {
        changes = told.changes;
        refresh();
      }
    },
    (yes) => {
      announce(yes ? "" : "The studio does not answer. Start `sfumato studio` again, and this page goes on.");
      if (yes && lost) {
        changes = -1; // which a studio that was started again counts from the beginning
        form.askAgain();
      }
      lost = !yes;
    },
  );
}

/** Leave the room: what is painted or played goes on. */
export function close() {
  sheets?.close();
  sound.close();
}
