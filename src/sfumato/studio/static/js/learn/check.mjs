// The gradient check: a verdict for every edge, and the error of a difference by its step.

import { byId, el } from "../dom.mjs";
import { drawLines } from "./curves.mjs";
import { shown } from "./tables.mjs";

export class Check {
  /** `ask` asks the server, `judge(verdicts)` colours the network, `selected()` is the weight that the V is drawn for. */
  constructor(ask, judge, selected) {
    this.ask = ask;
    this.judge = judge;
    this.selected = selected;
    byId("check-go").addEventListener("click", () => this.run().catch((error) => this.say(error.message)));
    byId("check-scan").addEventListener("click", () => this.scan().catch((error) => this.say(error.message)));
    byId("check-method").addEventListener("change", () => byId("check-go").click());
    this.atStep = null;
  }

  say(text) {
    byId("check-words").textContent = text;
  }

  get live() {
    return byId("check-live").checked;
  }

  async run() {
    const method = byId("check-method").value;
    const h = byId("check-h").value;
    const { step, examples, report, entries } = await this.ask("check", { method, h: h === "" ? null : Number(h) });
    this.atStep = step;
    this.judge(entries?.verdicts ?? null);
    this.say(
      `At step ${step}, over ${examples} examples: the gradient is ${report.verdict}; relative difference ${shown(report.difference)}. ${report.advice}`,
    );
    const head = ["Parameter", "Verdict", "Difference", "Largest at", "By hand", "By differences", "Checked"];
    const rows = report.parameters.map((own) => [own.name, own.verdict, shown(own.difference), own.where, shown(own.analytic), shown(own.numeric), String(own.checked)]);
    byId("check-report").replaceChildren(
      el("table", {}, el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((cell, n) => el(n ? "td" : "th", n ? {} : { scope: "row" }, cell)))))),
    );
    byId("check-results").hidden = false;
  }

  /** Take the colours away once the weights are others. */
  outdated(step) {
    if (this.atStep === null || this.atStep === step) return;
    this.atStep = null;
    this.judge(null);
  }

  /** Draw the V of the selected weight, or of the first. */
  async scan() {
    const { name, index } = this.selected();
    const { h, errors, analytic } = await this.ask("scan", { name, index });
    const line = (method, colour, dash) => ({ points: h.map((step, n) => [step, errors[method]?.[n]]), colour, dash });
    byId("scan-results").hidden = false;
    const canvas = byId("scan-curve");
    const lines = [line("two-sided", "positive"), line("one-sided", "negative", [6, 3])];
    if (errors["complex-step"]) {
      const exact = line("complex-step", "ink", [2, 3]);
      exact.points = exact.points.map(([step, error]) => [step, Math.max(error, 1e-17)]); // zero has no logarithm
      lines.push(exact);
    }
    drawLines(canvas, lines, { logX: true, labels: [`h = ${Math.min(...h)}`, `h = ${Math.max(...h)}`] });
    const best = h[errors["two-sided"].reduce((found, error, n, all) => (error !== null && (all[found] === null || error < all[found]) ? n : found), 0)];
    const words = `${name}[${index}], gradient ${shown(analytic)}: two-sided differences are best at h = ${best}.`;
    canvas.setAttribute("aria-label", `Error against h. ${words}`);
    byId("scan-words").textContent = `${words} To the right the error falls as h² (one-sided: as h), cut off from Taylor's series; to the left it rises as ε/h, from rounding.${errors["complex-step"] ? "" : " No complex step, as a layer has a kink."}`;
  }
}
