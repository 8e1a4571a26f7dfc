/**
 * SEI NAL units: find our messages (ITU-T H.264 7.3.2.3.1, D.1.7; H.265 7.3.5, D.2.7).
 *
 * | | H.264 | HEVC |
 * | --- | --- | --- |
 * | header | 1 byte, type in the low 5 bits | 2 bytes, type in bits 1..6 of the first |
 * | SEI | 6 | 39 prefix, 40 suffix |
 *
 * @import {Codec} from './video.js'
 */

/** 5e617453-796e-4331-a9d4-7c3b8f12e6d0 */
const UUID = Uint8Array.of(
  0x5e,
  0x61,
  0x74,
  0x53,
  0x79,
  0x6e,
  0x43,
  0x31,
  0xa9,
  0xd4,
  0x7c,
  0x3b,
  0x8f,
  0x12,
  0xe6,
  0xd0,
);
const USER_DATA_UNREGISTERED = 5;
const TRAILING = 0x80;

/**
 * Gives the bodies, without UUID, of our messages in a NAL unit; none where it is no SEI.
 *
 * @param {Uint8Array} unit with its header
 * @param {Codec} codec
 * @returns {Uint8Array[]}
 */
export function messagesOf(unit, codec) {
  if (!isSei(unit, codec)) return [];
  const payload = unescape(unit.subarray(codec === 'h264' ? 1 : 2));
  const bodies = [];
  for (const { kind, body } of seiMessages(payload)) {
    const ours = kind === USER_DATA_UNREGISTERED && UUID.every((byte, at) => body[at] === byte);
    if (ours) bodies.push(body.subarray(UUID.length));
  }
  return bodies;
}

/**
 * Takes emulation prevention bytes out: the 03 of each 00 00 03 (H.264 7.4.1).
 *
 * @param {Uint8Array} payload
 * @returns {Uint8Array}
 */
export function unescape(payload) {
  const plain = new Uint8Array(payload.length);
  let size = 0;
  let zeros = 0;
  for (const byte of payload) {
    const isPrevention = zeros >= 2 && byte === 3;
    zeros = byte === 0 ? zeros + 1 : 0;
    if (!isPrevention) plain[size++] = byte;
  }
  return plain.subarray(0, size);
}

/**
 * @param {Uint8Array} unit
 * @param {Codec} codec
 */
function isSei([first = 0], codec) {
  if (codec === 'h264') return (first & 31) === 6;
  const kind = (first >> 1) & 63;
  return kind === 39 || kind === 40;
}

/**
 * Gives the messages of an SEI payload; ends at its trailing bits or where it is broken.
 *
 * @param {Uint8Array} payload
 * @returns {Generator<{kind: number, body: Uint8Array}, void, void>}
 */
function* seiMessages(payload) {
  const end = endOf(payload);
  let at = 0;
  while (at < end) {
    const kind = readCoded(payload, at, end);
    const size = readCoded(payload, kind.next, end);
    // A last message may reach over what look like trailing bits.
    if (size.next + size.value > payload.length) return;
    yield { kind: kind.value, body: payload.subarray(size.next, size.next + size.value) };
    at = size.next + size.value;
  }
}

/**
 * Gives where the trailing bits of a payload begin.
 *
 * @param {Uint8Array} payload
 */
function endOf(payload) {
  let end = payload.length;
  while (end > 0 && payload[end - 1] === 0) end -= 1;
  return payload[end - 1] === TRAILING ? end - 1 : end;
}

/**
 * Reads an FF-coded number; past the end it is larger than anything that could follow.
 *
 * @param {Uint8Array} payload
 * @param {number} at
 * @param {number} end
 */
function readCoded(payload, at, end) {
  let value = 0;
  for (let next = at; next < end; next += 1) {
    const byte = payload[next] ?? 0;
    value += byte;
    if (byte !== 0xff) return { value, next: next + 1 };
  }
  return { value: payload.length + 1, next: end };
}
