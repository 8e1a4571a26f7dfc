/**
 * Whole snapshots out of the pieces in a stream.
 *
 * @import {Position} from './snapshot.js'
 * @import {Message} from './payload.js'
 *
 * @typedef {Position & {roomTag: string, ts: number, text: string, signature: string | null}}
 *   StreamSnapshot
 */

import { inflate } from './inflate.js';
import { BadPayload } from './payload.js';

/** Takes messages in any order; gives up the snapshot begun first when too many are unfinished. */
export class Assembler {
  /** @type {Map<string, Map<number, Message>>} */
  #unfinished = new Map();
  #maxUnfinished;

  /** @param {{maxUnfinished?: number}} [options] */
  constructor({ maxUnfinished = 4 } = {}) {
    this.#maxUnfinished = maxUnfinished;
  }

  /**
   * Takes one message; a piece whose CRC does not hold is dropped, its repeat will come.
   *
   * @param {Message} message
   * @returns {Promise<StreamSnapshot | null>} the snapshot that it completes
   * @throws {BadPayload} the pieces are all there and cannot be inflated
   */
  async offer(message) {
    if (!message.crcHolds) return null;
    const pieces = this.#collect(message);
    const first = pieces?.get(1);
    if (pieces === null || first === undefined) return null;
    const { roomTag, epoch, version, ts, signature } = first;
    const text = await textOfPieces(pieces, message);
    return { roomTag, epoch, version, ts, signature, text };
  }

  /**
   * @param {Message} message
   * @returns {Map<number, Message> | null} all pieces, once they are there
   */
  #collect(message) {
    const { roomTag, epoch, version, ts, count, deflated } = message;
    const key = [roomTag, epoch, version, ts, count, deflated].join(' ');
    const pieces = this.#unfinished.get(key) ?? new Map();
    this.#unfinished.set(key, pieces.set(message.index, message));
    if (pieces.size === count) {
      this.#unfinished.delete(key);
      return pieces;
    }
    const [oldest] = this.#unfinished.keys();
    if (this.#unfinished.size > this.#maxUnfinished && oldest !== undefined) {
      this.#unfinished.delete(oldest);
    }
    return null;
  }
}

/**
 * @param {Map<number, Message>} pieces
 * @param {{count: number, deflated: boolean}} form
 */
async function textOfPieces(pieces, { count, deflated }) {
  const inOrder = Array.from({ length: count }, (_, place) => pieces.get(place + 1)?.piece);
  const whole = await new Blob(inOrder.map((piece) => piece ?? '')).arrayBuffer();
  const body = deflated ? await inflate(new Uint8Array(whole)) : new Uint8Array(whole);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new BadPayload('the snapshot is not UTF-8');
  }
}
