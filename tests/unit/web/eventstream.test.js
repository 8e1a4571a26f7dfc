import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventStreamParser } from '../../../web/client/eventstream.js';
import { Malformed } from '../../../web/client/problem.js';

const bytesOf = (text) => new TextEncoder().encode(text);

/** Parses a text byte by byte and in one piece; both must agree. */
function parse(text) {
  const bytes = bytesOf(text);
  const whole = new EventStreamParser();
  const single = new EventStreamParser();
  const events = whole.push(bytes);
  const again = [...bytes].flatMap((_, at) => single.push(bytes.subarray(at, at + 1)));
  assert.deepEqual(again, events);
  assert.equal(single.lastEventId, whole.lastEventId);
  assert.equal(single.retryMs, whole.retryMs);
  return { events, parser: whole };
}

test('an event has a type, data and an id', () => {
  const { events } = parse('event: snapshot\nid: state:5.7\ndata: {"a":1}\n\n');
  assert.deepEqual(events, [{ type: 'snapshot', text: '{"a":1}', lastEventId: 'state:5.7' }]);
});

test('without a type it is a message, and the type does not stay', () => {
  const { events } = parse('event: snapshot\ndata: 1\n\ndata: 2\n\n');
  assert.deepEqual(
    events.map(({ type }) => type),
    ['snapshot', 'message'],
  );
});

test('data lines are joined by a line feed', () => {
  assert.equal(parse('data: a\ndata: b\ndata:\n\n').events[0].text, 'a\nb\n');
});

test('only one space behind the colon is left out', () => {
  const { events } = parse('data:a\n\ndata:  b\n\n');
  assert.deepEqual(
    events.map(({ text }) => text),
    ['a', ' b'],
  );
});

test('a field without a colon has an empty value, and empty data is an event', () => {
  assert.deepEqual(
    parse('data\n\n').events.map(({ text }) => text),
    [''],
  );
});

for (const [name, end] of [
  ['LF', '\n'],
  ['CR LF', '\r\n'],
  ['CR', '\r'],
]) {
  test(`${name} ends a line, in whatever cut it comes`, () => {
    const { events } = parse(['data: a', 'data: b', '', ': c', 'data: d', '', ''].join(end));
    assert.deepEqual(
      events.map(({ text }) => text),
      ['a\nb', 'd'],
    );
  });
}

test('a CR at the end of the bytes ends the line at once', () => {
  const parser = new EventStreamParser();
  assert.equal(parser.push(bytesOf('data: a\r\r')).length, 1);
  assert.equal(parser.push(bytesOf('\ndata: b\r\n\r')).length, 1);
});

test('comments and unknown fields do nothing', () => {
  assert.deepEqual(parse(': keep-alive\n\nfoo: bar\n\n').events, []);
});

test('an event without data is not dispatched, its id is kept', () => {
  const { events, parser } = parse('id: state:5.8\nevent: x\n\n');
  assert.deepEqual(events, []);
  assert.equal(parser.lastEventId, 'state:5.8');
});

test('an id with NUL is ignored, an empty one clears', () => {
  assert.equal(parse('id: a\n\nid: b\0c\n\n').parser.lastEventId, 'a');
  assert.equal(parse('id: a\n\nid\n\n').parser.lastEventId, '');
});

test('an id counts only when its event is complete', () => {
  assert.equal(parse('id: a\n\nid: b\ndata: x\n').parser.lastEventId, 'a');
});

test('retry takes digits only', () => {
  assert.equal(parse('retry: 1500\n\n').parser.retryMs, 1500);
  assert.equal(parse('retry: 1.5\nretry: -1\nretry: x\n\n').parser.retryMs, undefined);
});

test('a byte order mark is left out, characters may be cut', () => {
  assert.equal(parse('\ufeffdata: Zoë 林 🎤\n\n').events[0].text, 'Zoë 林 🎤');
});

test('an unfinished event at the end is dropped', () => {
  assert.deepEqual(parse('data: a').events, []);
});

test('an event that never ends is given up', () => {
  const parser = new EventStreamParser();
  const block = bytesOf('x'.repeat(300_000));
  assert.throws(() => {
    for (let round = 0; round < 5; round += 1) parser.push(block);
  }, Malformed);
});
