import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff, spreadMs } from '../../../web/client/backoff.js';

test('the ceiling doubles with each failure and stops at the cap', () => {
  const backoff = new Backoff(() => 0.999999, { baseMs: 100, capMs: 1000 });
  assert.deepEqual(
    Array.from({ length: 6 }, () => backoff.nextMs()),
    [99, 199, 399, 799, 999, 999],
  );
});

test('full jitter reaches down to nothing', () => {
  const backoff = new Backoff(() => 0);
  assert.equal(backoff.nextMs(), 0);
});

test('the hint of the server stands as it is, and the failure counts', () => {
  const backoff = new Backoff(() => 0.999999, { baseMs: 100, capMs: 1000 });
  assert.equal(backoff.nextMs(7000), 7000);
  assert.equal(backoff.nextMs(0), 0);
  assert.equal(backoff.nextMs(), 399);
});

test('after a reset it starts over', () => {
  const backoff = new Backoff(() => 0.999999, { baseMs: 100, capMs: 1000 });
  backoff.nextMs();
  backoff.nextMs();
  backoff.reset();
  assert.equal(backoff.nextMs(), 99);
});

test('many failures do not overflow', () => {
  const backoff = new Backoff(() => 0.5, { baseMs: 100, capMs: 1000 });
  for (let failure = 0; failure < 2000; failure += 1) backoff.nextMs();
  assert.equal(backoff.nextMs(), 500);
});

test('an interval is spread by 20 % to both sides', () => {
  assert.equal(
    spreadMs(3000, () => 0),
    2400,
  );
  assert.equal(
    spreadMs(3000, () => 0.5),
    3000,
  );
  assert.equal(
    spreadMs(3000, () => 0.999999),
    3600,
  );
});
