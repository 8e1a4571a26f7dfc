/**
 * The push channel over server-sent events (PROTOCOL.md 7), read with `fetch`: an `EventSource`
 * sends no `Authorization`.
 *
 * @import {OnArrival, OnStatus, Source, SourceOptions} from './source.js'
 */

import { EventStreamParser } from './eventstream.js';
import { Problem, reached, readProblem } from './problem.js';
import { browserRuntime } from './runtime.js';
import { chunksOf, headersWith, readArrival, reconnecting, whileHeard } from './source.js';
import { readFields } from './values.js';
import { problemOfBye } from './ws.js';

/** The server sends a comment every 15 s; three missed ones are a dead connection. */
const SILENCE_MS = 45_000;

/** @implements {Source} */
export class EventStreamSource {
  /** @type {'sse'} */
  channel = 'sse';
  #url;
  #token;
  #runtime;
  #lastEventId = '';

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
  run(signal, onArrival, onStatus) {
    /** @returns {Promise<never>} */
    const connect = () =>
      whileHeard(signal, SILENCE_MS, (ownSignal, heard) =>
        this.#follow(ownSignal, heard, onArrival, onStatus),
      );
    return reconnecting(connect, signal, onStatus, this.#runtime);
  }

  /**
   * @param {AbortSignal} signal
   * @param {() => void} heard
   * @param {OnArrival} onArrival
   * @param {OnStatus} onStatus
   * @returns {Promise<never>}
   */
  async #follow(signal, heard, onArrival, onStatus) {
    const response = await this.#open(signal);
    const parser = new EventStreamParser(this.#lastEventId);
    onStatus({ state: 'live', words: 'Connected' });
    for await (const bytes of chunksOf(response)) {
      heard();
      for (const { type, text } of parser.push(bytes)) {
        if (type === 'snapshot') onArrival(readArrival('sse', text, this.#runtime.now()));
        else if (type === 'bye') throw problemOfBye(readFields(text));
      }
      this.#lastEventId = parser.lastEventId;
    }
    throw new Problem({
      code: 'ENDED',
      message: 'The stream ended',
      retryable: true,
      retry_after_ms: parser.retryMs,
    });
  }

  /** @param {AbortSignal} signal */
  async #open(signal) {
    /** @type {Record<string, string>} */
    const headers = { Accept: 'text/event-stream' };
    if (this.#lastEventId !== '') headers['Last-Event-ID'] = this.#lastEventId;
    const response = await reached(
      this.#runtime.fetch(this.#url, {
        headers: headersWith(this.#token, headers),
        cache: 'no-store',
        signal,
      }),
    );
    if (response.status !== 200) throw await readProblem(response);
    return response;
  }
}
