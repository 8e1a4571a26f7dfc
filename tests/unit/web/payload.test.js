import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Assembler } from '../../../web/client/assembler.js';
import { crc32 } from '../../../web/client/crc32.js';
import { readBase64url } from '../../../web/client/inflate.js';
import { BadPayload, readMessage } from '../../../web/client/payload.js';

const cases = JSON.parse(
  readFileSync(new URL('../../vectors/sei_payload.json', import.meta.url), 'utf8'),
);

async function judge(assembler, body) {
  try {
    const message = readMessage(body);
    if (message === null) return { outcome: 'ignored' };
    if (!message.crcHolds) return { outcome: 'crc_failed' };
    const snapshot = await assembler.offer(message);
    return snapshot === null ? { outcome: 'piece' } : { outcome: 'snapshot', snapshot };
  } catch (error) {
    if (error instanceof BadPayload) return { outcome: 'malformed' };
    throw error;
  }
}

for (const { name, rule, steps, snapshots } of cases) {
  test(`${name}: ${rule}`, async () => {
    const assembler = new Assembler();
    const found = [];
    for (const [place, step] of steps.entries()) {
      const body = Uint8Array.from(Buffer.from(step.body_base64, 'base64'));
      const { outcome, snapshot } = await judge(assembler, body);
      assert.equal(outcome, step.outcome, `step ${place + 1}`);
      if (snapshot) {
        const { roomTag, ...fields } = snapshot;
        found.push({ room_tag: roomTag, ...fields });
      }
    }
    assert.deepEqual(found, snapshots);
  });
}

test('crc32 has the check value of the standard, and goes on from a crc before', () => {
  const bytes = new TextEncoder().encode('123456789');
  assert.equal(crc32(bytes), 0xcbf43926);
  assert.equal(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4))), 0xcbf43926);
  assert.equal(crc32(new Uint8Array()), 0);
});

test('base64url is unpadded and of its own alphabet', () => {
  assert.deepEqual([...readBase64url('-_8')], [0xfb, 0xff]);
  for (const text of ['+/8', 'AA==', 'A', 'A A']) {
    assert.throws(() => readBase64url(text), BadPayload);
  }
});

test('arbitrary bytes are ignored or malformed, never another error', async () => {
  let seed = 12345;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
  const whole = Uint8Array.from(Buffer.from(cases[0].steps[0].body_base64, 'base64'));
  for (let round = 0; round < 2000; round += 1) {
    const body = whole.slice(0, Math.ceil(random() * whole.length));
    for (let hits = 0; hits < 3; hits += 1) {
      body[Math.floor(random() * body.length)] = Math.floor(random() * 256);
    }
    const { outcome } = await judge(new Assembler(), body);
    assert.ok(['ignored', 'malformed', 'crc_failed', 'snapshot'].includes(outcome));
  }
});
