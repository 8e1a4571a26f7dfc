import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocketSource } from '../../../web/client/ws.js';
import { fakeRuntime, runSource, snapshotText } from './fakes.js';

class FakeSocket {
  readyState = 1;
  sent = [];
  closed = [];
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close(code) {
    this.closed.push(code);
  }
}

/** Runs a source over sockets that each play a script; ends after the scripts. */
async function play(scripts, { token = null } = {}) {
  const runtime = fakeRuntime();
  const sockets = [];
  const opened = [];
  runtime.openWebSocket = (url, protocols) => {
    const socket = new FakeSocket();
    const script = scripts[sockets.length];
    sockets.push(socket);
    opened.push({ url, protocols });
    queueMicrotask(() => {
      for (const step of script) {
        if (typeof step === 'function') step(runtime);
        else if (step.close) socket.onclose?.({ code: step.close, reason: step.reason ?? '' });
        else socket.onmessage?.({ data: typeof step === 'string' ? step : JSON.stringify(step) });
      }
    });
    return socket;
  };
  const source = new WebSocketSource({
    url: 'https://host/v1/rooms/demo/push?docs=state',
    token,
    runtime,
  });
  const said = await runSource(source, runtime, { sleeps: scripts.length });
  return { runtime, sockets, opened, ...said };
}

const welcome = { type: 'welcome', conn_id: 'c', schema: 1, ping_ms: 25_000, server_ts: 1 };

test('the token travels as a second subprotocol, never in the address', async () => {
  const { opened } = await play([[{ close: 1006 }]], { token: 'a.b.c' });
  assert.deepEqual(opened[0].protocols, ['seatsync.v1', 'bearer.a.b.c']);
  assert.equal(opened[0].url, 'wss://host/v1/rooms/demo/push?docs=state');
});

test('without a token only the own subprotocol is offered', async () => {
  const { opened } = await play([[{ close: 1006 }]]);
  assert.deepEqual(opened[0].protocols, ['seatsync.v1']);
});

test('snapshots arrive as they came; it is live with the first', async () => {
  const text = snapshotText();
  const { arrivals, statuses } = await play([
    [welcome, text, snapshotText({ version: 2 }), { close: 1006 }],
  ]);
  assert.deepEqual(
    arrivals.map(({ snapshot }) => snapshot.version),
    [1, 2],
  );
  assert.equal(arrivals[0].body, text);
  assert.equal(arrivals[0].channel, 'ws');
  assert.deepEqual(
    statuses.map(({ state }) => state),
    ['connecting', 'live', 'down', 'idle'],
  );
});

test('unknown messages, unknown fields and malformed JSON are ignored', async () => {
  const script = [
    { ...welcome, extra: 1 },
    { type: 'later' },
    '{',
    '[]',
    snapshotText(),
    { close: 1006 },
  ];
  assert.equal((await play([script])).arrivals.length, 1);
});

test('bye from 4000 to 4499: back after retry_after_ms', async () => {
  const bye = { type: 'bye', code: 4000, reason: 'drain', retry_after_ms: 4321 };
  const { runtime, sockets } = await play([[bye, { close: 4000 }], [{ close: 1006 }]]);
  assert.equal(runtime.slept[0], 4321);
  assert.equal(sockets.length, 2);
});

test('bye from 4500 to 4999: not back, and the reason is said', async () => {
  const bye = { type: 'bye', code: 4501, reason: 'not for you' };
  const { runtime, statuses } = await play([[bye, { close: 4501 }], []]);
  assert.deepEqual(runtime.slept, []);
  assert.deepEqual(statuses.at(-1), {
    state: 'down',
    words: 'not for you',
    code: 'CLOSED_4501',
    stopped: true,
  });
});

test('a close code alone decides as a bye does', async () => {
  const { statuses } = await play([[{ close: 4500 }], []]);
  assert.equal(statuses.at(-1).stopped, true);
  const { sockets } = await play([[{ close: 4002 }], [{ close: 1006 }]]);
  assert.equal(sockets.length, 2);
});

test('failures in a row wait longer and longer', async () => {
  const { runtime } = await play([[{ close: 1006 }], [{ close: 1006 }], [{ close: 1006 }]]);
  assert.deepEqual(runtime.slept, [250, 500, 1000]);
});

test('a connection that lasted starts the backoff over', async () => {
  const lasted = [(runtime) => runtime.advance(60_000), { close: 1006 }];
  const { runtime } = await play([[{ close: 1006 }], lasted, [{ close: 1006 }]]);
  assert.deepEqual(runtime.slept, [250, 250, 500]);
});

test('an error message is shown and the connection stays', async () => {
  const error = {
    type: 'error',
    code: 'FORBIDDEN',
    message: 'not this document',
    retryable: false,
  };
  const { statuses, arrivals } = await play([[error, snapshotText(), { close: 1006 }]]);
  assert.deepEqual(statuses[1], { state: 'down', words: 'not this document', code: 'FORBIDDEN' });
  assert.equal(statuses[2].state, 'live');
  assert.equal(arrivals.length, 1);
});

test('a malformed snapshot ends the connection', async () => {
  const { sockets, statuses } = await play([['{"type":"snapshot"}']]);
  assert.equal(statuses[1].code, 'MALFORMED');
  assert.deepEqual(sockets[0].closed, [1000]);
});

test('a server that is silent for two ping intervals is left', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const beats = (runtime) => {
    for (let beat = 0; beat < 4; beat += 1) {
      runtime.advance(25_000);
      context.mock.timers.tick(25_000);
    }
  };
  const { sockets, statuses } = await play([[welcome, beats]]);
  assert.deepEqual(
    sockets[0].sent.map(({ type, id }) => [type, id]),
    [
      ['ping', 1],
      ['ping', 2],
    ],
  );
  assert.equal(statuses.at(-2).code, 'UNREACHABLE');
});

test('a socket that is left while it opens is closed once it is open', async () => {
  const runtime = fakeRuntime();
  const socket = new FakeSocket();
  socket.readyState = 0;
  runtime.openWebSocket = () => socket;
  const leaving = new AbortController();
  const source = new WebSocketSource({ url: 'https://host/push', runtime });
  const run = source.run(leaving.signal, () => {}, () => {});
  await Promise.resolve();
  leaving.abort();
  await run.catch(() => {});
  assert.deepEqual(socket.closed, []);
  socket.onopen();
  assert.deepEqual(socket.closed, [1000]);
});
