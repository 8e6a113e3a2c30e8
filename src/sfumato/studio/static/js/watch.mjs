// Looking at a job again and again while it goes on.

const SOON = 300; // milliseconds until the next look
const LATE = 1000; // and at most, as it grows while a job takes long
const GROWTH = 1.1;

/** One job at most is watched, however often it is asked for. */
export class Watch {
  /**
   * Watch a job, in place of that before: `ask()` brings it, `show(job)` is called with what it brought, and
   * `lost(error)` where it brought nothing. This goes on until `end`, or until there is no such job any more.
   */
  async begin({ ask, show, lost }) {
    const own = (this.own = {});
    for (let wait = SOON; this.own === own; wait = Math.min(GROWTH * wait, LATE)) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (this.own !== own) return;
      try {
        const job = await ask();
        if (this.own === own) await show(job);
      } catch (error) {
        if (this.own !== own) return;
        lost(error);
        if (error.status === 404) this.end();
      }
    }
  }

  end() {
    this.own = null;
  }
}
