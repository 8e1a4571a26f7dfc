import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadFlv, FlvParser } from '../../../web/client/flv.js';
import { messagesOf, unescape } from '../../../web/client/nal.js';
import { SeiReader } from '../../../web/client/sei.js';
import { VideoTrack } from '../../../web/client/video.js';
import { crc32 } from '../../../web/client/crc32.js';

const FILE_HEADER = [0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0];
const UUID = [...Buffer.from('5e617453796e4331a9d47c3b8f12e6d0', 'hex')];
const AVC_HEADER = [0x17, 0, 0, 0, 0, 1, 0x42, 0, 0x1e, 0xff];
const HEVC_CONFIGURATION = [...new Uint8Array(21), 0xff, 0];

const ascii = (text) => [...Buffer.from(text)];
const be = (value, bytes) =>
  Array.from({ length: bytes }, (_, at) => (value / 256 ** (bytes - 1 - at)) & 255);

function tag(data, { type = 9, timestampMs = 0, sizeBehind = data.length + 11 } = {}) {
  const time = [...be(timestampMs & 0xffffff, 3), (timestampMs >>> 24) & 255];
  return [type, ...be(data.length, 3), ...time, 0, 0, 0, ...data, ...be(sizeBehind, 4)];
}

function seiUnit(body, header = [6]) {
  const size = 16 + body.length;
  const coded = [...new Array(Math.floor(size / 255)).fill(255), size % 255];
  return [...header, 5, ...coded, ...UUID, ...ascii(body), 0x80];
}

function message(text, version = 7) {
  const head = `SS1 f abcdefghijkl 5 ${version} 1000 1/1 ${text.length}`;
  const crc = crc32(Uint8Array.from(ascii(head + text)))
    .toString(16)
    .padStart(8, '0');
  return `${head} ${crc}\n${text}`;
}

const sized = (units, bytes = 4) => units.flatMap((unit) => [...be(unit.length, bytes), ...unit]);
const avcPicture = (...units) => tag([0x27, 1, 0, 0, 0, ...sized(units)]);
const bytesOf = (...parts) => Uint8Array.from(parts.flat());
const textsOf = (bodies) => bodies.map((body) => Buffer.from(body).toString());

test('tags come out whole, however the bytes are cut', () => {
  const long = new Array(70_000).fill(7);
  const stream = bytesOf(
    FILE_HEADER,
    tag([1, 2], { type: 8 }),
    tag(long, { timestampMs: 0x12345678 }),
    tag([]),
  );
  for (const size of [1, 2, 3, 13, 1000, stream.length]) {
    const parser = new FlvParser();
    const tags = [];
    for (let at = 0; at < stream.length; at += size)
      tags.push(...parser.push(stream.subarray(at, at + size)));
    assert.deepEqual(
      tags.map(({ type, data }) => [type, data.length]),
      [
        [8, 2],
        [9, 70_000],
        [9, 0],
      ],
    );
    assert.equal(tags[1].timestampMs, 0x12345678);
  }
});

test('a header may say that the body starts later', () => {
  const header = [0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 11, 0xaa, 0xbb, 0, 0, 0, 0];
  assert.equal(new FlvParser().push(bytesOf(header, tag([1]))).length, 1);
});

test('what is no FLV is refused at its first byte', () => {
  assert.throws(() => new FlvParser().push(bytesOf(ascii('<'))), BadFlv);
  assert.throws(() => new FlvParser().push(bytesOf([0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 3])), BadFlv);
});

test('a tag that does not end where it says is refused, a size of 0 behind it is not', () => {
  const parser = new FlvParser();
  assert.equal(parser.push(bytesOf(FILE_HEADER, tag([1], { sizeBehind: 0 }))).length, 1);
  assert.throws(() => parser.push(bytesOf(tag([1], { sizeBehind: 99 }))), BadFlv);
});

test('a tag larger than any picture is refused before its bytes are collected', () => {
  assert.throws(
    () => new FlvParser().push(bytesOf(FILE_HEADER, [9, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0])),
    BadFlv,
  );
});

test('arbitrary bytes give tags or BadFlv, never another error', () => {
  let seed = 99;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
  for (let round = 0; round < 500; round += 1) {
    const stream = bytesOf(
      FILE_HEADER,
      tag(AVC_HEADER),
      avcPicture(seiUnit(message('{}')), [0x65, 1]),
    );
    for (let hits = 0; hits < 4; hits += 1)
      stream[Math.floor(random() * stream.length)] = Math.floor(random() * 256);
    const track = new VideoTrack();
    try {
      for (const { data } of new FlvParser().push(stream)) {
        const picture = track.push(data);
        for (const unit of picture?.units ?? []) messagesOf(unit, picture.codec);
      }
    } catch (error) {
      assert.ok(error instanceof BadFlv, String(error));
    }
  }
});

test('the configuration says how many bytes a length has', () => {
  for (const bytes of [1, 2, 4]) {
    const track = new VideoTrack();
    const configuration = [...AVC_HEADER];
    configuration[9] = 0xfc | (bytes - 1);
    assert.equal(track.push(bytesOf(configuration)), null);
    const picture = track.push(
      bytesOf(
        [0x17, 1, 0, 0, 0],
        sized(
          [
            [6, 1],
            [0x65, 2, 3],
          ],
          bytes,
        ),
      ),
    );
    assert.deepEqual(
      picture.units.map((unit) => [...unit]),
      [
        [6, 1],
        [0x65, 2, 3],
      ],
    );
  }
});

test('pictures before the configuration, commands and other codecs are no pictures', () => {
  const track = new VideoTrack();
  const picture = [0x27, 1, 0, 0, 0, 0, 0, 0, 1, 0x65];
  assert.equal(track.push(bytesOf(picture)), null);
  track.push(bytesOf(AVC_HEADER));
  assert.notEqual(track.push(bytesOf(picture)), null);
  assert.equal(track.push(bytesOf([0x57, 0])), null);
  assert.equal(track.push(bytesOf([0x22, 1, 0, 0, 0, 0, 0, 0, 1, 0x65])), null);
  assert.equal(track.push(bytesOf([])), null);
});

test('a unit whose length reaches over the end ends the walk', () => {
  const track = new VideoTrack();
  track.push(bytesOf(AVC_HEADER));
  const { units } = track.push(bytesOf([0x27, 1, 0, 0, 0], sized([[0x65, 1]]), [0, 0, 9, 0, 1]));
  assert.equal(units.length, 1);
});

for (const [form, configure, picture] of [
  ['legacy HEVC', [0x1c, 0, 0, 0, 0], [0x2c, 1, 0, 0, 0]],
  ['enhanced HEVC', [0x90, ...ascii('hvc1')], [0xa1, ...ascii('hvc1'), 0, 0, 0]],
  ['enhanced HEVC without time', [0x90, ...ascii('hvc1')], [0xa3, ...ascii('hvc1')]],
]) {
  test(`${form}: prefix and suffix SEI are read`, () => {
    const track = new VideoTrack();
    track.push(bytesOf(configure, HEVC_CONFIGURATION));
    const units = [seiUnit('one', [0x4e, 1]), [0x26, 1, 9], seiUnit('two', [0x50, 1])];
    const found = track.push(bytesOf(picture, sized(units)));
    assert.equal(found.codec, 'hevc');
    assert.deepEqual(textsOf(found.units.flatMap((unit) => messagesOf(unit, 'hevc'))), [
      'one',
      'two',
    ]);
  });
}

test('emulation prevention bytes are taken out, and only those', () => {
  assert.deepEqual([...unescape(bytesOf([0, 0, 3, 1, 0, 0, 3, 0, 0, 3]))], [0, 0, 1, 0, 0, 0, 0]);
  assert.deepEqual([...unescape(bytesOf([0, 3, 0, 0, 1, 3]))], [0, 3, 0, 0, 1, 3]);
  assert.deepEqual([...unescape(bytesOf([0, 0, 0, 3]))], [0, 0, 0]);
});

test('only unregistered user data with our UUID is ours', () => {
  const foreign = [6, 5, 18, ...UUID.map((byte) => byte ^ 1), 65, 66, 0x80];
  const otherType = [6, 4, 18, ...UUID, 65, 66, 0x80];
  assert.deepEqual(messagesOf(bytesOf(foreign), 'h264'), []);
  assert.deepEqual(messagesOf(bytesOf(otherType), 'h264'), []);
  assert.deepEqual(messagesOf(bytesOf([0x65, ...seiUnit('x').slice(1)]), 'h264'), []);
});

test('every message of a unit is found, behind foreign ones too, and sizes over 255', () => {
  const long = 'y'.repeat(600);
  const first = seiUnit('first').slice(1, -1);
  const unit = [6, 1, 2, 0xaa, 0xbb, ...first, ...seiUnit(long).slice(1)];
  assert.deepEqual(textsOf(messagesOf(bytesOf(unit), 'h264')), ['first', long]);
});

test('a message that reaches over the end of its unit is none', () => {
  assert.deepEqual(messagesOf(bytesOf(seiUnit('cut').slice(0, -3)), 'h264'), []);
});

test('state comes out of a stream in its order, whatever is damaged between', async () => {
  const reader = new SeiReader();
  const stream = bytesOf(
    FILE_HEADER,
    tag([1], { type: 18 }),
    tag(AVC_HEADER),
    avcPicture(seiUnit(message('{"a":1}', 1)), [0x65, 1]),
    avcPicture(seiUnit(message('{"a":2}', 2).replace('2}', '3}')), [0x65, 1]),
    avcPicture(seiUnit('SS1 broken\n'), [0x65, 1]),
    avcPicture(seiUnit(message('{"a":3}', 3)), [0x65, 1]),
  );
  const found = [];
  for (let at = 0; at < stream.length; at += 50)
    found.push(...(await reader.push(stream.subarray(at, at + 50))));
  assert.deepEqual(
    found.map(({ version, text }) => [version, text]),
    [
      [1, '{"a":1}'],
      [3, '{"a":3}'],
    ],
  );
  assert.equal(reader.damaged, 2);
});
