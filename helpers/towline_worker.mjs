// A program that serves many WebSocket connections behind towline (worker: true).
//
//     import { run } from "./towline_worker.mjs";
//
//     run({ message: (connection, message) => connection.send(message) });
//
// Text is a string, binary a Buffer. A callback may return a promise: what it has finished is acknowledged and not
// given again, and the next event of the same connection waits for it; those of others do not. What was given and not
// acknowledged when a process dies is given to the next one, with `again` true as the callback's last argument. A
// callback that fails has its error in the log and its connection closed with 1011.
//
// The protocol is docs/handler-protocol.md. Standard output is its own: console.log goes to standard error, which is
// towline's log. Needs Node 18 and nothing else.

import { Console } from "node:console";

const HELLO = 1, OPEN = 2, RESUME = 3, MESSAGE = 4, CLOSED = 5, DRAIN = 6;
const READY = 16, ACKNOWLEDGE = 17, SEND = 18, BROADCAST = 19, ATTACH = 20, CLOSE = 21;
const AGAIN = 1, BINARY = 2;
const STATE_MAX = 2048;

/** A frame: its type, what stands before the data, the data. */
function frame(type, fixed, data) {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(fixed.length + data.length, 0);
  header[4] = type;
  return [header, fixed, data];
}

function idBytes(id, more = 0) {
  const bytes = Buffer.alloc(8 + more);
  bytes.writeBigUInt64BE(id, 0);
  return bytes;
}

const isText = (message) => typeof message === "string";
const nothing = Buffer.alloc(0);

class Connection {
  #worker;
  #state;

  constructor(worker, id, environment, state) {
    this.id = id; // a BigInt
    this.environment = environment; // of its request, as CGI has it; empty in a later process
    this.user = undefined; // the program's own; lost with the process, where the state is not
    this.#worker = worker;
    this.#state = state;
    this.pending = null; // the promise of its last event, while it is not settled
  }

  /** Up to 2,048 bytes that towline keeps for the next process. */
  get state() {
    return this.#state;
  }

  set state(state) {
    const bytes = Buffer.from(state);
    if (bytes.length > STATE_MAX) throw new RangeError("a state has at most 2,048 bytes");
    this.#state = bytes;
    this.#worker.say(frame(ATTACH, idBytes(this.id), bytes));
  }

  /** Sends a text (string) or binary (Buffer) message. */
  send(message) {
    const fixed = idBytes(this.id, 1);
    fixed[8] = isText(message) ? 0 : BINARY;
    this.#worker.say(frame(SEND, fixed, Buffer.from(message)));
  }

  /** Begins the closing handshake; `close` follows. */
  close(code = 1000, reason = "") {
    const fixed = idBytes(this.id, 2);
    fixed.writeUInt16BE(code, 8);
    this.#worker.say(frame(CLOSE, fixed, Buffer.from(reason)));
  }
}

class Worker {
  connections = new Map();
  #callbacks;
  #rest = nothing;
  #said = [];
  #done = new Map();
  #running = 0;
  #draining = false;

  constructor(callbacks) {
    this.#callbacks = callbacks;
  }

  /** Sends a message to all clients of all processes, or to these. */
  broadcast(message, connections = null) {
    const ids = connections === null ? [] : [...connections].map(({ id }) => id);
    if (connections !== null && ids.length === 0) return;
    const fixed = Buffer.alloc(5 + 8 * ids.length);
    fixed[0] = isText(message) ? 0 : BINARY;
    fixed.writeUInt32BE(ids.length, 1);
    ids.forEach((id, i) => fixed.writeBigUInt64BE(id, 5 + 8 * i));
    this.say(frame(BROADCAST, fixed, Buffer.from(message)));
  }

  say(pieces) {
    if (this.#said.length === 0 && this.#done.size === 0) setImmediate(() => this.#flush());
    this.#said.push(...pieces);
  }

  /** What was said stands before what is acknowledged: it is not lost, if we die in between. */
  #flush() {
    if (this.#done.size > 0) {
      const entries = Buffer.alloc(12 * this.#done.size);
      let at = 0;
      for (const [id, count] of this.#done) {
        entries.writeBigUInt64BE(id, at);
        entries.writeUInt32BE(count, at + 8);
        at += 12;
      }
      this.#done.clear();
      this.#said.push(...frame(ACKNOWLEDGE, nothing, entries));
    }
    if (this.#said.length > 0) process.stdout.write(Buffer.concat(this.#said));
    this.#said = [];
    if (this.#draining && this.#running === 0) this.#leave();
  }

  #leave() {
    process.stdin.destroy();
    process.stdout.end(() => process.exit(0));
  }

  #acknowledge(id) {
    if (this.#said.length === 0 && this.#done.size === 0) setImmediate(() => this.#flush());
    this.#done.set(id, (this.#done.get(id) ?? 0) + 1);
  }

  take(bytes) {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    let at = 0;
    while (this.#rest.length - at >= 5) {
      const length = this.#rest.readUInt32BE(at);
      if (this.#rest.length - at - 5 < length) break;
      this.#obey(this.#rest[at + 4], this.#rest.subarray(at + 5, at + 5 + length));
      at += 5 + length;
    }
    this.#rest = this.#rest.subarray(at);
  }

  #obey(type, data) {
    if (type === HELLO) {
      if (data.readUInt16BE(0) !== 1) throw new Error("towline speaks another version of the protocol");
      this.number = data.readUInt16BE(2);
      this.count = data.readUInt16BE(4);
      Promise.resolve(this.#callbacks.start?.(this)).then(() => this.say(frame(READY, nothing, nothing)));
    } else if (type === DRAIN) {
      this.#draining = true;
      Promise.resolve(this.#callbacks.drain?.()).then(() => setImmediate(() => this.#flush()));
    } else if (type === RESUME) {
      const connection = new Connection(this, data.readBigUInt64BE(0), {}, Buffer.from(data.subarray(8)));
      this.connections.set(connection.id, connection);
      this.#callbacks.resume?.(connection);
    } else if (type === OPEN || type === MESSAGE || type === CLOSED) this.#event(type, data);
  }

  #event(type, data) {
    const id = data.readBigUInt64BE(0);
    const again = (data[8] & AGAIN) !== 0;
    const payload = data.subarray(9);
    if (type === OPEN) {
      const pairs = payload.toString().split("\0").filter((text) => text).map((text) => text.split(/=(.*)/s).slice(0, 2));
      this.connections.set(id, new Connection(this, id, Object.fromEntries(pairs), nothing));
    }
    const connection = this.connections.get(id);
    if (type === CLOSED) this.connections.delete(id);
    this.#call(connection, id, () => {
      if (type === OPEN) return this.#callbacks.open?.(connection, again);
      if (type === MESSAGE) return this.#callbacks.message?.(connection, data[8] & BINARY ? payload : payload.toString(), again);
      return this.#callbacks.close?.(connection, payload.readUInt16BE(0), payload.toString("utf8", 2), again);
    });
  }

  /** At once, or behind what its connection's last event still does. */
  #call(connection, id, callback) {
    let result;
    try {
      result = connection.pending ? connection.pending.then(callback) : callback();
    } catch (error) {
      this.#failed(connection, error);
    }
    if (typeof result?.then !== "function") {
      this.#acknowledge(id);
      return;
    }
    this.#running++;
    const settled = result.then(() => {}, (error) => this.#failed(connection, error)).then(() => {
      if (connection.pending === settled) connection.pending = null;
      this.#running--;
      this.#acknowledge(id);
    });
    connection.pending = settled;
  }

  #failed(connection, error) {
    console.error(error);
    connection.close(1011);
  }
}

/** Serves until it is told to end. Callbacks, each of which may be left out: start(worker), open(connection, again),
 * resume(connection), message(connection, message, again), close(connection, code, reason, again), drain(). */
export function run(callbacks) {
  globalThis.console = new Console(process.stderr);
  const worker = new Worker(callbacks);
  process.stdin.on("data", (bytes) => worker.take(bytes));
  process.stdin.on("end", () => process.exit(0));
  process.stdout.on("error", () => process.exit(0)); // towline has let us go
  return worker;
}
