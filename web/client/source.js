/**
 * What every source has in common: one class a channel, one method,
 * `run(signal, onArrival, onStatus)`, that ends when the signal aborts or coming back is pointless.
 *
 * @import {Channel, Snapshot} from './snapshot.js'
 * @import {Runtime} from './runtime.js'
 *
 * @typedef {object} Arrival
 * @property {Channel} channel
 * @property {string} body the text of the snapshot as it came
 * @property {Snapshot} snapshot
 * @property {number} receivedAt wall clock, ms
 * @property {number} lagMs since the commit, by this machine's clock
 *
 * @typedef {object} Status
 * @property {'idle' | 'connecting' | 'live' | 'down'} state
 * @property {string} words
 * @property {string} [code]
 * @property {boolean} [stopped] the source has ended and will not come back by itself
 *
 * @typedef {(arrival: Arrival) => void} OnArrival
 * @typedef {(status: Status) => void} OnStatus
 *
 * @typedef {object} Source
 * @property {Channel} channel
 * @property {(signal: AbortSignal, onArrival: OnArrival, onStatus: OnStatus) => Promise<void>} run
 *
 * @typedef {object} SourceOptions
 * @property {string} url
 * @property {string | null} [token]
 * @property {Runtime} [runtime]
 */

import { Backoff } from './backoff.js';
import { problemOf, reached } from './problem.js';
import { readSnapshot } from './snapshot.js';
import { readState } from './state.js';

/** A connection that lasted this long was a good one: its backoff starts over. */
const STEADY_MS = 10_000;

/**
 * Reads what arrived; nothing that could not be shown is ever offered to a reconciler.
 *
 * @param {Channel} channel
 * @param {string} body
 * @param {number} receivedAt
 * @returns {Arrival}
 * @throws {import('./snapshot.js').MalformedSnapshot}
 */
export function readArrival(channel, body, receivedAt) {
  const snapshot = readSnapshot(body);
  if (snapshot.doc === 'state') readState(snapshot);
  return { channel, body, snapshot, receivedAt, lagMs: receivedAt - snapshot.ts };
}

/**
 * Repeats a connection until the signal aborts, or until the way it ended says not to come back.
 *
 * @param {() => Promise<never>} connect one connection; always ends by throwing
 * @param {AbortSignal} signal
 * @param {OnStatus} onStatus
 * @param {Runtime} runtime
 */
export async function reconnecting(connect, signal, onStatus, runtime) {
  const backoff = new Backoff(runtime.random);
  onStatus({ state: 'connecting', words: 'Connecting' });
  while (!signal.aborted) {
    const startedAt = runtime.now();
    const problem = await connect().catch(problemOf);
    if (signal.aborted) break;
    if (!problem.retryable) {
      onStatus({ state: 'down', words: problem.message, code: problem.code, stopped: true });
      return;
    }
    if (runtime.now() - startedAt >= STEADY_MS) backoff.reset();
    onStatus({ state: 'down', words: problem.message, code: problem.code });
    await runtime.sleep(backoff.nextMs(problem.retry_after_ms), signal);
  }
  onStatus({ state: 'idle', words: 'Off' });
}

/**
 * Builds the headers of a request.
 *
 * @param {string | null} token
 * @param {Record<string, string>} [others]
 */
export function headersWith(token, others = {}) {
  return token === null ? others : { ...others, Authorization: `Bearer ${token}` };
}

/**
 * Runs one connection under a signal of its own that aborts when the peer is silent too long.
 *
 * @template T
 * @param {AbortSignal} signal
 * @param {number} silenceMs
 * @param {(signal: AbortSignal, heard: () => void) => Promise<T>} connection
 * @returns {Promise<T>}
 */
export async function whileHeard(signal, silenceMs, connection) {
  const silence = new AbortController();
  const expire = () => silence.abort(new DOMException('silent', 'TimeoutError'));
  let timer = setTimeout(expire, silenceMs);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(expire, silenceMs);
  };
  try {
    return await connection(AbortSignal.any([signal, silence.signal]), heard);
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/**
 * Gives the bytes of an answer's body as they come.
 *
 * @param {Response} response
 * @returns {AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>}
 */
export async function* chunksOf(response) {
  if (response.body === null) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reached(reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}
