/**
 * A colour and a letter for a person without a picture.
 *
 * @import {Occupant} from '../client/state.js'
 */

/** From teal over blue to pink: green, amber and red have a meaning on this page. */
const FIRST_HUE = 178;
const HUE_COUNT = 155;

/**
 * Gives the hue of a person, in degrees; the same one each time.
 *
 * @param {string} key user id, or nickname where the id is hidden
 */
export function hueOf(key) {
  let hash = 7;
  for (const character of key) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return FIRST_HUE + (hash % HUE_COUNT);
}

/**
 * Gives the letter on the disc.
 *
 * @param {Occupant} occupant
 */
export function initialOf({ nickname }) {
  return ([...nickname][0] ?? '?').toLocaleUpperCase();
}
