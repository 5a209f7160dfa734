// What was decided and is not yet known to be saved. It lives in localStorage, an entry an event, so that neither a
// reload nor a second tab loses one; it is sent in order, and again until the studio says that it has it.

const PAUSES = [1000, 2000, 5000, 10000];
const BATCH = 20;
const LARGE = 200000; // characters sent together, where more than one event is

let count = 0;

// Storage of the browser; where it is full or forbidden, the page's own memory, which a reload empties.
export class Keep {
  constructor(storage) {
    this.storage = storage;
    this.spare = new Map();
  }

  get(key) {
    if (this.spare.has(key)) return this.spare.get(key);
    try {
      return this.storage().getItem(key);
    } catch {
      return null;
    }
  }

  set(key, text) {
    try {
      this.storage().setItem(key, text);
      this.spare.delete(key);
    } catch {
      this.spare.set(key, text);
    }
  }

  remove(key) {
    this.spare.delete(key);
    try {
      this.storage().removeItem(key);
    } catch {
      // Nothing is kept there.
    }
  }

  keys() {
    try {
      return [...Object.keys(this.storage()), ...this.spare.keys()];
    } catch {
      return [...this.spare.keys()];
    }
  }
}

export const local = new Keep(() => localStorage);
export const session = new Keep(() => sessionStorage);

addEventListener("beforeunload", (event) => {
  if (local.keys().some((key) => local.spare.has(key) && key.startsWith("tilth.out."))) event.preventDefault();
});

export class Outbox {
  // changed({waiting, refused, why}) is told whenever that may have changed.
  constructor(name, address, changed) {
    this.prefix = `tilth.out.${name}.`;
    this.address = address;
    this.changed = changed;
    this.busy = false;
    this.tries = 0;
    this.why = "";
    this.refused = new Set();
    this.timer = 0;
    addEventListener("online", () => this.send());
  }

  keys() {
    return local.keys().filter((key) => key.startsWith(this.prefix)).sort();
  }

  events() {
    return this.keys().map((key) => JSON.parse(local.get(key))).filter(Boolean);
  }

  put(event) {
    const order = `${String(Date.now()).padStart(15, "0")}.${String(count++).padStart(6, "0")}`;
    local.set(`${this.prefix}${order}.${event.event_id}`, JSON.stringify(event));
    this.tell();
    this.send();
  }

  tell() {
    this.changed({ waiting: this.keys().length - this.refused.size, refused: this.refused.size, why: this.why });
  }

  batch() {
    const keys = this.keys().filter((key) => !this.refused.has(key)).slice(0, this.single ? 1 : BATCH);
    let size = 0;
    return keys.filter((key, i) => (size += (local.get(key) ?? "").length) < LARGE || i === 0);
  }

  async send() {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.timer);
    try {
      for (let keys = this.batch(); keys.length; keys = this.batch()) {
        const events = keys.map((key) => JSON.parse(local.get(key))).filter(Boolean);
        if (!(await this.post(keys, events))) break;
      }
    } finally {
      this.busy = false;
      this.tell();
    }
  }

  // Whether to go on with what is left.
  async post(keys, events) {
    let answer;
    try {
      answer = await fetch(this.address, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ events }),
        keepalive: JSON.stringify(events).length < 50000,
      });
    } catch {
      return this.later("");
    }
    if (answer.ok) {
      keys.forEach((key) => local.remove(key));
      this.tries = 0;
      this.single = false;
      this.why = "";
      this.tell();
      return true;
    }
    const said = await answer.json().catch(() => ({}));
    const final = answer.status >= 400 && answer.status < 500 && ![401, 403, 408, 429].includes(answer.status);
    if (!final) return this.later(said.error ?? "");
    if (keys.length > 1) this.single = true;
    else {
      this.refused.add(keys[0]);
      this.why = said.error ?? "";
    }
    return true;
  }

  later(why) {
    this.why = why;
    this.timer = setTimeout(() => this.send(), PAUSES[Math.min(this.tries++, PAUSES.length - 1)]);
    return false;
  }
}
