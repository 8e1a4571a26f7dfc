/**
 * The parser of `text/event-stream` (WHATWG HTML 9.2.6), fed with bytes as they come.
 *
 * @typedef {object} ServerEvent
 * @property {string} type
 * @property {string} text
 * @property {string} lastEventId
 */

import { Malformed } from './problem.js';

/** An event that is longer is given up: the stream of a peer is not trusted with our memory. */
const MAX_EVENT_CHARS = 1024 * 1024;

export class EventStreamParser {
  /** What to send as `Last-Event-ID` when connecting again. */
  lastEventId = '';
  /** The delay that the server asked for. @type {number | undefined} */
  retryMs;
  #decoder = new TextDecoder(); // strips the byte order mark
  #rest = '';
  #endedInCr = false;
  #type = '';
  #id = '';
  /** @type {string[]} */
  #lines = [];
  #chars = 0;

  /** @param {string} [lastEventId] of the connection before */
  constructor(lastEventId = '') {
    this.lastEventId = this.#id = lastEventId;
  }

  /**
   * Takes some bytes and gives the events that they complete.
   *
   * @param {Uint8Array} bytes
   * @returns {ServerEvent[]}
   * @throws {Malformed} an event is too long
   */
  push(bytes) {
    const lines = (this.#rest + this.#decode(bytes)).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_EVENT_CHARS) throw new Malformed('an event is too long');
    return lines.flatMap((line) => this.#take(line) ?? []);
  }

  /** @param {Uint8Array} bytes */
  #decode(bytes) {
    const text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return text;
    // The line ended at the CR already: the LF that may follow it ends no other.
    const skipsLf = this.#endedInCr && text.startsWith('\n');
    this.#endedInCr = text.endsWith('\r');
    return skipsLf ? text.slice(1) : text;
  }

  /**
   * @param {string} line
   * @returns {ServerEvent | undefined}
   */
  #take(line) {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return undefined; // a comment: the sign of life
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    this.#setField(name, value);
    return undefined;
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  #setField(name, value) {
    if (name === 'event') this.#type = value;
    else if (name === 'data') this.#addLine(value);
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^[0-9]{1,9}$/.test(value)) this.retryMs = Number(value);
  }

  /** @param {string} value */
  #addLine(value) {
    this.#lines.push(value);
    this.#chars += value.length + 1;
    if (this.#chars > MAX_EVENT_CHARS) throw new Malformed('an event is too long');
  }

  /** @returns {ServerEvent | undefined} */
  #dispatch() {
    const text = this.#lines.join('\n');
    const isEmpty = this.#chars === 0;
    const type = this.#type || 'message';
    this.lastEventId = this.#id;
    this.#type = '';
    this.#lines = [];
    this.#chars = 0;
    return isEmpty ? undefined : { type, text, lastEventId: this.#id };
  }
}
