import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseDuration } from './duration.ts';

suite('a duration', () => {
  const durations: [text: string, ms: number][] = [
    ['5m', 300_000],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['1.5s', 1_500],
  ];
  for (const [text, ms] of durations) {
    test(`${text} is ${ms} ms`, () => assert.equal(parseDuration('--timeout', text), ms));
  }

  for (const text of ['', '0', '30', '0s', '-5m', '5 m', '5x', 'm', '1m!', '1e3s', '600h', 'Infinity']) {
    test(`${JSON.stringify(text)} is refused, with what is required and found`, () => {
      const message = `--timeout must be a duration with its unit, as 90s, 5m or 1h30m, at most 24 days, found ${JSON.stringify(text)}`;
      assert.throws(() => parseDuration('--timeout', text), { message });
    });
  }
});
