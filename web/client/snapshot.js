/**
 * A snapshot: the whole document, in one view, at one position (PROTOCOL.md 2).
 *
 * @typedef {'anonymous' | 'member'} View
 * @typedef {'ws' | 'sse' | 'poll' | 'sei'} Channel
 *
 * @typedef {object} Position
 * @property {number} epoch
 * @property {number} version
 *
 * @typedef {object} Envelope
 * @property {string} doc
 * @property {number} schema
 * @property {View} view
 * @property {string} room
 * @property {number} ts commit time, ms
 *
 * @typedef {Position & Envelope & Record<string, unknown>} Snapshot
 */

import { Malformed } from './problem.js';
import { isCount, isRecord } from './values.js';

/** @type {readonly Channel[]} */
export const CHANNELS = ['ws', 'sse', 'poll', 'sei'];

/** The highest schema that is understood here. */
export const SCHEMA = 1;

/** The bytes are no snapshot that this reader understands. */
export class MalformedSnapshot extends Malformed {
  name = 'MalformedSnapshot';
}

/**
 * Reads the text of a snapshot.
 *
 * @param {string} text
 * @returns {Snapshot}
 * @throws {MalformedSnapshot} not JSON, not a snapshot, or of a later schema
 */
export function readSnapshot(text) {
  const value = parseJson(text);
  if (!isRecord(value) || value.type !== 'snapshot') {
    throw new MalformedSnapshot('not a snapshot');
  }
  const names = [value.doc, value.room].every((name) => typeof name === 'string' && name !== '');
  const numbers = [value.epoch, value.version, value.ts].every(isCount);
  const view = value.view === 'anonymous' || value.view === 'member';
  if (!names || !numbers || !view) {
    throw new MalformedSnapshot('a field of the envelope is missing or of the wrong type');
  }
  if (value.schema !== SCHEMA) {
    throw new MalformedSnapshot(`schema ${String(value.schema)} is not understood`);
  }
  return /** @type {Snapshot} */ (value);
}

/**
 * Orders two positions: epoch first, then version.
 *
 * @param {Position} left
 * @param {Position} right
 * @returns {number} below 0 where `left` is older, 0 where equal, above 0 where newer
 */
export function comparePositions(left, right) {
  return left.epoch - right.epoch || left.version - right.version;
}

/**
 * Writes a position as text, `<epoch>.<version>`.
 *
 * @param {Position} position
 */
export function positionText(position) {
  return `${position.epoch}.${position.version}`;
}

/**
 * @param {string} text
 * @returns {unknown}
 */
function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new MalformedSnapshot('not JSON');
  }
}
