/**
 * Commands by POST (PROTOCOL.md 5).
 *
 * @import {Runtime} from './runtime.js'
 *
 * @typedef {object} Ack
 * @property {string} cmd_id
 * @property {boolean} changed
 * @property {number} epoch
 * @property {number} version
 * @property {Record<string, unknown>} result
 */

import { Backoff } from './backoff.js';
import { Malformed, problemOf, reached, readProblem } from './problem.js';
import { browserRuntime } from './runtime.js';
import { headersWith } from './source.js';
import { isCount, isRecord, readFields } from './values.js';

const MAX_ATTEMPTS = 4;
const ANSWER_TIMEOUT_MS = 10_000;
/** Nobody waits longer than this for a button. */
const MAX_DELAY_MS = 5_000;

/** Sends the commands of one user in one room. */
export class Commands {
  #url;
  #token;
  #runtime;

  /** @param {{url: string, token?: string | null, runtime?: Runtime}} options */
  constructor({ url, token = null, runtime = browserRuntime }) {
    this.#url = url;
    this.#token = token;
    this.#runtime = runtime;
  }

  /**
   * Sends one command; where that may help it is sent again, with the same `cmd_id`, so that it
   * is carried out once.
   *
   * @param {string} cmd
   * @param {Record<string, unknown>} [args]
   * @param {string} [cmdId]
   * @returns {Promise<Ack>}
   * @throws {import('./problem.js').Problem} refused, or not to be reached after some attempts
   */
  async send(cmd, args = {}, cmdId = newCommandId()) {
    const body = JSON.stringify({ cmd, cmd_id: cmdId, args });
    const backoff = new Backoff(this.#runtime.random, { baseMs: 300, capMs: 3000 });
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#post(body).catch(problemOf);
      if (!(outcome instanceof Error)) return outcome;
      const delayMs = backoff.nextMs(outcome.retry_after_ms);
      if (!outcome.retryable || attempt === MAX_ATTEMPTS || delayMs > MAX_DELAY_MS) throw outcome;
      await this.#runtime.sleep(delayMs);
    }
  }

  /**
   * @param {string} body
   * @returns {Promise<Ack>}
   */
  async #post(body) {
    const response = await reached(
      this.#runtime.fetch(this.#url, {
        method: 'POST',
        headers: headersWith(this.#token, { 'Content-Type': 'application/json' }),
        body,
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      }),
    );
    if (!response.ok) throw await readProblem(response);
    return readAck(await reached(response.text()));
  }
}

/**
 * @param {string} text
 * @returns {Ack}
 * @throws {Malformed} the command may have been carried out: to be sent again, with its id
 */
function readAck(text) {
  const fields = readFields(text);
  const { cmd_id, changed, epoch, version, result } = fields;
  if (typeof cmd_id !== 'string' || !isCount(epoch) || !isCount(version)) {
    throw new Malformed('the answer to a command is no ack');
  }
  const known = { cmd_id, epoch, version, changed: changed === true };
  return { ...fields, ...known, result: isRecord(result) ? result : {} };
}

/**
 * Makes an id that nobody else makes: UUID version 4.
 *
 * @typedef {object} RandomSource
 * @property {() => string} [randomUUID] missing where the page came by plain HTTP from another
 *   machine
 * @property {(bytes: Uint8Array<ArrayBuffer>) => Uint8Array} getRandomValues
 *
 * @param {RandomSource} [source]
 * @returns {string}
 */
export function newCommandId(source = crypto) {
  if (source.randomUUID) return source.randomUUID();
  const bytes = source.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
