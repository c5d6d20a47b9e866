import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { waitFor } from './wait-for.ts';

describe('waitFor', () => {
  it('returns the first truthy value', async () => {
    let calls = 0;
    const value = await waitFor(() => (calls++ < 2 ? undefined : `call ${calls}`), { what: 'the third call' });
    assert.equal(value, 'call 3');
  });

  it('takes a condition that throws for one that is not met yet', async () => {
    let calls = 0;
    const condition = async () => {
      if (calls++ === 0) throw new Error('not yet');
      return true;
    };
    assert.equal(await waitFor(condition, { what: 'no throw' }), true);
  });

  const never: Record<string, { condition: () => unknown; last: RegExp }> = {
    'what it last returned': { condition: () => 0, last: /waited 30 ms for the impossible; last: 0$/ },
    'what it last threw': { condition: () => Promise.reject(new Error('no luck')), last: /last: no luck$/ },
    'that it hangs': { condition: () => new Promise(() => {}), last: /last: nothing: the condition never answered$/ },
  };
  for (const [what, { condition, last }] of Object.entries(never)) {
    it(`fails at the deadline and says ${what}`, async () => {
      await assert.rejects(waitFor(condition, { deadlineMs: 30, what: 'the impossible' }), last);
    });
  }
});
