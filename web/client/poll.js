/**
 * The poll channel: conditional requests at the pace the server sets (PROTOCOL.md 4).
 *
 * @import {OnArrival, OnStatus, Source, SourceOptions} from './source.js'
 * @import {Problem} from './problem.js'
 */

import { Backoff, spreadMs } from './backoff.js';
import { problemOf, reached, readProblem } from './problem.js';
import { browserRuntime } from './runtime.js';
import { headersWith, readArrival } from './source.js';

const DEFAULT_INTERVAL_MS = 3000;
/** No header makes this reader poll faster, or wait longer, than this. */
const INTERVAL_LIMITS_MS = [250, 120_000];
const ANSWER_TIMEOUT_MS = 10_000;

/** @implements {Source} */
export class PollSource {
  /** @type {'poll'} */
  channel = 'poll';
  #url;
  #token;
  #runtime;
  #etag = '';

  /** @param {SourceOptions} options */
  constructor({ url, token = null, runtime = browserRuntime }) {
    this.#url = url;
    this.#token = token;
    this.#runtime = runtime;
  }

  /**
   * @param {AbortSignal} signal
   * @param {OnArrival} onArrival
   * @param {OnStatus} onStatus
   */
  async run(signal, onArrival, onStatus) {
    const backoff = new Backoff(this.#runtime.random);
    onStatus({ state: 'connecting', words: 'Asking' });
    while (!signal.aborted) {
      const outcome = await this.#poll(signal, onArrival).catch(problemOf);
      if (signal.aborted) break;
      if (typeof outcome === 'number') {
        backoff.reset();
        onStatus({ state: 'live', words: `Every ${(outcome / 1000).toFixed(1)} s` });
        await this.#runtime.sleep(spreadMs(outcome, this.#runtime.random), signal);
        continue;
      }
      onStatus(statusOf(outcome));
      if (!outcome.retryable) return;
      // A poll that fails at once must not become faster than one that goes well.
      const delayMs = DEFAULT_INTERVAL_MS / 2 + backoff.nextMs();
      await this.#runtime.sleep(outcome.retry_after_ms ?? delayMs, signal);
    }
    onStatus({ state: 'idle', words: 'Off' });
  }

  /**
   * Polls once.
   *
   * @param {AbortSignal} signal
   * @param {OnArrival} onArrival
   * @returns {Promise<number>} the interval to use now, ms
   */
  async #poll(signal, onArrival) {
    const deadline = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const response = await reached(
      this.#runtime.fetch(this.#url, {
        headers: headersWith(this.#token, this.#etag ? { 'If-None-Match': this.#etag } : {}),
        cache: 'no-store',
        signal: AbortSignal.any([signal, deadline]),
      }),
    );
    if (response.status === 200) {
      const body = await reached(response.text());
      onArrival(readArrival('poll', body, this.#runtime.now()));
      this.#etag = response.headers.get('ETag') ?? '';
    } else if (response.status !== 304) {
      throw await readProblem(response);
    }
    return intervalMsOf(response);
  }
}

/** @param {Response} response */
function intervalMsOf(response) {
  const text = response.headers.get('Seatsync-Poll-Ms') ?? '';
  if (!/^\d{1,9}$/.test(text)) return DEFAULT_INTERVAL_MS;
  const [shortestMs = 0, longestMs = 0] = INTERVAL_LIMITS_MS;
  return Math.min(Math.max(Number(text), shortestMs), longestMs);
}

/**
 * @param {Problem} problem
 * @returns {import('./source.js').Status}
 */
function statusOf({ message, code, retryable }) {
  return { state: 'down', words: message, code, stopped: !retryable };
}
