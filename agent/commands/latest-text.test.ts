import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createLatestText } from './latest-text.ts';

suite('of a text that changes all the time', () => {
  test('the first is written at once, and then the newest after each pause', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { latest, written } = create();
    for (const text of ['a', 'b', 'c']) latest.show(() => ({ state: text, text }));
    assert.deepEqual(written, ['a']);
    t.mock.timers.tick(1_000);
    assert.deepEqual(written, ['a', 'c']);
    latest.show(() => ({ state: 'd', text: 'd' }));
    t.mock.timers.tick(999);
    assert.deepEqual(written, ['a', 'c']);
    t.mock.timers.tick(1);
    assert.deepEqual(written, ['a', 'c', 'd']);
  });

  test('nothing is written for a state that is written already, whatever its text', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { latest, written } = create();
    latest.show(() => ({ state: 'same', text: '5 s ago' }));
    latest.show(() => ({ state: 'same', text: '6 s ago' }));
    t.mock.timers.tick(5_000);
    assert.deepEqual(written, ['5 s ago']);
  });

  test('it is looked at no more often than it may be written', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { latest } = create();
    let looks = 0;
    for (let n = 0; n < 100; n++) latest.show(() => ({ state: 'same', text: String(++looks) }));
    t.mock.timers.tick(1_000);
    assert.equal(looks, 2);
  });

  test('nothing is written after stop', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { latest, written } = create();
    for (const text of ['a', 'b']) latest.show(() => ({ state: text, text }));
    latest.stop();
    t.mock.timers.tick(5_000);
    assert.deepEqual(written, ['a']);
  });
});

function create() {
  const written: string[] = [];
  return { written, latest: createLatestText(1_000, (text) => written.push(text)) };
}
