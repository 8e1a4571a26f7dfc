/** Checks on values that came from outside. */

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isRecord(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Tells whether a value is an integer in 0..2^53-1.
 *
 * @param {unknown} value
 * @returns {value is number}
 */
export function isCount(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/**
 * Gives a text, or undefined for anything else.
 *
 * @param {unknown} value
 */
export function textOf(value) {
  return typeof value === 'string' ? value : undefined;
}

/**
 * Reads the fields of a JSON object; anything else has none.
 *
 * @param {string} text
 * @returns {Record<string, unknown>}
 */
export function readFields(text) {
  try {
    const value = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
