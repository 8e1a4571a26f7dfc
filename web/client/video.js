/**
 * Video tags of FLV: which codec, and the NAL units of each picture.
 *
 * | first byte | form |
 * | --- | --- |
 * | `0ttt cccc` | legacy: frame type, codec; then packet type, 3 bytes of composition time |
 * | `1ttt pppp` | enhanced: frame type, packet type; then FourCC; then the time, in type 1 only |
 *
 * Legacy codec 7 is H.264, and 12 HEVC (widely used, in no specification); enhanced is that of
 * Enhanced RTMP, version 1.
 *
 * Packet type 0 is the decoder configuration (ISO/IEC 14496-15: avcC, hvcC), whose bits say how
 * many bytes a length has; 1 a picture; 3 (enhanced) a picture without composition time.
 *
 * @typedef {'h264' | 'hevc'} Codec
 *
 * @typedef {object} CodedPicture
 * @property {Codec} codec
 * @property {Uint8Array[]} units NAL units with their header
 */

const LEGACY_CODECS = new Map([
  [7, 'h264'],
  [12, 'hevc'],
]);
const FOURCC_CODECS = new Map([
  ['avc1', 'h264'],
  ['hvc1', 'hevc'],
]);
const LENGTH_SIZE_AT = { h264: 4, hevc: 21 };
const COMMAND_FRAME = 5;
const CONFIGURATION = 0;
const PICTURE = 1;
const PICTURE_WITHOUT_TIME = 3;

/** Follows one video stream; before its configuration, and in other codecs, there is no picture. */
export class VideoTrack {
  #lengthBytes = 0;

  /**
   * @param {Uint8Array} data of a video tag
   * @returns {CodedPicture | null}
   */
  push(data) {
    const packet = readPacket(data);
    if (packet === null) return null;
    const { codec, packetType, body } = packet;
    if (packetType === CONFIGURATION) {
      const byte = body[LENGTH_SIZE_AT[codec]];
      this.#lengthBytes = byte === undefined ? 0 : (byte & 3) + 1;
      return null;
    }
    if (this.#lengthBytes === 0) return null;
    return { codec, units: [...unitsOf(body, this.#lengthBytes)] };
  }
}

/**
 * Walks length-prefixed NAL units; ends where a length reaches over the end.
 *
 * @param {Uint8Array} body
 * @param {number} lengthBytes 1 to 4
 * @returns {Generator<Uint8Array, void, void>}
 */
export function* unitsOf(body, lengthBytes) {
  let at = 0;
  while (at + lengthBytes < body.length) {
    let size = 0;
    for (const byte of body.subarray(at, at + lengthBytes)) size = size * 256 + byte;
    const start = at + lengthBytes;
    if (start + size > body.length) return;
    if (size > 0) yield body.subarray(start, start + size);
    at = start + size;
  }
}

/**
 * @param {Uint8Array} data
 * @returns {{codec: Codec, packetType: number, body: Uint8Array} | null}
 */
function readPacket(data) {
  const [first = 0, second = 0] = data;
  if (((first >> 4) & 7) === COMMAND_FRAME) return null;
  const isEnhanced = (first & 0x80) !== 0;
  const packetType = isEnhanced ? first & 15 : second;
  const codec = isEnhanced
    ? FOURCC_CODECS.get(String.fromCharCode(...data.subarray(1, 5)))
    : LEGACY_CODECS.get(first & 15);
  if (codec === undefined || !isKnown(packetType, isEnhanced)) return null;
  const hasNoTime = isEnhanced && packetType !== PICTURE;
  return {
    codec: /** @type {Codec} */ (codec),
    packetType,
    body: data.subarray(hasNoTime || !isEnhanced ? 5 : 8),
  };
}

/**
 * @param {number} packetType
 * @param {boolean} isEnhanced
 */
function isKnown(packetType, isEnhanced) {
  if (packetType === CONFIGURATION || packetType === PICTURE) return true;
  return isEnhanced && packetType === PICTURE_WITHOUT_TIME;
}
