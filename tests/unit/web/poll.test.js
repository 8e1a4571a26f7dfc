import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PollSource } from '../../../web/client/poll.js';
import { fakeRuntime, problemAnswer, runSource, snapshotText } from './fakes.js';

const URL_ = 'http://127.0.0.1/v1/rooms/demo/state';
const ok =
  (fields, headers = {}) =>
  () =>
    new Response(snapshotText(fields), { headers: { ETag: '"5.1"', ...headers } });
const notModified =
  (headers = {}) =>
  () =>
    new Response(null, { status: 304, headers });

async function poll(answers, options = {}) {
  const runtime = fakeRuntime({ answers, ...options });
  const source = new PollSource({ url: URL_, token: options.token ?? null, runtime });
  const said = await runSource(source, runtime, { sleeps: options.sleeps ?? answers.length });
  return { runtime, ...said };
}

test('the tag of the last answer makes the next request conditional', async () => {
  const { runtime, arrivals } = await poll([ok(), notModified(), notModified()]);
  assert.equal(runtime.requests[0].headers['If-None-Match'], undefined);
  assert.equal(runtime.requests[1].headers['If-None-Match'], '"5.1"');
  assert.equal(runtime.requests[2].headers['If-None-Match'], '"5.1"');
  assert.equal(arrivals.length, 1);
});

test('the interval is the one the server sets, spread; else 3000 ms', async () => {
  const { runtime } = await poll([ok({}, { 'Seatsync-Poll-Ms': '10000' }), notModified()], {
    random: 0,
  });
  assert.deepEqual(runtime.slept, [8000, 2400]);
});

test('an absurd interval is kept within limits', async () => {
  const { runtime } = await poll([
    ok({}, { 'Seatsync-Poll-Ms': '0' }),
    notModified({ 'Seatsync-Poll-Ms': '999999999' }),
  ]);
  assert.deepEqual(runtime.slept, [250, 120_000]);
});

test('the token goes into the header, never into the address', async () => {
  const { runtime } = await poll([ok()], { token: 'a.b.c' });
  assert.equal(runtime.requests[0].headers.Authorization, 'Bearer a.b.c');
  assert.ok(!runtime.requests[0].url.includes('a.b.c'));
});

test('lag is from the commit to the arrival', async () => {
  const { arrivals } = await poll([ok({ ts: 999_500 })]);
  assert.equal(arrivals[0].lagMs, 500);
});

test('a retryable refusal is waited out as the server says', async () => {
  const busy = () =>
    problemAnswer(503, { code: 'UNAVAILABLE', retryable: true, retry_after_ms: 1234 });
  const { runtime, statuses } = await poll([busy, ok()]);
  assert.equal(runtime.slept[0], 1234);
  assert.deepEqual(
    statuses.map(({ state }) => state),
    ['connecting', 'down', 'live', 'idle'],
  );
});

test('Retry-After stands in for a missing hint', async () => {
  const busy = () => new Response('', { status: 503, headers: { 'Retry-After': '2' } });
  assert.equal((await poll([busy])).runtime.slept[0], 2000);
});

test('without a hint a failing poll is not faster than a good one may be', async () => {
  const lost = () => Promise.reject(new TypeError('fetch failed'));
  const { runtime } = await poll([lost, lost, lost], { random: 0 });
  assert.deepEqual(runtime.slept, [1500, 1500, 1500]);
});

test('a refusal that will not pass ends it, and says why', async () => {
  const gone = () =>
    problemAnswer(404, { code: 'ROOM_NOT_FOUND', detail: 'no such room', retryable: false });
  const { runtime, statuses } = await poll([gone]);
  assert.deepEqual(statuses.at(-1), {
    state: 'down',
    words: 'no such room',
    code: 'ROOM_NOT_FOUND',
    stopped: true,
  });
  assert.deepEqual(runtime.slept, []);
});

test('a malformed body is a failure, and its tag is not kept', async () => {
  const broken = () => new Response('{"type":"snapshot"}', { headers: { ETag: '"5.1"' } });
  const { runtime, arrivals, statuses } = await poll([broken, ok()]);
  assert.equal(runtime.requests[1].headers['If-None-Match'], undefined);
  assert.equal(statuses[1].code, 'MALFORMED');
  assert.equal(arrivals.length, 1);
});

test('an error of the listener is not mistaken for a failure of the network', async () => {
  const runtime = fakeRuntime({ answers: [ok()] });
  const source = new PollSource({ url: URL_, runtime });
  const broken = () => {
    throw new TypeError('a defect');
  };
  await assert.rejects(
    source.run(new AbortController().signal, broken, () => {}),
    /a defect/,
  );
});
