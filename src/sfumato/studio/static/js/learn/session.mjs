// One conversation with the server: commands up, answers down in the order of the commands.

import { Refused, key } from "../server.mjs";
import { readFrame } from "./frame.mjs";

/** What the server refused, in a line; `field` is the state's field that was wrong, `diverged` what is known of a divergence. */
export class Complaint extends Refused {
  constructor({ text, field, diverged }) {
    super(text, 400);
    this.field = field;
    this.diverged = diverged;
  }
}

/** What a view says that had a session before. */
export const ANEW = "The studio was away: the training begins anew.";

export class Session {
  /** `lost(text)` is called when the connection ends. */
  constructor(lost) {
    this.waiting = []; // what was asked and not yet answered, the oldest first
    this.count = 0;
    this.socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws/learn`, ["sfumato", key]);
    this.socket.binaryType = "arraybuffer";
    this.ready = new Promise((resolve) => {
      this.socket.addEventListener("open", resolve);
      this.socket.addEventListener("close", resolve); // so that whoever waits is told
    });
    this.socket.onmessage = ({ data }) => this.take(data);
    this.socket.onclose = () => {
      const text = this.reason ?? "The studio does not answer. Start `sfumato studio` again, and this page goes on.";
      for (const { reject } of this.waiting.splice(0)) reject(new Refused(text, 0));
      lost(text);
    };
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Ask for something; resolves with the answer, or rejects with a `Complaint`. */
  async ask(command, fields = {}) {
    await this.ready;
    if (!this.isOpen) throw new Refused(this.reason ?? "The studio does not answer.", 0);
    this.count += 1;
    this.socket.send(JSON.stringify({ id: this.count, do: command, ...fields }));
    return new Promise((resolve, reject) => this.waiting.push({ id: this.count, resolve, reject }));
  }

  take(data) {
    if (data instanceof ArrayBuffer) {
      this.waiting.shift().resolve(readFrame(data));
      return;
    }
    const { id, error, ...answer } = JSON.parse(data);
    const place = this.waiting.findIndex((asked) => asked.id === id);
    if (place < 0) {
      this.reason = error?.text; // the connection is refused
      return;
    }
    const [{ resolve, reject }] = this.waiting.splice(place, 1);
    if (error) reject(new Complaint(error));
    else resolve(answer);
  }
}
