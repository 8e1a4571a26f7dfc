/**
 * What a refusal means, in words for whoever pressed the button.
 *
 * @import {Problem} from '../client/problem.js'
 */

/** @type {Record<string, string>} */
const WORDS = {
  ALREADY_ON_SEAT: 'You are on a seat already.',
  APPROVAL_REQUIRED: 'Seats are given on request in this room.',
  CONFLICT_RETRY: 'Too many changes at once. Please try again.',
  FORBIDDEN: 'You may not do that here.',
  INVITE_REQUIRED: 'Seats are by invitation in this room.',
  IN_OTHER_ROOM: 'You are on a seat in another room.',
  MUTED_BY_ADMIN: 'An admin has muted you.',
  NOT_ON_SEAT: 'You are not on a seat.',
  NO_FREE_SEAT: 'No seat is free.',
  OVERLOADED: 'The server is busy. Please try again in a moment.',
  RATE_LIMITED: 'That was a bit fast. Please wait a moment.',
  ROOM_NOT_FOUND: 'This room does not exist.',
  SEAT_LOCKED: 'This seat is locked.',
  SEAT_NOT_FOUND: 'This seat is gone.',
  SEAT_OCCUPIED: 'Somebody else was faster: the seat is taken.',
  SEAT_RESERVED: 'This seat is kept for the host.',
  SESSION_NOT_LIVE: 'The session is over.',
  UNAUTHENTICATED: 'Your sign-in has expired. Please choose who you are again.',
  UNAVAILABLE: 'The room cannot be changed right now. Please try again in a moment.',
  UNREACHABLE: 'The server cannot be reached.',
  USER_BANNED: 'You are not admitted to the seats of this room.',
};

/** @param {Problem} problem */
export function wordsFor(problem) {
  return WORDS[problem.code] ?? `${problem.message} (${problem.code})`;
}
