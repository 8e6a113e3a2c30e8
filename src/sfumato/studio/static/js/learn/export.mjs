// What is taken away: script, notebook, command, model, points.

import { byId, el } from "../dom.mjs";

/** Make the buttons work; `ask` asks the server. */
export function listenToExports(ask, failed) {
  for (const button of byId("export-buttons").querySelectorAll("button")) {
    button.addEventListener("click", () => show(button.dataset.kind, ask).catch(failed));
  }
}

async function show(kind, ask) {
  const answer = await ask("export", { kind });
  const parts = answer.note ? [el("p", { className: "notice" }, answer.note)] : [];
  if (answer.base64 !== undefined) {
    const bytes = Uint8Array.from(atob(answer.base64), (sign) => sign.charCodeAt(0));
    parts.push(saveLink(answer.name, bytes));
  } else {
    const copy = el("button", { type: "button" }, "Copy");
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(answer.text);
      copy.textContent = "Copied";
    });
    parts.push(el("div", { className: "row" }, answer.name ? saveLink(answer.name, answer.text) : null, copy));
    const long = answer.text.length > 20000 ? `${answer.text.slice(0, 20000)}\n…` : answer.text;
    parts.push(el("pre", { tabIndex: 0, role: "group", "aria-label": kind }, el("code", {}, long)));
  }
  if (["script", "notebook", "command"].includes(kind)) parts.push(el("p", { className: "faint" }, "It reads points.csv beside it: save the points too."));
  byId("export-result").replaceChildren(...parts);
}

function saveLink(name, content) {
  const before = byId("export-result").querySelector("a");
  if (before) URL.revokeObjectURL(before.href);
  return el("a", { className: "button", href: URL.createObjectURL(new Blob([content])), download: name }, `Save ${name}`);
}
