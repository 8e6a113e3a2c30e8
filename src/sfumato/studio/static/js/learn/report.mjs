// How well it does: the confusion matrix and the measures of each class.

import { byId, el } from "../dom.mjs";
import { shown } from "./tables.mjs";

/** Show an answer of `report`. */
export function showReport({ step, train, test }, classes) {
  const part = (name, own) => own && el("section", {}, el("h3", {}, name), ...(own.counts ? confusion(own, classes) : [regression(own)]));
  byId("report-words").textContent = `At step ${step}.`;
  byId("report-parts").replaceChildren(...[part("Training", train), part("Test", test)].filter(Boolean));
}

/** The confusion matrix of measures, with what is measured by class. */
export function confusion({ counts, accuracy, by_class: measures }, classes) {
  const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;
  const most = Math.max(...counts.flat(), 1);
  const head = el("tr", {}, el("th", { scope: "col" }, "true \\ said"), ...classes.map((name) => el("th", { scope: "col" }, name)), ...["Precision", "Recall", "F1"].map((name) => el("th", { scope: "col" }, name)));
  const rows = counts.map((row, k) => {
    const cells = row.map((count, j) => {
      const cell = el("td", { className: j === k ? "right" : "wrong" }, String(count));
      cell.style.setProperty("--share", `${60 * Math.sqrt(count / most)}%`); // the root lets rare mistakes show
      return cell;
    });
    const numbers = ["precision", "recall", "f1"].map((name) => el("td", {}, measures[name][k] === null ? "none" : percent(measures[name][k])));
    return el("tr", {}, el("th", { scope: "row" }, classes[k]), ...cells, ...numbers);
  });
  const table = el("table", { className: "confusion" }, el("thead", {}, head), el("tbody", {}, ...rows));
  const box = el("div", { className: "learn-scroll", tabIndex: 0, role: "group", "aria-label": "Confusion matrix" }, table);
  return [el("p", {}, `${percent(accuracy)} are right.`), box];
}

function regression(own) {
  const names = { r_squared: "R²", root_mean_squared_error: "Root mean squared error", mean_absolute_error: "Mean absolute error", loss: "Loss" };
  return el("dl", {}, ...Object.entries(names).flatMap(([key, name]) => [el("dt", {}, name), el("dd", {}, shown(own[key]))]));
}
