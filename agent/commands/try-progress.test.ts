import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samplePolicy } from '../core/samples.ts';
import { createTryProgress } from './try-progress.ts';

test('what runs is said after two seconds without a word, and once', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let said = '';
  const progress = createTryProgress((text) => {
    said += text;
  });
  const pass = (ms: number) => {
    t.mock.timers.tick(ms);
    const news = said;
    said = '';
    return news;
  };
  const begin = (check: number, run: number) => progress.runs(samplePolicy('a'), { check, checks: 2, run, runs: 3 });

  begin(1, 1);
  assert.equal(pass(1_999), '');
  assert.equal(pass(1), 'running a, check 1 of 2, run 1 of 3: a run may take 5 s\n');
  assert.equal(pass(10_000), '');
  begin(1, 2);
  begin(1, 3);
  assert.equal(pass(2_000), 'running a, check 1 of 2, run 3 of 3: a run may take 5 s\n');
  begin(2, 1);
  pass(1_000);
  progress.told();
  assert.equal(pass(1_999), '');
  assert.match(pass(1), /check 2 of 2/);
  begin(2, 2);
  progress.stop();
  assert.equal(pass(10_000), '');
});
