import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Reconciler } from '../../../web/client/reconcile.js';

const cases = JSON.parse(
  readFileSync(new URL('../../vectors/reconcile.json', import.meta.url), 'utf8'),
);

for (const { name, rule, steps } of cases) {
  test(`${name}: ${rule}`, () => {
    const reconciler = new Reconciler();
    for (const [place, { verdict, channel, signed, ...offer }] of steps.entries()) {
      assert.equal(reconciler.offer(offer, channel, { signed }), verdict, `step ${place + 1}`);
    }
  });
}

test('held is what was shown last', () => {
  const reconciler = new Reconciler();
  assert.equal(reconciler.held(), undefined);
  reconciler.offer({ doc: 'state', epoch: 5, version: 2, view: 'anonymous' }, 'sei');
  reconciler.offer({ doc: 'state', epoch: 5, version: 1, view: 'member' }, 'ws');
  assert.deepEqual(reconciler.held(), { epoch: 5, version: 2, view: 'anonymous' });
});
