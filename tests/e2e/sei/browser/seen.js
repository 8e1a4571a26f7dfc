/** What a player was given, and what it and our reader found in it. */

import { SeiReader } from '/client/sei.js';

const UUID = '5e617453796e4331a9d47c3b8f12e6d0';

/** @param {Uint8Array} bytes */
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** @param {Uint8Array} bytes */
function base64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}

export class Seen {
  /** Bytes of the stream, or of one segment with its initialisation. @type {Uint8Array[]} */
  chunks = [];
  /** @type {{epoch: number, version: number, text: string}[]} */
  snapshots = [];
  /** Bodies of our messages, that a player's own event brought. @type {Uint8Array[]} */
  bodies = [];
  /** @type {string[]} */
  errors = [];
  newest = -1;
  #reader = new SeiReader();
  #reading = Promise.resolve();

  /** Keeps bytes; a player may do with its own as it likes. @param {Uint8Array} bytes */
  keep(bytes) {
    const copy = bytes.slice();
    this.chunks.push(copy);
    return copy;
  }

  /** Keeps bytes, and has our own reader read them. @param {Uint8Array} bytes */
  read(bytes) {
    const copy = this.keep(bytes);
    this.#reading = this.#reading
      .then(async () => {
        for (const snapshot of await this.#reader.push(copy)) {
          const { epoch, version, text } = snapshot;
          this.snapshots.push({ epoch, version, text });
          this.newest = Math.max(this.newest, version);
        }
      })
      .catch((error) => this.fail('our reader', error));
  }

  /**
   * Takes what a player's event says is a message.
   *
   * @param {string} uuid 32 hexadecimal digits
   * @param {Uint8Array} body
   */
  take(uuid, body) {
    if (uuid !== UUID) return;
    this.bodies.push(body.slice());
    // SS1 <flags> <room> <epoch> <version> …
    this.newest = Math.max(this.newest, Number(new TextDecoder().decode(body).split(' ')[4]));
  }

  /** @param {string} who @param {...unknown} what */
  fail(who, ...what) {
    this.errors.push([who, ...what.map((part) => String(part?.message ?? part))].join(' '));
  }

  /** Gives everything at this moment; what our reader has been given is read to its end. */
  async told() {
    const chunks = [...this.chunks];
    const bodies = [...this.bodies];
    /** @type {typeof this.snapshots} */
    let snapshots = [];
    await this.#reading.then(() => {
      snapshots = [...this.snapshots]; // before any later chunk is read
    });
    return {
      chunks: chunks.map(base64),
      snapshots,
      bodies: bodies.map(base64),
      damaged: this.#reader.damaged,
    };
  }
}

export { hex };
