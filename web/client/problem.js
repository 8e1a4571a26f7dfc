/**
 * What a server refused, and whether it is worth asking again (PROTOCOL.md 3 and 5).
 *
 * `retry_after_ms` keeps the name it has on the wire.
 */

import { isCount, isRecord, textOf } from './values.js';

/** An answer that is an error, with its code. */
export class Problem extends Error {
  name = 'Problem';

  /**
   * @param {object} facts
   * @param {string} facts.code
   * @param {string} facts.message
   * @param {boolean} facts.retryable
   * @param {number | undefined} [facts.retry_after_ms]
   * @param {number} [facts.status] HTTP status
   */
  constructor({ code, message, retryable, retry_after_ms, status }) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    this.retry_after_ms = retry_after_ms;
    this.status = status;
  }
}

/** What arrived does not follow its format; a fresh start may. */
export class Malformed extends Problem {
  name = 'Malformed';

  /** @param {string} message */
  constructor(message) {
    super({ code: 'MALFORMED', message, retryable: true });
  }
}

/**
 * Reads the problem in an HTTP answer; what is not problem+json is judged by its status.
 *
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function readProblem(response) {
  const body = await readJson(response);
  const { status } = response;
  return new Problem({
    status,
    code: textOf(body.code) || `HTTP_${status}`,
    message: textOf(body.detail) || textOf(body.message) || textOf(body.title) || `HTTP ${status}`,
    retryable: typeof body.retryable === 'boolean' ? body.retryable : mayPass(status),
    retry_after_ms: isCount(body.retry_after_ms) ? body.retry_after_ms : retryAfterMs(response),
  });
}

/**
 * Says that no answer came at all.
 *
 * @param {string} [message]
 */
export function unreachable(message = 'The server cannot be reached') {
  return new Problem({ code: 'UNREACHABLE', message, retryable: true });
}

/**
 * Waits for a network call and turns its failure into a problem.
 *
 * @template T
 * @param {Promise<T>} call what `fetch`, or the reader of its body, gave
 * @returns {Promise<T>}
 * @throws {Problem}
 */
export async function reached(call) {
  try {
    return await call;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError') {
      throw unreachable('The server went silent');
    }
    // `fetch` says TypeError for every network failure, and AbortError for our own abort.
    if (error instanceof TypeError || error instanceof DOMException) throw unreachable();
    throw error;
  }
}

/**
 * Lets problems through as values; any other error is a defect of ours and goes on.
 *
 * @param {unknown} error
 * @returns {Problem}
 */
export function problemOf(error) {
  if (error instanceof Problem) return error;
  throw error;
}

/** @param {Response} response */
async function readJson(response) {
  try {
    const body = await reached(response.json());
    return isRecord(body) ? body : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** @param {Response} response */
function retryAfterMs(response) {
  const seconds = response.headers.get('Retry-After');
  return seconds !== null && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}

/** @param {number} status */
function mayPass(status) {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}
