/**
 * What the client takes from its surroundings, so that tests can give it theirs.
 *
 * @typedef {object} Runtime
 * @property {(url: string, init?: RequestInit) => Promise<Response>} fetch
 * @property {(url: string, protocols: string[]) => WebSocket} openWebSocket
 * @property {() => number} now wall clock, ms
 * @property {() => number} random uniform in [0, 1)
 * @property {(delayMs: number, signal?: AbortSignal) => Promise<void>} sleep ends early, without
 *   an error, when the signal aborts
 */

/** @type {Runtime} */
export const browserRuntime = {
  fetch: (url, init) => globalThis.fetch(url, init),
  openWebSocket: (url, protocols) => new WebSocket(url, protocols),
  now: () => Date.now(),
  random: () => Math.random(),
  sleep,
};

/**
 * @param {number} delayMs
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function sleep(delayMs, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal?.addEventListener('abort', done);
  });
}
