const POLYNOMIAL = 0xedb88320;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  }
  return remainder;
});

/**
 * Computes the CRC-32 of IEEE 802.3, as in gzip (RFC 1952 8).
 *
 * @param {Uint8Array} bytes
 * @param {number} [before] the CRC of what stands before them
 * @returns {number} 32 bits, unsigned
 */
export function crc32(bytes, before = 0) {
  let remainder = ~before;
  for (const byte of bytes) {
    remainder = (TABLE[(remainder ^ byte) & 0xff] ?? 0) ^ (remainder >>> 8);
  }
  return ~remainder >>> 0;
}
