import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Commands, newCommandId } from '../../../web/client/commands.js';
import { SeiSource } from '../../../web/client/sei.js';
import { EventStreamSource } from '../../../web/client/sse.js';
import { fakeRuntime, problemAnswer, runSource, snapshotText } from './fakes.js';

const eventAnswer = (text) => () =>
  new Response(text, { headers: { 'Content-Type': 'text/event-stream' } });

async function follow(answers, token = null) {
  const runtime = fakeRuntime({ answers });
  const source = new EventStreamSource({ url: 'http://host/events', token, runtime });
  return { runtime, ...(await runSource(source, runtime, { sleeps: answers.length })) };
}

test('sse: snapshots arrive, and the next connection says what it has', async () => {
  const event = `event: snapshot\nid: state:5.1\ndata: ${snapshotText()}\n\n`;
  const { runtime, arrivals } = await follow([eventAnswer(event), eventAnswer('')], 'a.b.c');
  assert.equal(arrivals[0].channel, 'sse');
  assert.equal(arrivals[0].body, snapshotText());
  assert.equal(runtime.requests[0].headers['Last-Event-ID'], undefined);
  assert.equal(runtime.requests[1].headers['Last-Event-ID'], 'state:5.1');
  assert.equal(runtime.requests[1].headers.Authorization, 'Bearer a.b.c');
});

test('sse: the delay is the one the server asked for', async () => {
  assert.equal((await follow([eventAnswer('retry: 777\n\n')])).runtime.slept[0], 777);
});

test('sse: bye says whether to come back', async () => {
  const bye = (code) =>
    eventAnswer(
      `event: bye\ndata: {"type":"bye","code":${code},"reason":"r","retry_after_ms":55}\n\n`,
    );
  assert.equal((await follow([bye(4000), eventAnswer('')])).runtime.slept[0], 55);
  const { runtime, statuses } = await follow([bye(4500)]);
  assert.deepEqual(runtime.slept, []);
  assert.equal(statuses.at(-1).stopped, true);
});

test('sse: a refusal that will not pass ends it', async () => {
  const refused = () =>
    problemAnswer(401, { code: 'UNAUTHENTICATED', detail: 'expired', retryable: false });
  const { statuses } = await follow([refused]);
  assert.deepEqual(statuses.at(-1), {
    state: 'down',
    words: 'expired',
    code: 'UNAUTHENTICATED',
    stopped: true,
  });
});

test('sei: a room without a stream is idle, and is looked at again', async () => {
  const runtime = fakeRuntime({
    answers: [() => problemAnswer(404, { code: 'DOC_NOT_FOUND', retryable: false })],
  });
  const source = new SeiSource({ room: 'demo', mediaUrl: 'http://host/media', runtime });
  const { statuses } = await runSource(source, runtime, { sleeps: 1 });
  assert.equal(statuses[1].state, 'idle');
  assert.equal(statuses[1].words, 'This room has no stream');
  assert.deepEqual(runtime.slept, [30_000]);
});

test('sei: what is no FLV is left, and tried again', async () => {
  const media = () =>
    Response.json({
      streams: [
        { format: 'hls', url: '/x' },
        { format: 'flv', url: '/live.flv' },
      ],
    });
  const runtime = fakeRuntime({ answers: [media, () => new Response('<html>')] });
  const source = new SeiSource({ room: 'demo', mediaUrl: 'http://host/media', runtime });
  const { statuses } = await runSource(source, runtime, { sleeps: 1 });
  assert.equal(runtime.requests[1].url, 'http://host/live.flv');
  assert.equal(statuses.at(-2).words, 'the stream is not FLV');
});

const ack = { type: 'ack', cmd_id: 'id-1', changed: true, epoch: 5, version: 2, result: {} };

test('commands: an ack is given as it came', async () => {
  const runtime = fakeRuntime({ answers: [() => Response.json(ack)] });
  const commands = new Commands({ url: 'http://host/commands', token: 'a.b.c', runtime });
  assert.deepEqual(await commands.send('seat.take', { seat_index: 3 }, 'id-1'), ack);
  const [{ method, headers, body }] = runtime.requests;
  assert.equal(method, 'POST');
  assert.equal(headers.Authorization, 'Bearer a.b.c');
  assert.deepEqual(JSON.parse(body), { cmd: 'seat.take', cmd_id: 'id-1', args: { seat_index: 3 } });
});

test('commands: a refusal has its code and is not sent again', async () => {
  const occupied = () =>
    problemAnswer(409, { code: 'SEAT_OCCUPIED', detail: 'taken', retryable: false });
  const runtime = fakeRuntime({ answers: [occupied] });
  const sending = new Commands({ url: 'http://host/commands', runtime }).send('seat.take');
  await assert.rejects(sending, {
    code: 'SEAT_OCCUPIED',
    message: 'taken',
    retryable: false,
    status: 409,
  });
  assert.equal(runtime.requests.length, 1);
});

test('commands: a retryable refusal is sent again with the same cmd_id', async () => {
  const busy = () =>
    problemAnswer(429, { code: 'RATE_LIMITED', retryable: true, retry_after_ms: 40 });
  const lost = () => Promise.reject(new TypeError('fetch failed'));
  const runtime = fakeRuntime({ answers: [busy, lost, () => Response.json(ack)] });
  await new Commands({ url: 'http://host/commands', runtime }).send('seat.leave');
  const ids = runtime.requests.map(({ body }) => JSON.parse(body).cmd_id);
  assert.equal(new Set(ids).size, 1);
  assert.deepEqual(runtime.slept, [40, 300]);
});

test('commands: an answer that is no ack is asked for again', async () => {
  const runtime = fakeRuntime({ answers: [() => Response.json({}), () => Response.json(ack)] });
  const commands = new Commands({ url: 'http://host/commands', runtime });
  assert.deepEqual(await commands.send('seat.leave', {}, 'id-1'), ack);
});

test('commands: four attempts are the most', async () => {
  const busy = () =>
    problemAnswer(503, { code: 'UNAVAILABLE', retryable: true, retry_after_ms: 1 });
  const runtime = fakeRuntime({ answers: new Array(9).fill(busy) });
  const sending = new Commands({ url: 'http://host/commands', runtime }).send('seat.leave');
  await assert.rejects(sending, { code: 'UNAVAILABLE', retry_after_ms: 1 });
  assert.equal(runtime.requests.length, 4);
});

test('commands: nobody is kept waiting for a long pause', async () => {
  const busy = () =>
    problemAnswer(503, { code: 'UNAVAILABLE', retryable: true, retry_after_ms: 60_000 });
  const runtime = fakeRuntime({ answers: [busy] });
  const sending = new Commands({ url: 'http://host/commands', runtime }).send('seat.leave');
  await assert.rejects(sending, { code: 'UNAVAILABLE' });
  assert.deepEqual(runtime.slept, []);
});

test('commands: an id is a UUID of version 4, also where randomUUID is missing', () => {
  const version4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const insecure = { getRandomValues: (bytes) => bytes.fill(0xff) };
  assert.match(newCommandId(), version4);
  assert.equal(newCommandId(insecure), 'ffffffff-ffff-4fff-bfff-ffffffffffff');
  assert.notEqual(newCommandId(), newCommandId());
});

test('sei: a stream that does not run yet is tried again, without alarm', async () => {
  const media = () => Response.json({ streams: [{ format: 'flv', url: 'http://relay/live.flv' }] });
  const runtime = fakeRuntime({
    answers: [
      media,
      () => new Response('', { status: 404 }),
      media,
      () => new Response('', { status: 403 }),
    ],
  });
  const source = new SeiSource({ room: 'demo', mediaUrl: 'http://host/media', runtime });
  const { statuses } = await runSource(source, runtime, { sleeps: 2 });
  assert.deepEqual(
    statuses.slice(1, 3).map(({ state, words }) => [state, words]),
    [
      ['idle', 'The stream is not running'],
      ['down', 'The stream answered 403'],
    ],
  );
});
