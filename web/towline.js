// towline.js: the browser's WebSocket interface, also where WebSocket does not get through.
//
//     import WebSocket from "/.towline.js";
//     const socket = new WebSocket("wss://example.org/chat", ["v1"]);
//
// It tries WebSocket first. If the opening handshake fails, as with proxies that do not know it, the same object goes on by Engine.IO's
// polling, and upgrades to WebSocket if it can. Which way worked is remembered for an hour. docs/engineio.md has the protocol.

const OPENING_MS = 5000; // for a handshake that is neither answered nor refused
const CLOSING_MS = 10000;
const ANSWER_MS = 12000; // without a byte of an answer; towline answers a poll after 8 s
const TAKING_MS = 30000; // for a post, which may wait for the application there
const SLOWEST = 16; // bytes of a post in a millisecond
const RETRY_MS = 500;
const CUT_MS = 60000; // a WebSocket that is lost so early is one that something between cuts
const MEMORY_MS = 3600000;

const memory = {
  fallback: new Map(),
  get(key) {
    let entry = this.fallback.get(key);
    try {
      entry ??= JSON.parse(localStorage.getItem(key));
    } catch {} // there may be no storage
    return entry?.until > Date.now() ? entry.way : undefined;
  },
  set(key, way) {
    const entry = { way, until: Date.now() + MEMORY_MS };
    this.fallback.set(key, entry);
    try {
      localStorage.setItem(key, JSON.stringify(entry));
    } catch {}
  },
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const lengthOf = (data) => (typeof data === "string" ? encoder.encode(data).length : (data.byteLength ?? data.size));

const copyOf = (data) => (ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)).slice().buffer;

const toBase64 = (buffer) => {
  const bytes = new Uint8Array(buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
};

/** A text as a body has it: with a separator of packets in it, in base64. */
const polled = (text) => (text.includes("\x1e") ? `t${toBase64(encoder.encode(text))}` : `4${text}`);

const fromBase64 = (text) => Uint8Array.from(atob(text), (piece) => piece.charCodeAt(0)).buffer;

/** A session by polling; it tells its owner open(protocol), message(data), drained(length), ended(code, reason). */
class Session {
  #owner;
  #url; // of the session, with an empty query
  #query;
  #polls; // numbered answers that were had
  #posts; // numbered bodies that were taken
  #queue = []; // packets, or promises of them: [text, length, what goes over WebSocket in its place, after, closes]
  #options;
  #stream; // the WebSocket after an upgrade
  #parked; // an upgrade waits for polls and posts to rest
  #aborters = new Set(); // of the requests under way
  #closed; // what the server's Close said
  #busy = {}; // what is under way: poll, post
  #over = false;
  #timer;

  constructor(owner, url, protocols, way) {
    this.#owner = owner;
    this.#url = new URL(url);
    const query = this.#url.search.slice(1);
    this.#url.search = "";
    this.#url.protocol = this.#url.protocol.replace("ws", "http");
    this.#url.pathname = `${this.#url.pathname.replace(/\/$/, "")}/engine.io/`;
    this.#begin(protocols, query, way);
  }

  async #begin(protocols, query, way) {
    const offered = protocols.length ? `&protocols=${protocols.map(encodeURIComponent)}` : "";
    try {
      const text = await this.#ask(`transport=polling&towline=1${offered}${query && `&${query}`}`);
      this.#options = text[0] === "0" && JSON.parse(text.slice(1));
      way = way !== "cut" && this.#options.upgrades.includes("websocket");
    } catch {
      return this.end(1006);
    }
    this.#query = `sid=${this.#options.sid}`;
    this.#polls = this.#posts = 0;
    this.#owner.open(this.#options.protocol ?? "");
    this.#poll();
    if (way) this.#upgrade();
  }

  /** One request; the text of the answer, or a status that ends the session. */
  async #ask(query, body) {
    const aborter = new AbortController();
    const { linger, pingInterval, pingTimeout } = this.#options ?? { linger: 1 };
    const ours = body ? TAKING_MS + body.length / SLOWEST : ANSWER_MS;
    let timer;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => aborter.abort(), linger ? ours : pingInterval + pingTimeout);
    };
    wait();
    this.#aborters.add(aborter);
    const method = body ? "POST" : "GET";
    try {
      const answer = await fetch(`${this.#url}?EIO=4&${query}`, { method, body, signal: aborter.signal, credentials: "include", cache: "no-store" });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (let piece; (piece = await reader.read()).value; wait()) text += piece.value;
      if (!answer.ok || (body && !/^ok$/i.test(text))) throw { final: answer.status < 500 };
      return text;
    } finally {
      clearTimeout(timer);
      this.#aborters.delete(aborter);
    }
  }

  /** The same until it is answered: a request that was cut is repeated with its number. */
  async #insist(query, body) {
    for (let until; ; ) {
      try {
        return await this.#ask(query, body);
      } catch (error) {
        if (this.#over) return "";
        if (body && error.name === "AbortError") until = undefined; // the server may hold it
        until ??= Date.now() + (this.#options.linger ?? 0);
        if (error.final || this.#closed || Date.now() >= until) {
          this.end(1006);
          return "";
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async #poll() {
    this.#busy.poll = true;
    while (!this.#over && !this.#parked) {
      const text = await this.#insist(`transport=polling&${this.#query}&ack=${this.#polls}`);
      if (this.#over) break;
      this.#polls++;
      for (const packet of text.split("\x1e")) this.#take(packet);
    }
    this.#busy.poll = false;
    this.#parked?.();
  }

  async #post() {
    if (this.#busy.post || this.#parked || this.#stream) return;
    this.#busy.post = true;
    while (!this.#over && !this.#parked && this.#queue.length) {
      const taken = [await this.#queue[0]];
      let size = taken[0][0].length * 3;
      while (this.#queue.length > taken.length) {
        const next = await this.#queue[taken.length];
        size += next[0].length * 3 + 1;
        if (size > this.#options.maxPayload) break;
        taken.push(next);
      }
      const body = taken.map(([packet]) => packet).join("\x1e");
      if (!(await this.#insist(`transport=polling&${this.#query}&n=${this.#posts + 1}`, body))) break;
      this.#posts++;
      this.#queue.splice(0, taken.length);
      this.#sent(taken);
    }
    this.#busy.post = false;
    this.#parked?.();
  }

  #sent(packets) {
    for (const [, length, , after] of packets) {
      this.#owner.drained(length);
      after?.();
    }
  }

  async #flush() {
    while (this.#queue.length && this.#stream) {
      const packet = await this.#queue[0];
      if (packet[4]) packet[4]();
      else this.#stream.send(packet[2] ?? packet[0]);
      this.#queue.shift();
      this.#sent([packet]);
    }
  }

  #go() {
    if (!this.#stream) this.#post();
    else if (this.#queue.length === 1) this.#flush();
  }

  /** `after` runs when it has gone. */
  #put(text, after) {
    this.#queue.push([text, 0, , after]);
    this.#go();
  }

  send(data) {
    const length = lengthOf(data);
    const bytes = (buffer) => [`b${toBase64(buffer)}`, length, buffer];
    if (typeof data === "string") this.#queue.push([polled(data), length, `4${data}`]);
    else this.#queue.push(data instanceof Blob ? data.arrayBuffer().then(bytes) : bytes(copyOf(data)));
    this.#go();
  }

  /** Behind all that was sent: a packet, or the WebSocket's own Close. Plain Engine.IO answers a packet by forgetting the session. */
  close(code, reason) {
    const packet = `1${code ?? ""}${reason ?? ""}`;
    const plain = () => this.#options.linger || this.#stream || this.end(1005, "", true);
    this.#queue.push([packet, 0, , plain, () => (code ? this.#stream.close(code, reason) : this.#stream.close())]);
    this.#go();
    this.#timer = setTimeout(() => this.end(1006), CLOSING_MS);
  }

  #take(packet) {
    const rest = packet.slice(1);
    const code = rest.slice(0, 4);
    const end = () => this.end(1006);
    if (this.#over) return;
    try {
      if (packet[0] === "4") this.#owner.message(rest);
      else if (packet[0] === "b") this.#owner.message(fromBase64(rest));
      else if (packet[0] === "t") this.#owner.message(decoder.decode(fromBase64(rest)));
      else if (packet[0] === "2") this.#put(`3${rest}`);
      else if (packet[0] === "1" && (!code || code > 999)) {
        this.#closed = [+code || 1005, rest.slice(4), true];
        this.#owner.closing();
        if (this.#timer) end();
        else this.#put(`1${code}`, end);
      } else if (packet[0] !== "6") end();
    } catch {
      end();
    }
  }

  /** Polling -> WebSocket; where it fails, polling goes on. */
  #upgrade() {
    const stream = new globalThis.WebSocket(`${this.#url}`.replace("http", "ws") + `?EIO=4&transport=websocket&${this.#query}`);
    stream.binaryType = "arraybuffer";
    const began = Date.now();
    let up = false;
    stream.onopen = () => stream.send("2probe");
    stream.onmessage = async ({ data }) => {
      if (up && typeof data !== "string") return this.#owner.message(data);
      if (up) {
        this.#watch();
        return this.#take(data);
      }
      if (data !== "3probe" || this.#over) return stream.close();
      await new Promise((resolve) => {
        this.#parked = () => this.#busy.poll || this.#busy.post || resolve();
        this.#parked();
      });
      this.#parked = undefined;
      if (this.#over) return stream.close();
      if (stream.readyState !== 1) {
        this.#poll();
        return this.#post();
      }
      up = true;
      this.#stream = stream;
      stream.send(`5${this.#polls}`);
      this.#watch();
      this.#flush();
    };
    stream.onerror = () => {};
    stream.onclose = ({ code, reason, wasClean }) => {
      if (!up || this.#over) return;
      if (!wasClean && Date.now() - began < CUT_MS) this.#owner.remember("cut");
      this.end(code, reason, wasClean);
    };
  }

  /** The server's Pings come in time, or the WebSocket is dead. */
  #silence;
  #watch() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.end(1006), this.#options.pingInterval + this.#options.pingTimeout);
  }

  end(code, reason = "", clean = false) {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    for (const aborter of this.#aborters) aborter.abort();
    this.#stream?.close();
    this.#owner.ended(...(this.#closed ?? [code, reason, clean]));
  }
}

export default class TowlineWebSocket extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSING = 2;
  static CLOSED = 3;
  CONNECTING = 0;
  OPEN = 1;
  CLOSING = 2;
  CLOSED = 3;

  onopen = null;
  onmessage = null;
  onerror = null;
  onclose = null;
  binaryType = "blob";

  #url;
  #protocols;
  #key;
  #state = 0;
  #protocol = "";
  #waiting = 0;
  #native;
  #session;

  constructor(url, protocols = []) {
    super();
    this.#url = new URL(url, globalThis.location?.href);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    if (!/^wss?:$/.test(this.#url.protocol) || this.#url.hash) throw new DOMException(`${url} is no WebSocket URL`, "SyntaxError");
    this.#protocols = [protocols].flat().map(String);
    if (new Set(this.#protocols).size < this.#protocols.length || !this.#protocols.every((name) => /^[\w!#-'*+.^`|~-]+$/.test(name)))
      throw new DOMException(`${protocols} are no subprotocols`, "SyntaxError");
    for (const type of ["open", "message", "error", "close"]) this.addEventListener(type, (event) => this[`on${type}`]?.(event));
    this.#key = `towline ${this.#url.origin}`;
    const way = memory.get(this.#key);
    if (way) this.#fallBack(way);
    else this.#try();
  }

  get url() {
    return this.#url.href;
  }
  get readyState() {
    return this.#state;
  }
  get protocol() {
    return this.#protocol;
  }
  get extensions() {
    return this.#native?.extensions ?? "";
  }
  get bufferedAmount() {
    return this.#waiting + (this.#native?.bufferedAmount ?? 0);
  }

  /** WebSocket, if something on the way knows it. */
  #try() {
    const native = new globalThis.WebSocket(this.#url.href, this.#protocols);
    native.binaryType = "arraybuffer";
    this.#native = native;
    let opened;
    const give = () => {
      if (this.#native !== native || opened) return;
      clearTimeout(timer);
      this.#native = undefined;
      native.close();
      this.#fallBack("polling");
    };
    const timer = setTimeout(give, OPENING_MS);
    native.onopen = () => {
      if (this.#native !== native) return;
      clearTimeout(timer);
      opened = Date.now();
      this.#open(native.protocol);
    };
    native.onerror = () => {}; // its close follows
    native.onmessage = ({ data }) => this.#message(data);
    native.onclose = ({ code, reason, wasClean }) => {
      if (!opened) return give();
      if (code === 1006 && Date.now() - opened < CUT_MS) memory.set(this.#key, "cut");
      this.#end(code, reason, wasClean);
    };
  }

  #fallBack(way) {
    this.#session = new Session(
      {
        open: (protocol) => {
          memory.set(this.#key, way);
          this.#open(protocol);
        },
        message: (data) => this.#message(data),
        drained: (length) => (this.#waiting -= length),
        closing: () => (this.#state = Math.max(this.#state, 2)),
        remember: (what) => memory.set(this.#key, what),
        ended: (code, reason, clean) => this.#end(code, reason, clean),
      },
      this.#url,
      this.#protocols,
      way,
    );
  }

  #open(protocol) {
    if (this.#state) return;
    this.#state = 1;
    this.#protocol = protocol;
    this.dispatchEvent(new Event("open"));
  }

  #message(data) {
    if (this.#state !== 1) return;
    if (typeof data !== "string" && this.binaryType === "blob") data = new Blob([data]);
    this.dispatchEvent(new MessageEvent("message", { data, origin: this.#url.origin }));
  }

  #end(code, reason, wasClean) {
    if (this.#state === 3) return;
    this.#state = 3;
    if (!wasClean) this.dispatchEvent(new Event("error"));
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason, wasClean }));
  }

  send(data) {
    if (!this.#state) throw new DOMException("It is not open yet", "InvalidStateError");
    if (typeof data !== "string" && !(data instanceof Blob || data instanceof ArrayBuffer || ArrayBuffer.isView(data))) data = String(data);
    if (this.#state === 1 && this.#native) return this.#native.send(data);
    this.#waiting += lengthOf(data);
    if (this.#state === 1) this.#session.send(data);
  }

  close(code, reason) {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) throw new DOMException(`${code} is not allowed`, "InvalidAccessError");
    if (reason !== undefined && lengthOf(String(reason)) > 123) throw new DOMException("The reason is longer than 123 bytes", "SyntaxError");
    if (this.#state > 1) return;
    const connecting = !this.#state;
    this.#state = 2;
    if (this.#native && !connecting) return this.#native.close(code, reason);
    if (!connecting) return this.#session.close(code ?? (reason === undefined ? undefined : 1000), reason);
    const native = this.#native;
    this.#native = undefined;
    native?.close();
    if (this.#session) this.#session.end(1006);
    else setTimeout(() => this.#end(1006, "", false));
  }
}
