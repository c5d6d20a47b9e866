import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';

describe('the virtual clock', () => {
  /** The order in which timers set as 0, 1, 2 … for one moment fire. */
  async function orderOf(options: VirtualClockOptions, count = 8): Promise<number[]> {
    const clock = new VirtualClock(options);
    const order: number[] = [];
    for (let n = 0; n < count; n += 1) clock.after(5, () => order.push(n));
    await clock.run(5);
    return order;
  }

  it('timers fire by their time, and those of one moment in the order they were set', async () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    for (const ms of [30, 10, 20, 10.5, 0, -1, 10]) clock.after(ms, () => fired.push(`${ms} at ${clock.nowMs()}`));
    await clock.run(20);
    assert.deepEqual(fired, ['0 at 0', '-1 at 0', '10 at 10', '10 at 10', '10.5 at 10.5', '20 at 20']);
    assert.equal(clock.pending, 1);
    assert.deepEqual(await orderOf({}), [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('shuffled timers of one moment fire in an order that the seed decides, and draw no number of others', async () => {
    const [first, again, other] = [1, 1, 2].map((seed) => orderOf({ seed, shuffle: true }));
    assert.deepEqual(await first, await again);
    assert.notDeepEqual(await first, await other);
    assert.deepEqual((await first)?.toSorted(), [0, 1, 2, 3, 4, 5, 6, 7]);
    const [plain, shuffled] = [false, true].map((shuffle) => new VirtualClock({ seed: 7, shuffle }));
    shuffled?.after(1, () => {});
    assert.equal(shuffled?.random(), plain?.random());
  });

  it('many timers, many of them cancelled, fire in order', async () => {
    const clock = new VirtualClock({ seed: 3 });
    const fired: number[] = [];
    let cancelled = 0;
    for (let n = 0; n < 2_000; n += 1) {
      const cancel = clock.after(Math.floor(clock.random() * 500), () => fired.push(clock.nowMs()));
      if (clock.random() < 0.5) {
        cancel();
        cancelled += 1;
      }
    }
    await clock.run(500);
    assert.equal(fired.length, 2_000 - cancelled);
    assert.deepEqual(
      fired,
      fired.toSorted((a, b) => a - b),
    );
  });

  it('time goes on only when no promise can settle any more', async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    clock.after(1, async () => {
      for (let n = 0; n < 1_000; n += 1) await null;
      await Promise.all([1, 2, 3].map(async () => null));
      seen.push(clock.nowMs());
    });
    clock.after(2, () => seen.push(clock.nowMs()));
    await clock.run(2);
    assert.deepEqual(seen, [1, 2]);
  });

  it('a sleep ends after its time, at once on the signal, and leaves nothing behind', async () => {
    const clock = new VirtualClock();
    const stopping = new AbortController();
    const woken: string[] = [];
    const sleep = (name: string, ms: number, signal?: AbortSignal) =>
      clock.sleep(ms, signal).then(() => woken.push(`${name} at ${clock.nowMs()}`));
    void sleep('short', 10, stopping.signal);
    void sleep('long', 1_000, stopping.signal);
    void sleep('aborted', 5, AbortSignal.abort());
    clock.after(20, () => stopping.abort());
    await clock.run(30);
    assert.deepEqual(woken, ['aborted at 0', 'short at 10', 'long at 20']);
    assert.equal(clock.pending, 0);
  });

  it('the wall clock begins at its epoch, and the time of a run is the present afterwards', async () => {
    const clock = new VirtualClock({ epochMs: Date.UTC(2030, 5, 1) });
    await clock.run(90_000);
    assert.equal(new Date(clock.wallMs()).toISOString(), '2030-06-01T00:01:30.000Z');
    assert.equal(clock.nowMs(), 90_000);
  });

  it('a condition is awaited to the moment it holds', async () => {
    const clock = new VirtualClock();
    let done = false;
    const work = async () => {
      await clock.sleep(70);
      await clock.sleep(30);
      done = true;
    };
    void work();
    await clock.runUntil(() => done, { what: 'the work' });
    assert.equal(clock.nowMs(), 100);
  });

  it('a condition that does not hold in time, or never can, is an error that says so', async () => {
    const clock = new VirtualClock();
    const never = clock.runUntil(() => false, { what: 'rain', withinMs: 50 });
    await assert.rejects(never, /^Error: waited 50 virtual ms for rain; nothing is left that could bring it about$/);
    clock.after(60, () => {});
    await assert.rejects(
      clock.runUntil(() => false, { what: 'rain', withinMs: 50 }),
      /^Error: waited 50 .* rain$/,
    );
  });

  it('what goes on without pause, and what a callback throws, ends the run', async () => {
    const clock = new VirtualClock({ maxTimersAtOnce: 100 });
    const again = () => void clock.after(0, again);
    clock.after(5, again);
    await assert.rejects(clock.run(10), /100 timers fired at 5 ms: something goes on without pause/);
    const broken = new VirtualClock();
    broken.after(1, () => {
      throw new Error('broken');
    });
    await assert.rejects(broken.run(10), /^Error: broken$/);
  });

  it('the same seed draws the same numbers, evenly', () => {
    const draw = (seed: number) => {
      const { random } = new VirtualClock({ seed });
      return Array.from({ length: 10_000 }, random);
    };
    const [a, b, c] = [draw(1), draw(1), draw(2)];
    assert.deepEqual(a, b);
    assert.notDeepEqual(a, c);
    assert.ok(a.every((number) => number >= 0 && number < 1));
    const mean = a.reduce((sum, number) => sum + number, 0) / a.length;
    assert.ok(Math.abs(mean - 0.5) < 0.02, `the mean is ${mean}`);
  });
});
