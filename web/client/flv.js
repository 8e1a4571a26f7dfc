/**
 * FLV as it comes from the network: cut into tags (Adobe FLV 10.1, annex E).
 *
 * | bytes | header of the file |
 * | --- | --- |
 * | 0..2 | `FLV` |
 * | 3, 4 | version, flags |
 * | 5..8 | offset of the body, 9 as a rule; the size of a tag before the first, 0, follows |
 *
 * | bytes | tag |
 * | --- | --- |
 * | 0 | type in the low 5 bits: 8 audio, 9 video, 18 script; 0x20: encrypted |
 * | 1..3 | size of the data |
 * | 4..6, 7 | time in ms: low 24 bits, high 8 bits |
 * | 8..10 | stream id, 0 |
 * | 11.. | data, then 4 bytes: size of this tag |
 *
 * @typedef {object} FlvTag
 * @property {number} type
 * @property {number} timestampMs
 * @property {Uint8Array} data
 */

import { Malformed } from './problem.js';

export const VIDEO_TAG = 9;
const HEADER_BYTES = 9;
const TAG_HEADER_BYTES = 11;
const SIZE_BYTES = 4;
const MAX_HEADER_BYTES = 1024;
/** No picture is larger; a lost synchronisation would wait for 16 MB of nothing. */
const MAX_TAG_BYTES = 8 * 1024 * 1024;

/** The bytes are no FLV, or the reader lost its place in them. */
export class BadFlv extends Malformed {
  name = 'BadFlv';
}

/** Takes bytes in any cut, gives whole tags; holds at most one unfinished tag. */
export class FlvParser {
  #bytes = new Uint8Array(0);
  #headerSeen = false;

  /**
   * @param {Uint8Array} bytes
   * @returns {FlvTag[]} the tags that these bytes complete
   * @throws {BadFlv}
   */
  push(bytes) {
    this.#append(bytes);
    let at = this.#headerSeen ? 0 : this.#header();
    /** @type {FlvTag[]} */
    const tags = [];
    for (let tag = this.#tagAt(at); tag !== null; tag = this.#tagAt(at)) {
      tags.push(tag);
      at += TAG_HEADER_BYTES + tag.data.length + SIZE_BYTES;
    }
    // Copied, so that an unfinished tag does not keep the finished ones alive.
    if (at > 0) this.#bytes = this.#bytes.slice(at);
    return tags;
  }

  /** @param {Uint8Array} bytes */
  #append(bytes) {
    const joined = new Uint8Array(this.#bytes.length + bytes.length);
    joined.set(this.#bytes);
    joined.set(bytes, this.#bytes.length);
    this.#bytes = joined;
  }

  /** Gives where the first tag starts, or 0 while the header is not whole. */
  #header() {
    const bytes = this.#bytes;
    const signature = [0x46, 0x4c, 0x56];
    if (signature.some((byte, at) => at < bytes.length && bytes[at] !== byte)) {
      throw new BadFlv('the stream is not FLV');
    }
    if (bytes.length < HEADER_BYTES) return 0;
    const offset = new DataView(bytes.buffer, bytes.byteOffset).getUint32(5);
    if (offset < HEADER_BYTES || offset > MAX_HEADER_BYTES) {
      throw new BadFlv('the header of the stream is malformed');
    }
    if (bytes.length < offset + SIZE_BYTES) return 0;
    this.#headerSeen = true;
    return offset + SIZE_BYTES;
  }

  /**
   * @param {number} at
   * @returns {FlvTag | null} null while it is not whole
   */
  #tagAt(at) {
    const left = this.#bytes.length - at;
    if (!this.#headerSeen || left < TAG_HEADER_BYTES) return null;
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, left);
    const size = view.getUint32(0) & 0xffffff;
    if (size > MAX_TAG_BYTES) throw new BadFlv('a tag is larger than any picture');
    const end = TAG_HEADER_BYTES + size;
    if (left < end + SIZE_BYTES) return null;
    // Some servers write 0 for the size behind a tag; anything else must fit.
    const sizeBehind = view.getUint32(end);
    if (sizeBehind !== end && sizeBehind !== 0)
      throw new BadFlv('a tag does not end where it says');
    return {
      type: view.getUint8(0) & 0x3f, // the bit of an encrypted tag makes it a type of its own
      timestampMs: ((view.getUint32(4) >>> 8) | (view.getUint8(7) << 24)) >>> 0,
      data: this.#bytes.subarray(at + TAG_HEADER_BYTES, at + end),
    };
  }
}
