// Training while it is watched: the next frame is asked for when one has arrived, and drawn meanwhile.

const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

export class Runner {
  /** `button` runs and pauses; `ask()` asks for a frame, `show(frame)` shows it, `stood(error)` is called when it stands still. */
  constructor(button, { ask, show, stood }) {
    this.button = button;
    this.ask = ask;
    this.show = show;
    this.stood = stood;
    this.running = false;
    this.looping = false;
    button.addEventListener("click", ({ detail }) => {
      if (detail > 1) return; // the second of a double click
      if (this.running) this.pause();
      else this.run();
    });
    document.addEventListener("visibilitychange", () => this.running && !document.hidden && this.loop());
  }

  run() {
    this.running = true;
    this.button.textContent = "Pause";
    this.loop();
  }

  pause() {
    this.running = false;
    this.button.textContent = "Run";
  }

  async loop() {
    if (this.looping) return;
    this.looping = true;
    let problem = null;
    const shown = () => this.running && !document.hidden;
    try {
      let next = shown() ? this.ask() : null;
      while (next) {
        const frame = await next;
        if (frame.finished) this.pause();
        next = shown() && !calm.matches ? this.ask() : null;
        next?.catch(() => {}); // met by the await above, in its turn
        this.show(frame);
        await new Promise((resolve) => (calm.matches ? setTimeout(resolve, 500) : requestAnimationFrame(resolve)));
        if (!next && shown()) next = this.ask();
      }
    } catch (error) {
      this.pause();
      problem = error;
    } finally {
      this.looping = false;
    }
    await this.stood(problem);
  }
}
