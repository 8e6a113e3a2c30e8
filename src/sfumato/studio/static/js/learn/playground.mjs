// The playground: the state, the session that trains it, and what shows both.

import { byId, el, noteFocus } from "../dom.mjs";
import { Refused } from "../server.mjs";
import { viewIn, write } from "./address.mjs";
import { Check } from "./check.mjs";
import { Controls } from "./controls.mjs";
import { LossHistory } from "./curves.mjs";
import { Diagram } from "./diagram.mjs";
import { Parts } from "./parts.mjs";
import { showExplanation } from "./explain.mjs";
import { listenToExports } from "./export.mjs";
import { classColour, onColourScheme } from "./maps.mjs";
import { Plane } from "./plane.mjs";
import { OwnPoints } from "./points.mjs";
import { Race } from "./race.mjs";
import { showReport } from "./report.mjs";
import { Runner } from "./runner.mjs";
import { ANEW, Session } from "./session.mjs";
import { Trace } from "./trace.mjs";

const OFTEN = 500; // milliseconds between two explanations, reports or checks while it trains

export class Playground {
  /** `lost(text)` is called when the session ends, with a line that says so. */
  constructor(room, lost) {
    this.lost = lost;
    this.session = null;
    this.state = null;
    this.refreshed = 0; // when the panels were, on the page's clock
    /** @type {any} */
    this.selected = { kind: "unit", layer: "output", unit: 0 }; // what `explain` takes
    this.parts = new Parts(room, (view) => this.change({ view }));
    this.controls = new Controls(room, (patch) => this.change(patch));
    this.points = new OwnPoints((patch, note) => this.change(patch, note), (text) => this.say(text));
    this.diagram = new Diagram(byId("learn-diagram"), {
      select: (selection) => this.select(selection),
      change: (network) => this.change({ network }),
    });
    this.plane = new Plane(byId("learn-plane"), (x, y, first) => this.points.touch(x, y, first));
    const ask = (command, fields) => this.ask(command, fields);
    this.trace = new Trace(ask);
    this.check = new Check(ask, (verdicts) => this.diagram.judge(verdicts), () => this.weight());
    this.race = new Race(ask, () => this.weights());
    this.runner = new Runner(byId("learn-run"), {
      ask: () => this.ask("go", { steps: this.state.run.steps_per_frame }),
      show: (frame) => this.watch(frame),
      stood: (problem) => this.stood(problem),
    });
    if (window.innerWidth < 736) byId("group-data").open = false; // so that the network is seen first
    listenToExports(ask, (error) => this.refused(error));
    this.listen();
  }

  listen() {
    byId("learn-run").addEventListener("click", () => this.running && this.say(""));
    byId("learn-step").addEventListener("click", () => this.attempt(() => this.step()));
    byId("learn-reset").addEventListener("click", () => this.attempt(() => this.reset()));
    byId("learn-layer-more").addEventListener("click", () => this.layers((hidden) => [...hidden, hidden.at(-1) ?? 4]));
    byId("learn-layer-less").addEventListener("click", () => this.layers((hidden) => hidden.slice(0, -1)));
    byId("learn-show-test").addEventListener("change", () => this.change({ view: { test: byId("learn-show-test").checked } }));
    byId("explain-example").addEventListener("change", () => this.refresh());
    byId("explain-loss").addEventListener("click", () => this.select({ kind: "loss" }));
    byId("explain-update").addEventListener("click", () => this.select({ ...this.selected, kind: "update" }));
    for (const name of ["explain", "trace", "report"]) byId(`panel-${name}`).addEventListener("toggle", () => this.refresh());
    window.addEventListener("resize", () => this.frame && this.show(this.frame));
    onColourScheme(() => this.frame && this.show(this.frame));
  }

  /** The session, for whatever view of the room is shown; a new one if there is none. */
  connect() {
    if (this.session) return this.session;
    this.entered = false;
    this.session = new Session((text) => {
      this.session = null;
      this.pause();
      this.lost(text);
    });
    return this.session;
  }

  /** Ask the session, as long as there is one. */
  async ask(command, fields) {
    if (!this.session) throw new Refused("The studio does not answer.", 0);
    return this.session.ask(command, fields);
  }

  /** Begin, or go on after another room was shown; a state given is begun with. */
  async enter(state, problem) {
    this.connect();
    if (this.entered && (!state || JSON.stringify(state) === JSON.stringify(this.state))) {
      if (problem) this.say(problem);
      return;
    }
    this.pause();
    let said = problem || (this.state && !this.entered ? ANEW : "");
    let answer;
    try {
      answer = await this.ask("open", { state: state ?? this.state ?? {} });
    } catch (error) {
      if (!error.status) throw error;
      said = `The address was refused: ${error.message}.`;
      if (this.entered) {
        this.say(said); // and all stays as it is
        return;
      }
      answer = await this.ask("open", { state: {} });
    }
    this.say(said);
    await this.take(answer);
    this.entered = true;
  }

  /** Draw what was hidden, and give the address its state again. */
  async appear() {
    if (this.frame) this.show(this.frame);
    await this.writeAddress();
  }

  say(...parts) {
    byId("learn-notice").replaceChildren(...parts);
  }

  /** Do something, and say in a line what was refused. */
  async attempt(work) {
    try {
      await work();
    } catch (error) {
      this.refused(error);
    }
  }

  refused(error) {
    if (error.diverged) this.diverged(error);
    else {
      this.say(error.message);
      if (error.field) this.controls.mark(error.field);
    }
  }

  /** Say what is known of a divergence, and offer the remedy. */
  diverged({ message, diverged }) {
    this.pause();
    const rate = this.frame.rate / 10;
    const remedy = el("button", { type: "button" }, `Begin again with rate ${Number(rate.toPrecision(2))}`);
    remedy.addEventListener("click", () =>
      this.attempt(async () => {
        await this.set({ optimizer: { learning_rate: rate } });
        await this.reset();
      }),
    );
    const place = `Step ${diverged.step}: ${diverged.what}.`;
    this.say(el("span", { className: "learn-diverged" }, `${message[0].toUpperCase()}${message.slice(1)}. ${place} The weights shown are the last with a finite loss. `), remedy);
  }

  /** Take a change of the user's. */
  change(patch, note = "") {
    const kind = patch.data?.kind;
    if (kind === "table" && !patch.data.rows) {
      this.points.choose();
      return;
    }
    if (kind) this.points.leave();
    if (kind === "points") Object.assign(patch, { data: { kind, rows: this.ownFromShown() }, run: { batch: null } });
    this.attempt(async () => {
      await this.set(patch);
      if (note) this.say(note);
    });
  }

  /** The points that are shown, to be drawn on from. */
  ownFromShown() {
    const { train, test, values } = this.description;
    if (values) return [[-1, 0, 0], [1, 0, 1]];
    return [train, test].flatMap(({ x, y }) => x.map(([a, b], n) => [Number(a.toFixed(3)), Number(b.toFixed(3)), y[n]]));
  }

  layers(other) {
    const { hidden, activation } = this.state.network;
    const next = other(hidden);
    const kinds = Array.isArray(activation) ? next.map((_, n) => activation[n] ?? activation.at(-1) ?? "tanh") : activation;
    this.change({ network: { hidden: next, activation: Array.isArray(kinds) && !kinds.length ? "tanh" : kinds } });
  }

  async set(patch) {
    this.say("");
    const giveFocus = noteFocus(byId("learn-diagram"), "focus");
    await this.take(await this.ask("set", { patch }));
    giveFocus();
  }

  /** Take the state as the server understands it. */
  async take({ state, description, reset, note }) {
    this.state = state;
    byId("learn-show-test").checked = state.view.test ?? false;
    if (description) {
      this.description = description;
      this.diagram.describe(description, state);
      if (!this.exists(this.selected)) this.selected = { kind: "unit", layer: "output", unit: description.maps.at(-1).unit };
      this.diagram.mark(this.selected);
      this.race.ground();
      this.legend();
    }
    byId("learn-show-test").parentElement.hidden = !this.description.test?.x.length;
    this.plane.describe(this.description, byId("learn-show-test").checked);
    byId("learn-plane").classList.toggle("drawing", state.data.kind === "points");
    this.controls.show(state);
    await this.parts.show(state.view);
    this.points.show(state);
    const { length } = state.network.hidden;
    byId("learn-layer-more").disabled = length >= 6;
    byId("learn-layer-less").disabled = length === 0;
    if (note) this.say(note[0].toUpperCase() + note.slice(1) + ".");
    if (reset || description) {
      if (reset) this.losses = new LossHistory();
      this.features = await this.ask("go", { steps: 0, inputs: true });
    }
    await this.look();
    await this.writeAddress();
  }

  exists({ layer, unit, name, index, kind }) {
    if (kind === "loss") return true;
    if (kind === "unit") return this.description.maps.some((own) => own.layer === layer && own.unit === unit);
    const own = this.description.parameters.find((parameter) => parameter.name === name);
    return own !== undefined && index.every((place, axis) => place < own.shape[axis]);
  }

  async writeAddress() {
    const hash = await write(this.state);
    const here = /^#(learn|lesson=)/.test(location.hash) && viewIn(location.hash) === "playground";
    if (this.session && here) history.replaceState(null, "", hash);
  }

  legend() {
    const { classes, values } = this.description;
    const parts = classes.flatMap((name, n) => {
      const swatch = el("span", { className: "swatch" });
      swatch.style.background = classColour(n);
      return [swatch, `class ${name}`];
    });
    byId("learn-legend").replaceChildren(...(values ? [`Values from ${values.least.toPrecision(3)} (orange) to ${values.greatest.toPrecision(3)} (blue).`] : parts));
  }

  async reset() {
    this.pause();
    this.say("");
    await this.ask("reset");
    this.losses = new LossHistory();
    await this.look();
  }

  /** Show the weights of now. */
  async look() {
    this.show(await this.ask("go", { steps: 0 }));
    await this.refresh();
  }

  async step() {
    this.pause();
    this.show(await this.ask("go", { steps: 1 }));
    await this.refresh();
  }

  get running() {
    return this.runner.running;
  }

  pause() {
    this.runner.pause();
  }

  /** Show a frame of the training that runs. */
  watch(frame) {
    this.show(frame);
    if (frame.finished) this.say("Training is finished.");
    if (performance.now() - this.refreshed > OFTEN) {
      this.refreshed = performance.now();
      this.refresh();
    }
  }

  /** Training stands still: it was paused, it is finished, or it was refused. */
  async stood(problem) {
    if (!this.session) return;
    if (problem) this.refused(problem);
    await this.attempt(() => this.look());
  }

  /** Show a frame. */
  show(frame) {
    this.frame = frame;
    const maps = this.features;
    const features = maps && { side: maps.side, maps: maps.maps.slice(0, this.description.inputs.length) };
    this.diagram.draw(frame, features, !this.running);
    this.plane.draw(frame);
    this.losses.add(frame);
    this.losses.draw(byId("learn-loss"));
    this.check.outdated(frame.step);
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const figures = { Step: frame.step, Epoch: Math.floor(frame.epoch), "Training loss": frame.trainLoss.toPrecision(3) };
    if (frame.hasTest) figures["Test loss"] = frame.testLoss.toPrecision(3);
    if (!Number.isNaN(frame.trainAccuracy)) {
      figures["Training right"] = percent(frame.trainAccuracy);
      if (frame.hasTest) figures["Test right"] = percent(frame.testAccuracy);
    }
    figures.Gradient = frame.slope.toExponential(1);
    const entries = Object.entries(figures).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, String(value))));
    byId("learn-figures").replaceChildren(...entries);
  }

  /** What a unit is made from: the sum that its activation, or the softmax, is of. */
  before({ kind, layer, unit }) {
    if (kind !== "unit") return [];
    const { layers, maps } = this.description;
    const at = layer === "output" ? layers.length : layers.findIndex(({ name }) => name === layer);
    const dense = layers.slice(0, at).findLast((own) => own.kind === "Dense");
    const alone = layer === "output" && maps.filter((own) => own.layer === "output").length === 1;
    return [{ kind, layer: dense.name, unit: alone ? 0 : unit }];
  }

  select(selection) {
    this.selected = selection;
    this.diagram.mark(selection);
    byId("panel-explain").open = true;
    this.refresh();
  }

  /** The selected weight, or the network's first. */
  weight() {
    const { name, index } = this.selected;
    return name ? { name, index } : { name: this.description.parameters[0].name, index: [0, 0] };
  }

  /** All weights and biases. */
  weights() {
    return (this.description?.parameters ?? []).flatMap(({ name, shape: [first, second] }) =>
      Array.from({ length: first * (second ?? 1) }, (_, n) => ({ name, index: second ? [Math.floor(n / second), n % second] : [n] })),
    );
  }

  /** Refresh the panels that are open. */
  refresh() {
    if (!this.session || !this.description || this.refreshing) {
      this.again = Boolean(this.refreshing);
      return this.refreshing;
    }
    this.refreshing = this.attempt(async () => {
      do {
        this.again = false;
        await this.refreshOnce();
      } while (this.again);
    }).finally(() => (this.refreshing = null));
    return this.refreshing;
  }

  async refreshOnce() {
    byId("explain-update").disabled = !this.selected.name;
    if (byId("panel-explain").open) {
      const most = this.description.train.x.length;
      const example = Math.max(1, Math.min(most, byId("explain-example").valueAsNumber || 1));
      const ask = (select) => this.ask("explain", { select, example: example - 1 });
      const answers = await Promise.all([...this.before(this.selected), this.selected].map(ask));
      showExplanation(answers, (name, index) => this.diagram.light(name, index));
    }
    if (byId("panel-trace").open) await this.trace.refresh(this.description);
    if (byId("panel-report").open) showReport(await this.ask("report"), this.description.classes);
    if (byId("panel-check").open && this.check.live && this.running) await this.check.run();
  }
}
