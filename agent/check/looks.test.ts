import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { inTime, until } from './fixtures/support.ts';
import { Looks, MAX_LOOKS } from './looks.ts';

/** Longer than any test, in milliseconds. */
const NEVER_MS = 1_000_000;

/** A file system whose answers come one by one, when the test says so. */
function slowFileSystem(hangsAfterMs?: number) {
  const asked: { program: string; answer(problem?: string): void }[] = [];
  const looks = new Looks(
    (program) => new Promise((resolve) => asked.push({ program, answer: (problem) => resolve(problem) })),
    hangsAfterMs,
  );
  return { asked, look: (program: string) => looks.look(program, '/bin') };
}

describe('looks', () => {
  test('say what was found', async () => {
    const looks = new Looks(async (program) => (program === '/bad' ? '/bad: is empty' : undefined));
    assert.deepEqual(await looks.look('/bad', ''), { problem: '/bad: is empty' });
    assert.deepEqual(await looks.look('/good', ''), { problem: undefined });
  });

  test('are taken a few at a time, each in its turn, as long as they end', async () => {
    let atOnce = 0;
    let most = 0;
    const looks = new Looks(async () => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await setTimeout(20);
      atOnce -= 1;
      return undefined;
    }, NEVER_MS);
    const all = await Promise.all(Array.from({ length: 40 }, () => looks.look('/check', '')));
    assert.equal(all.includes('NotTaken'), false);
    assert.equal(most, MAX_LOOKS);
  });

  test('are not waited for when all under way hang', async () => {
    const { asked, look } = slowFileSystem();
    const hanging = [look('/dead/1'), look('/dead/2')];
    const waiting = look('/well');
    assert.equal(await inTime('the end of the wait', waiting), 'NotTaken');
    const again = look('/well');
    assert.equal(await inTime('the end of no wait', again), 'NotTaken');
    assert.deepEqual(
      asked.map(({ program }) => program),
      ['/dead/1', '/dead/2'],
    );

    for (const { answer } of asked) answer();
    await inTime('the file system', Promise.all(hanging));
    const taken = look('/well');
    await until('it is looked at', () => asked.length === 3);
    asked[2]?.answer('/well: is empty');
    assert.deepEqual(await inTime('the look', taken), { problem: '/well: is empty' });
  });

  test('are waited for no longer than that, though those before them end one by one', async () => {
    const { asked, look } = slowFileSystem(NEVER_MS / 10_000);
    const all = Array.from({ length: 4 }, (_, i) => look(`/slow-${i}`));
    assert.deepEqual(await inTime('the end of the wait', Promise.all(all.slice(2))), ['NotTaken', 'NotTaken']);
    for (const { answer } of asked) answer();
    await inTime('the file system', Promise.all(all));
    assert.equal(asked.length, MAX_LOOKS);
  });

  test('go on by one way when the other hangs', async () => {
    const { asked, look } = slowFileSystem(NEVER_MS);
    look('/dead').catch(assert.fail);
    const all = Array.from({ length: 5 }, (_, i) => look(`/well-${i}`));
    for (let i = 1; i <= 5; i += 1) (await until('its turn', () => asked[i])).answer();
    assert.deepEqual(
      (await inTime('all', Promise.all(all))).map((each) => each !== 'NotTaken'),
      Array(5).fill(true),
    );
  });

  test('that fail make room for others', async () => {
    const looks = new Looks(async () => Promise.reject(new Error('a defect')));
    for (let i = 0; i <= MAX_LOOKS; i += 1) await assert.rejects(looks.look('/check', ''), /a defect/);
  });
});
