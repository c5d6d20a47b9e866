import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { inTime, until } from './fixtures/support.ts';
import { Looks, MAX_LOOKS } from './looks.ts';

/** Longer than any test, in milliseconds. */
const NEVER_MS = 1_000_000;
/** From which on a look hangs in a test that waits for that, in milliseconds. */
const HANGS_MS = 100;

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

  test('that end, but slowly, are not waited for without end', async () => {
    const looks = new Looks(() => setTimeout(HANGS_MS / 2, undefined), HANGS_MS);
    const all = Array.from({ length: 60 }, () => looks.look('/slow', '/bin'));
    const taken = (await inTime('all of them', Promise.all(all))).filter((look) => look !== 'NotTaken');
    assert.ok(taken.length > MAX_LOOKS && taken.length < 60, `${taken.length}`);
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
