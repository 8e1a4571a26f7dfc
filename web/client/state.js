/**
 * The `state` document: who sits where (PROTOCOL.md 2).
 *
 * @import {Snapshot, View} from './snapshot.js'
 *
 * @typedef {object} Occupant
 * @property {string} nickname masked in the anonymous view
 * @property {string | undefined} userId members only
 * @property {string | undefined} role members only
 * @property {boolean} micOn
 * @property {boolean} muted
 * @property {string} link `ok`, `weak` or `lost`
 *
 * @typedef {object} Seat
 * @property {number} index
 * @property {boolean} locked
 * @property {boolean} audioLocked
 * @property {Occupant | null} occupant
 *
 * @typedef {object} State
 * @property {boolean} isLive whether there is a session
 * @property {string} kind `voice`, `video`, or empty without a session
 * @property {number | undefined} startedAt ms
 * @property {string | undefined} ownerId members only
 * @property {string} seatMode
 * @property {number} ownerSeat
 * @property {Seat[]} seats
 * @property {View} view
 */

import { MalformedSnapshot } from './snapshot.js';
import { isCount, isRecord, textOf } from './values.js';

/**
 * Reads the document out of its snapshot; fields that the anonymous view leaves out may be missing.
 *
 * @param {Snapshot} snapshot
 * @returns {State}
 * @throws {MalformedSnapshot} no session field, or no seats in order
 */
export function readState(snapshot) {
  const { session, seats } = snapshot;
  const hasSession = isRecord(session);
  if (!hasSession && session !== null) throw new MalformedSnapshot('the session is missing');
  if (!Array.isArray(seats)) throw new MalformedSnapshot('the seats are missing');
  return {
    isLive: hasSession,
    kind: hasSession ? (textOf(session.kind) ?? '') : '',
    startedAt: hasSession && isCount(session.started_at) ? session.started_at : undefined,
    ownerId: hasSession ? textOf(session.owner_id) : undefined,
    seatMode: textOf(snapshot.seat_mode) ?? '',
    ownerSeat: isCount(snapshot.owner_seat) ? snapshot.owner_seat : 0,
    seats: seats.map(readSeat),
    view: snapshot.view,
  };
}

/**
 * Gives the seat that a user holds; unknown in the anonymous view.
 *
 * @param {State} state
 * @param {string | null} userId
 * @returns {Seat | undefined}
 */
export function seatOf(state, userId) {
  if (userId === null) return undefined;
  return state.seats.find((seat) => seat.occupant?.userId === userId);
}

/**
 * @param {unknown} value
 * @param {number} place
 * @returns {Seat}
 */
function readSeat(value, place) {
  if (!isRecord(value) || value.index !== place) {
    throw new MalformedSnapshot('a seat is not at its index');
  }
  return {
    index: place,
    locked: value.locked === true,
    audioLocked: value.audio_locked === true,
    occupant: value.status === 'occupied' ? readOccupant(value) : null,
  };
}

/**
 * @param {Record<string, unknown>} seat
 * @returns {Occupant}
 */
function readOccupant(seat) {
  const user = isRecord(seat.user) ? seat.user : {};
  return {
    nickname: textOf(user.nickname) ?? '?',
    userId: textOf(user.user_id),
    role: textOf(user.role),
    micOn: seat.mic_on === true,
    muted: seat.muted === true,
    link: textOf(seat.link) ?? 'ok',
  };
}
