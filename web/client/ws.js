/**
 * The push channel over WebSocket (PROTOCOL.md 6).
 *
 * @import {OnArrival, OnStatus, Source, SourceOptions} from './source.js'
 * @import {Runtime} from './runtime.js'
 */

import { Problem, unreachable } from './problem.js';
import { browserRuntime } from './runtime.js';
import { readArrival, reconnecting } from './source.js';
import { isCount, readFields, textOf } from './values.js';

const SUBPROTOCOL = 'seatsync.v1';
const FIRST_STAY_AWAY_CODE = 4500;
const LAST_OWN_CODE = 4999;
/** How often to look for a sign of life until `welcome` says. */
const PING_MS = 25_000;

/** @implements {Source} */
export class WebSocketSource {
  /** @type {'ws'} */
  channel = 'ws';
  #url;
  #protocols;
  #runtime;

  /**
   * @param {SourceOptions} options `url` may be of http or ws; the token travels as a second
   *   subprotocol, because browsers give a WebSocket no headers and a query ends up in logs
   */
  constructor({ url, token = null, runtime = browserRuntime }) {
    this.#url = url.replace(/^http/, 'ws');
    this.#protocols = token === null ? [SUBPROTOCOL] : [SUBPROTOCOL, `bearer.${token}`];
    this.#runtime = runtime;
  }

  /**
   * @param {AbortSignal} signal
   * @param {OnArrival} onArrival
   * @param {OnStatus} onStatus
   */
  run(signal, onArrival, onStatus) {
    const connect = () => {
      const socket = this.#runtime.openWebSocket(this.#url, this.#protocols);
      return new Connection(socket, this.#runtime, onArrival, onStatus).run(signal);
    };
    return reconnecting(connect, signal, onStatus, this.#runtime);
  }
}

/** One WebSocket from its opening to its end. */
class Connection {
  #socket;
  #runtime;
  #onArrival;
  #onStatus;
  /** @type {(reason: unknown) => void} */
  #end = () => {};
  /** @type {Problem | null} */
  #bye = null;
  #isLive = false;
  #heardAt;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #pinging;
  #pings = 0;

  /**
   * @param {WebSocket} socket
   * @param {Runtime} runtime
   * @param {OnArrival} onArrival
   * @param {OnStatus} onStatus
   */
  constructor(socket, runtime, onArrival, onStatus) {
    this.#socket = socket;
    this.#runtime = runtime;
    this.#onArrival = onArrival;
    this.#onStatus = onStatus;
    this.#heardAt = runtime.now();
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<never>} ends with why the connection ended
   */
  async run(signal) {
    const abort = () => this.#end(unreachable('Closed'));
    signal.addEventListener('abort', abort);
    try {
      return await new Promise((_, reject) => this.#listen(reject));
    } finally {
      signal.removeEventListener('abort', abort);
      clearInterval(this.#pinging);
      this.#socket.onmessage = this.#socket.onclose = null;
      hangUp(this.#socket);
    }
  }

  /** @param {(reason: unknown) => void} end */
  #listen(end) {
    this.#end = end;
    this.#socket.onmessage = (event) => this.#receive(event.data);
    this.#socket.onclose = (event) => end(this.#bye ?? problemOfClose(event));
    this.#pingEvery(PING_MS);
  }

  /** @param {unknown} text */
  #receive(text) {
    this.#heardAt = this.#runtime.now();
    try {
      this.#handle(String(text));
    } catch (error) {
      this.#end(error);
    }
  }

  /** @param {string} text */
  #handle(text) {
    const message = readFields(text);
    switch (message.type) {
      case 'welcome':
        if (isCount(message.ping_ms) && message.ping_ms > 0) this.#pingEvery(message.ping_ms);
        return;
      case 'snapshot':
        this.#onArrival(readArrival('ws', text, this.#runtime.now()));
        if (!this.#isLive) this.#onStatus({ state: 'live', words: 'Connected' });
        this.#isLive = true;
        return;
      case 'error':
        this.#isLive = false;
        this.#onStatus({ state: 'down', ...wordsOf(message) });
        return;
      case 'bye':
        this.#bye = problemOfBye(message);
        return;
      default: // Other messages are not for this reader; unknown ones are to be ignored.
    }
  }

  /**
   * Looks for signs of life: a browser cannot see the pings of the protocol itself.
   *
   * @param {number} pingMs
   */
  #pingEvery(pingMs) {
    clearInterval(this.#pinging);
    this.#pinging = setInterval(() => {
      if (this.#runtime.now() - this.#heardAt > 2 * pingMs) {
        this.#end(unreachable('The server went silent'));
      } else if (this.#socket.readyState === 1) {
        this.#pings += 1;
        this.#socket.send(JSON.stringify({ type: 'ping', id: this.#pings }));
      }
    }, pingMs);
  }
}

/**
 * Reads why a server said goodbye; 4500 to 4999 mean: do not come back.
 *
 * @param {Record<string, unknown>} bye
 * @returns {Problem}
 */
export function problemOfBye(bye) {
  const code = isCount(bye.code) ? bye.code : 1001;
  return new Problem({
    code: `CLOSED_${code}`,
    message: textOf(bye.reason) || `The server closed with ${code}`,
    retryable: !staysAway(code),
    retry_after_ms: isCount(bye.retry_after_ms) ? bye.retry_after_ms : undefined,
  });
}

/** @param {{code: number, reason: string}} event */
function problemOfClose({ code, reason }) {
  const message = reason || (code === 1006 ? 'The connection was lost' : `Closed with ${code}`);
  return new Problem({ code: `CLOSED_${code}`, message, retryable: !staysAway(code) });
}

/** @param {number} code */
function staysAway(code) {
  return code >= FIRST_STAY_AWAY_CODE && code <= LAST_OWN_CODE;
}

/** @param {Record<string, unknown>} error */
function wordsOf(error) {
  const code = textOf(error.code) ?? 'UNKNOWN';
  return { words: textOf(error.message) || code, code };
}

/**
 * Close a socket; one that is still opening is closed when it is open, since browsers complain of
 * it otherwise.
 *
 * @param {WebSocket} socket
 */
function hangUp(socket) {
  if (socket.readyState === 0) socket.onopen = () => socket.close(1000);
  else socket.close(1000);
}
