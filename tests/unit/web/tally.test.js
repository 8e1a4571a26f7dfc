import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MalformedSnapshot, readSnapshot } from '../../../web/client/snapshot.js';
import { readState, seatOf } from '../../../web/client/state.js';
import { hueOf } from '../../../web/page/avatar.js';
import { Tally } from '../../../web/page/tally.js';
import { snapshotText } from './fakes.js';

const arrival = (channel, version, lagMs = 10, epoch = 5) => ({
  channel,
  lagMs,
  snapshot: { epoch, version },
});
const live = { state: 'live', words: '' };

test('a channel behind the newest version of any channel is amber', () => {
  const tally = new Tally();
  for (const channel of ['ws', 'poll']) tally.channels[channel].set(live);
  tally.add(arrival('ws', 1), 'applied');
  tally.add(arrival('poll', 1), 'duplicate');
  tally.add(arrival('ws', 2), 'applied');
  assert.equal(tally.channels.ws.lamp(tally.newest), 'live');
  assert.equal(tally.channels.poll.lamp(tally.newest), 'behind');
});

test('a channel that is down is red, one that has brought nothing grey', () => {
  const { channels } = new Tally();
  assert.equal(channels.ws.lamp(null), 'idle');
  channels.ws.set({ state: 'down', words: '' });
  assert.equal(channels.ws.lamp(null), 'down');
  channels.sse.set(live);
  assert.equal(channels.sse.lamp({ epoch: 5, version: 1 }), 'idle');
});

test('a forged epoch does not make the others late', () => {
  const tally = new Tally();
  tally.add(arrival('ws', 1), 'applied');
  tally.add(arrival('sei', 1, 10, 2 ** 53 - 1), 'untrusted');
  assert.deepEqual(tally.newest, { epoch: 5, version: 1 });
  assert.equal(tally.channels.sei.counts.untrusted, 1);
});

test('lag is of changes: catching up after a connection says nothing of speed', () => {
  const { channels } = new Tally();
  const { ws } = channels;
  ws.add(arrival('ws', 1, 60_000), 'applied');
  assert.equal(ws.lagMs, null);
  ws.add(arrival('ws', 2, 12), 'applied');
  assert.equal(ws.lagMs, 12);
  ws.add(arrival('ws', 2, 500), 'duplicate');
  assert.equal(ws.lagMs, 12);
  ws.set({ state: 'down', words: '' });
  ws.add(arrival('ws', 3, 90_000), 'applied');
  assert.equal(ws.lagMs, 12);
});

test('the anonymous view may leave fields out', () => {
  const seats = [
    { index: 0, status: 'occupied', locked: false, audio_locked: false, user: { nickname: 'A*' } },
  ];
  const state = readState(readSnapshot(snapshotText({ session: { kind: 'voice' }, seats })));
  assert.deepEqual(state.seats[0].occupant, {
    nickname: 'A*',
    userId: undefined,
    role: undefined,
    micOn: false,
    muted: false,
    link: 'ok',
  });
  assert.equal(seatOf(state, 'alice'), undefined);
});

test('a room without a session is a state like any other', () => {
  assert.equal(readState(readSnapshot(snapshotText())).isLive, false);
});

for (const [name, fields] of [
  ['no session field', { session: undefined }],
  ['seats that are no list', { seats: {} }],
  ['a seat that is not at its index', { seats: [{ index: 1, status: 'empty' }] }],
]) {
  test(`a state with ${name} is malformed`, () => {
    assert.throws(() => readState(readSnapshot(snapshotText(fields))), MalformedSnapshot);
  });
}

for (const [name, fields] of [
  ['a later schema', { schema: 2 }],
  ['an unknown view', { view: 'admin' }],
  ['a version over 2^53-1', { version: 2 ** 53 }],
  ['a negative epoch', { epoch: -1 }],
  ['a fraction for a version', { version: 1.5 }],
  ['another type', { type: 'ack' }],
  ['no document', { doc: '' }],
]) {
  test(`a snapshot with ${name} is malformed`, () => {
    assert.throws(() => readSnapshot(snapshotText(fields)), MalformedSnapshot);
  });
}

test('text that is no JSON object is malformed', () => {
  for (const text of ['', '{', 'null', '[]', '7'])
    assert.throws(() => readSnapshot(text), MalformedSnapshot);
});

test('a person has the same colour each time', () => {
  assert.equal(hueOf('alice'), hueOf('alice'));
  assert.ok(new Set(['a', 'b', 'c', 'd', 'e', 'f'].map(hueOf)).size > 2);
});
