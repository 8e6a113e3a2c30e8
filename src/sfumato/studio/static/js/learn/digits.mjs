// Digits: a network learns MNIST while one looks at its weights, its errors, and what it says to a digit of one's own.

import { byId, el } from "../dom.mjs";
import { showLesson } from "../lessons.mjs";
import { LossHistory } from "./curves.mjs";
import { DigitLayers } from "./digitlayers.mjs";
import { DigitPad } from "./digitpad.mjs";
import { drawMap, onColourScheme } from "./maps.mjs";
import { confusion } from "./report.mjs";
import { Runner } from "./runner.mjs";
import { ANEW } from "./session.mjs";

const SETTINGS = { network: "digits-network", activation: "digits-activation", learning_rate: "digits-rate", seed: "digits-seed" };
const FIELDS = { ...Object.fromEntries(Object.entries(SETTINGS).map(([name, id]) => [`digits.${name}`, id])), "digits-look.example": "digits-example" };
const NUMBERS = ["learning_rate", "seed"];
const MOST_WRONG = 20;

const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;

/** Settings in an address such as #learn&digits=convolutional&seed=3, or null where it has none. */
export function digitsIn(hash) {
  const found = new URLSearchParams(hash.slice(1));
  if (!found.has("digits")) return null;
  const settings = { network: found.get("digits") || "dense" };
  for (const name of ["activation", ...NUMBERS]) {
    if (found.has(name)) settings[name] = NUMBERS.includes(name) ? Number(found.get(name)) : found.get(name);
  }
  return settings;
}

/** The address of settings, and of the lesson that they are of. */
export function digitsAddress({ network, ...others }, lesson) {
  const parts = { digits: network, ...others, ...(lesson ? { lesson } : {}) };
  return `#learn&${new URLSearchParams(parts)}`;
}

export class Digits {
  /** `ask` asks the server. */
  constructor(ask) {
    this.ask = ask;
    this.settings = null;
    this.lesson = null;
    this.frame = null;
    this.wanted = null;
    this.given = { example: 0 };
    this.layers = new DigitLayers(byId("digits-layers"));
    this.pad = new DigitPad(byId("digits-pad"), (strokes) => this.look(strokes.length ? { strokes } : this.example));
    this.runner = new Runner(byId("digits-run"), {
      ask: () => this.ask("digits-go", { steps: Number(byId("digits-steps").value) }),
      show: (frame) => this.show(frame),
      stood: (problem) => this.stood(problem),
    });
    this.bars = Array.from({ length: 10 }, (_, digit) => {
      const [bar, share] = [el("span", { className: "digits-bar" }), el("span", {})];
      byId("digits-shares").append(el("li", {}, el("b", {}, String(digit)), bar, share));
      return { bar, share };
    });
    this.wrong = Array.from({ length: MOST_WRONG }, () => this.wrongDigit());
    if (window.innerWidth < 736) byId("digits-settings").open = false; // so that the pad is seen first
    this.listen();
  }

  listen() {
    const on = (id, kind, work) => byId(id).addEventListener(kind, () => this.attempt(work));
    on("digits-step", "click", async () => {
      this.runner.pause();
      this.show(await this.ask("digits-go", { steps: 1 }));
    });
    on("digits-reset", "click", () => this.begin(this.settings));
    for (const id of ["digits-network", "digits-activation", "digits-seed"]) on(id, "change", () => this.begin(this.read()));
    on("digits-rate", "change", async () => {
      const { settings } = await this.ask("digits-rate", { learning_rate: byId("digits-rate").valueAsNumber });
      this.take(settings);
    });
    byId("digits-undo").addEventListener("click", () => this.pad.undo());
    byId("digits-clear").addEventListener("click", () => this.pad.clear());
    byId("digits-example").addEventListener("change", () => {
      this.pad.forget();
      this.look(this.example);
    });
    byId("digits-report-box").addEventListener("toggle", () => this.report());
    window.addEventListener("resize", () => this.redraw());
    onColourScheme(() => this.redraw());
  }

  /** A button for one of the digits that are taken for another. */
  wrongDigit() {
    const own = { canvas: el("canvas", { "aria-hidden": "true" }), words: el("span", {}) };
    own.button = el("button", { type: "button", className: "digits-wrong", hidden: true }, own.canvas, own.words);
    own.button.addEventListener("click", () => {
      byId("digits-example").value = own.number;
      this.pad.forget();
      this.look(this.example);
      byId("digits-asked").scrollIntoView({ block: "nearest" });
    });
    byId("digits-wrong").append(el("li", {}, own.button));
    return own;
  }

  /** The test digit that is chosen. */
  get example() {
    return { example: byId("digits-example").valueAsNumber };
  }

  say(text) {
    byId("digits-notice").textContent = text;
  }

  /** Do something, and say in a line what was refused. */
  async attempt(work) {
    this.say("");
    for (const id of Object.values(FIELDS)) byId(id).removeAttribute("aria-invalid");
    try {
      await work();
    } catch (error) {
      this.refused(error);
    }
  }

  refused({ message, field }) {
    this.say(message);
    if (FIELDS[field]) byId(FIELDS[field]).setAttribute("aria-invalid", "true");
  }

  /** Show what the address says, with its lesson if it is of one. */
  async enter(settings, lesson) {
    this.lesson = lesson;
    showLesson(byId("digits-lesson"), lesson, () => {
      this.lesson = null;
      showLesson(byId("digits-lesson"), null);
      this.writeAddress();
    });
    const again = this.frame && !this.settings;
    const same = this.settings && Object.entries(settings).every(([name, value]) => this.settings[name] === value);
    if (same) {
      this.writeAddress();
      this.redraw();
    } else {
      await this.attempt(async () => {
        await this.begin(settings);
        if (again) this.say(ANEW);
      });
      if (!this.settings) await this.begin({}).catch((error) => this.refused(error));
      this.pad.draw();
    }
  }

  pause() {
    this.runner.pause();
  }

  /** The session ends, and the training with it. */
  leave() {
    this.pause();
    this.settings = null;
  }

  /** The settings as they stand in the form. */
  read() {
    const value = (name, id) => (NUMBERS.includes(name) ? byId(id).valueAsNumber : byId(id).value);
    return Object.fromEntries(Object.entries(SETTINGS).map(([name, id]) => [name, value(name, id)]));
  }

  /** Begin with settings, from their first weights. */
  async begin(settings) {
    this.pause();
    const { settings: taken, layers, parameters, examples } = await this.ask("digits", settings);
    this.take(taken);
    this.examples = examples;
    const sizes = taken.network === "dense" ? "784-15-9-10: " : "";
    byId("digits-size").textContent =
      `${sizes}${parameters.toLocaleString("en")} weights and biases; Adam, ${examples.batch} digits a step. The rate can change while it learns, all else begins anew.`;
    this.layers.describe(layers, taken.network);
    this.losses = new LossHistory("Loss");
    this.errors = new LossHistory("Share that is wrong");
    await this.ask("digits-look", this.given);
    this.show(await this.ask("digits-go", { steps: 0 }));
  }

  /** Take settings as the server understands them. */
  take(settings) {
    this.settings = settings;
    for (const [name, id] of Object.entries(SETTINGS)) byId(id).value = settings[name];
    this.writeAddress();
  }

  writeAddress() {
    const address = digitsAddress(this.settings, this.lesson?.name);
    history.replaceState(null, "", address);
    byId("learn-to-digits").href = address; // so that one comes back to it
  }

  async stood(problem) {
    if (problem) this.refused(problem);
    else if (this.settings) await this.attempt(async () => this.show(await this.ask("digits-go", { steps: 0 })));
  }

  /** Look at a digit; while one is drawn, only the newest is asked for when an answer has come. */
  async look(fields) {
    this.wanted = fields;
    if (this.looking) return;
    this.looking = true;
    await this.attempt(async () => {
      while (this.wanted) {
        const asked = this.wanted;
        this.wanted = null;
        this.showSeen(await this.ask("digits-look", asked));
        this.given = asked;
      }
    });
    this.looking = false;
  }

  /** Show a frame: how well the network does, its weights, what it takes for another, and what it says to the digit. */
  show(frame) {
    this.frame = frame;
    const { step, epoch, train, test } = frame;
    const figures = { Step: step, Epoch: epoch.toFixed(1), "Training loss": train?.loss.toPrecision(3) ?? "none", "Test loss": test.loss.toPrecision(3) };
    if (train) figures["Training right"] = percent(train.accuracy);
    figures["Test right"] = percent(test.accuracy);
    byId("digits-figures").replaceChildren(
      ...Object.entries(figures).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, String(value)))),
    );
    this.losses.add({ step, trainLoss: train?.loss ?? null, testLoss: test.loss, hasTest: true });
    this.errors.add({ step, trainLoss: train ? 1 - train.accuracy : null, testLoss: 1 - test.accuracy, hasTest: true });
    this.showSeen(frame);
    this.layers.showWeights(frame.pictures.weights);
    this.showWrong(frame);
    this.drawCurves();
    this.report();
  }

  drawCurves() {
    this.losses.draw(byId("digits-loss"));
    this.errors.draw(byId("digits-errors"));
  }

  /** Draw again what depends on the page's colours and widths. */
  redraw() {
    this.pad.draw();
    if (!this.frame || byId("learn-digits").hidden) return;
    this.layers.showWeights(this.frame.pictures.weights);
    this.showSeen(this.seen);
    this.showWrong(this.frame);
    this.drawCurves();
  }

  /** Show what the network says to the digit. */
  showSeen(frame) {
    this.seen = frame;
    const { seen, pictures } = frame;
    const best = seen.shares.indexOf(Math.max(...seen.shares));
    const canvas = byId("digits-digit");
    drawPicture(canvas, pictures.digit, 0);
    const name = seen.digit === undefined ? "Your drawing" : `Test digit ${seen.example}, a ${seen.digit}`;
    byId("digits-name").textContent = `${name}, as the network gets it.`;
    canvas.setAttribute("aria-label", byId("digits-name").textContent);
    byId("digits-said").ariaLive = this.runner.running ? "off" : "polite";
    byId("digits-said").textContent = `It says ${best}.`;
    this.bars.forEach(({ bar, share }, digit) => {
      bar.style.setProperty("--share", seen.shares[digit]);
      bar.classList.toggle("best", digit === best);
      share.textContent = percent(seen.shares[digit]);
    });
    this.layers.showAnswers(seen.layers, pictures);
  }

  showWrong({ wrong, test, pictures }) {
    const count = Math.round(this.examples.measured * (1 - test.accuracy));
    byId("digits-wrong-words").textContent =
      `Of every ${this.examples.test / this.examples.measured}th test digit, ${this.examples.measured.toLocaleString("en")} in all, ${count} are taken for another` +
      (count > wrong.length ? `; here are the ${wrong.length} of which the network is surest.` : ".");
    this.wrong.forEach((own, n) => {
      own.button.hidden = n >= wrong.length;
      if (own.button.hidden) return;
      const { number, digit, said, share } = wrong[n];
      own.number = number;
      drawPicture(own.canvas, pictures.wrong, n);
      own.words.textContent = `${digit}, said ${said}`;
      own.button.setAttribute("aria-label", `${digit}, said ${said}: test digit ${number}, with ${percent(share)}`);
    });
  }

  report() {
    if (!byId("digits-report-box").open || !this.frame) return;
    byId("digits-report").replaceChildren(...confusion(this.frame.test, [..."0123456789"]));
  }
}

/** Draw one of a set of pictures, a pixel for each of its own. */
export function drawPicture(canvas, { values, width, height, cells }, number) {
  Object.assign(canvas, { width, height });
  drawMap(canvas, { bytes: cells[number] }, width, values);
}
