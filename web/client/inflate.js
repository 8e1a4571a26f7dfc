import { BadPayload } from './payload.js';

/** A bomb of 4 KB would inflate to megabytes; no snapshot is larger than this. */
const MAX_SNAPSHOT_BYTES = 256 * 1024;

/**
 * Undoes the `z` flag: unpadded base64url, then raw deflate (RFC 1951).
 *
 * @param {Uint8Array} text
 * @returns {Promise<Uint8Array>}
 * @throws {BadPayload} not base64url, not deflate, cut short, or too large
 */
export async function inflate(text) {
  const packed = readBase64url(String.fromCharCode(...text.subarray(0, 64_000)));
  const inflater = new DecompressionStream('deflate-raw');
  const writing = feed(inflater.writable, packed);
  const [body] = await Promise.all([collect(inflater.readable), writing]);
  return body;
}

/**
 * Reads unpadded base64url (RFC 4648 5).
 *
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {BadPayload}
 */
export function readBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) {
    throw new BadPayload('the data is not base64url');
  }
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/**
 * @param {WritableStream<BufferSource>} writable
 * @param {Uint8Array<ArrayBuffer>} packed
 */
async function feed(writable, packed) {
  const writer = writable.getWriter();
  try {
    await writer.write(packed);
    await writer.close();
  } catch {
    throw new BadPayload('the data is not deflate');
  }
}

/** @param {ReadableStream<Uint8Array<ArrayBuffer>>} readable */
async function collect(readable) {
  const reader = readable.getReader();
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await readOnce(reader);
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    parts.push(value);
    size += value.length;
    if (size > MAX_SNAPSHOT_BYTES) {
      await reader.cancel();
      throw new BadPayload('the inflated data is too large');
    }
  }
}

/** @param {ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>} reader */
async function readOnce(reader) {
  try {
    return await reader.read();
  } catch {
    throw new BadPayload('the data is not deflate, or cut short');
  }
}
