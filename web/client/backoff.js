/** How long to wait before the next attempt: exponential, with full jitter. */
export class Backoff {
  #random;
  #baseMs;
  #capMs;
  #failures = 0;

  /**
   * @param {() => number} random uniform in [0, 1)
   * @param {{baseMs?: number, capMs?: number}} [limits]
   */
  constructor(random, { baseMs = 500, capMs = 20_000 } = {}) {
    this.#random = random;
    this.#baseMs = baseMs;
    this.#capMs = capMs;
  }

  /**
   * Gives the next delay, `random(0, min(cap, base * 2^n))`.
   *
   * @param {number} [hintMs] what the server asked for; it stands as it is, jittered there
   * @returns {number} ms
   */
  nextMs(hintMs) {
    const ceilingMs = Math.min(this.#capMs, this.#baseMs * 2 ** this.#failures);
    this.#failures += 1;
    return hintMs ?? Math.floor(this.#random() * ceilingMs);
  }

  /** Starts over: the last attempt went well. */
  reset() {
    this.#failures = 0;
  }
}

/**
 * Spreads an interval by ±20 %, so that readers that came together do not poll together.
 *
 * @param {number} intervalMs
 * @param {() => number} random uniform in [0, 1)
 * @returns {number} ms
 */
export function spreadMs(intervalMs, random) {
  return Math.round(intervalMs * (0.8 + 0.4 * random()));
}
