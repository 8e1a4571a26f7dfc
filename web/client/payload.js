/**
 * The body of an SEI message: text, self-delimiting, checked (SEI.md 1).
 *
 * ```
 * SS1 <flags> <room> <epoch> <version> <ts> <i>/<n> <len> <crc>[ <kid>:<sig>]\n<piece>
 * ```
 *
 * @import {Position} from './snapshot.js'
 *
 * @typedef {object} MessageFields
 * @property {string} roomTag
 * @property {number} ts commit time, ms
 * @property {boolean} deflated
 * @property {number} index which piece, from 1
 * @property {number} count
 * @property {Uint8Array<ArrayBuffer>} piece
 * @property {boolean} crcHolds
 * @property {string | null} signature `<kid>:<sig>`, carried, not judged here
 *
 * @typedef {Position & MessageFields} Message
 */

import { crc32 } from './crc32.js';
import { Malformed } from './problem.js';

export const MAX_CHUNKS = 16;
const MAX_PIECE_BYTES = 4000;
const MAX_HEADER_BYTES = 400;
const NEWLINE = 10;
const NUMBER = '(0|[1-9][0-9]{0,15})';
const HEADER = new RegExp(
  `^(SS1 ([A-Za-z]{1,16}) ([A-Za-z0-9_-]{12}) ${NUMBER} ${NUMBER} ${NUMBER} ` +
    '([1-9][0-9]?)/([1-9][0-9]?) (0|[1-9][0-9]{0,3})) ([0-9a-f]{8})' +
    '(?: ([A-Za-z0-9_-]{1,32}:[A-Za-z0-9_-]{1,128}))?$',
);

/** The body bears our UUID and does not follow its format. */
export class BadPayload extends Malformed {
  name = 'BadPayload';
}

/**
 * Reads the body of a message.
 *
 * @param {Uint8Array} body behind the UUID; what readers append to it is ignored
 * @returns {Message | null} null where it is of another format or has a reserved flag
 * @throws {BadPayload} of our format, and malformed
 */
export function readMessage(body) {
  if (asciiOf(body.subarray(0, 4)) !== 'SS1 ') return null;
  const headerBytes = body.subarray(0, MAX_HEADER_BYTES + 1).indexOf(NEWLINE);
  const match = HEADER.exec(asciiOf(body.subarray(0, Math.max(headerBytes, 0))));
  if (match === null) throw new BadPayload('the header of a message is malformed');
  const [, checked = '', flags, roomTag = '', , , , , , , crc, signature = null] = match;
  if (flags !== 'f' && flags !== 'fz') return null;
  const [epoch = 0, version = 0, ts = 0, index = 0, count = 0, size = 0] = match
    .slice(4, 10)
    .map(Number);
  const piece = body.slice(headerBytes + 1, headerBytes + 1 + size);
  check([epoch, version, ts].every(Number.isSafeInteger), 'a number is over 2^53-1');
  check(index <= count && count <= MAX_CHUNKS, 'the piece is outside its count');
  check(piece.length === size && size <= MAX_PIECE_BYTES, 'the piece is not as long as it says');
  check(signature === null || index === 1, 'a signature stands on a piece other than the first');
  const crcHolds = crcText(body.subarray(0, checked.length), piece) === crc;
  const deflated = flags === 'fz';
  return { roomTag, epoch, version, ts, deflated, index, count, piece, crcHolds, signature };
}

/**
 * @param {Uint8Array} header
 * @param {Uint8Array} piece
 */
function crcText(header, piece) {
  return crc32(piece, crc32(header)).toString(16).padStart(8, '0');
}

/** @param {Uint8Array} bytes */
function asciiOf(bytes) {
  return String.fromCharCode(...bytes);
}

/**
 * @param {boolean} holds
 * @param {string} problem
 */
function check(holds, problem) {
  if (!holds) throw new BadPayload(problem);
}
