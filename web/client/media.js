/**
 * Where the video of a room is (PROTOCOL.md 3, `/media`).
 *
 * @import {Runtime} from './runtime.js'
 */

import { Problem, reached, readProblem } from './problem.js';
import { isRecord, readFields } from './values.js';

/** A stream may be configured while the page is open: look again, rarely. */
const LOOK_AGAIN_MS = 30_000;

/**
 * Asks for the HTTP-FLV stream of a room.
 *
 * @param {string} mediaUrl
 * @param {AbortSignal} signal
 * @param {Runtime} runtime
 * @returns {Promise<string>} its address, absolute
 * @throws {Problem} `NO_STREAM` where there is none
 */
export async function findFlvUrl(mediaUrl, signal, runtime) {
  const response = await reached(runtime.fetch(mediaUrl, { signal }));
  if (response.status === 404) throw noStream();
  if (response.status !== 200) throw await readProblem(response);
  const { streams } = readFields(await reached(response.text()));
  for (const stream of Array.isArray(streams) ? streams : []) {
    if (isRecord(stream) && stream.format === 'flv' && typeof stream.url === 'string') {
      return new URL(stream.url, mediaUrl).href;
    }
  }
  throw noStream();
}

function noStream() {
  const message = 'This room has no stream';
  return new Problem({
    code: 'NO_STREAM',
    message,
    retryable: true,
    retry_after_ms: LOOK_AGAIN_MS,
  });
}
