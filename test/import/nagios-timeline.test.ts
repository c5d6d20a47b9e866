import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { NodeCheckPolicy } from '../../agent/core/policy.ts';
import { readCfg } from '../../agent/import/nagios/read-cfg.ts';
import { translateNagios } from '../../agent/import/nagios/translate.ts';
import { conditionTimeline, fixture, policiesOf, type Status } from './condition-timeline.ts';
import { type Ending, outcomeSeries } from './outcome-series.ts';

type State = 'OK' | 'WARNING' | 'CRITICAL' | 'UNKNOWN';
/** NRPE by check_nrpe: that gives up before NRPE does, and calls it CRITICAL. */
type Runner = 'Nagios' | 'NRPE' | 'NRPE by check_nrpe';

/** What they document of a plugin's end. */
function stateOf(ending: Ending, runner: Runner): State {
  const state = (['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const)[ending as 0 | 1 | 2 | 3];
  if (state !== undefined) return state;
  if (ending === 'TimedOut') return runner === 'NRPE' ? 'UNKNOWN' : 'CRITICAL';
  return runner === 'Nagios' ? 'CRITICAL' : 'UNKNOWN';
}

/**
 * The hard states that Nagios documents: any state but OK is soft until it was found max_check_attempts times in a row, of
 * whatever kinds; from then on each is hard at once, and so is OK always.
 */
function hardStates(states: readonly State[], maxCheckAttempts: number): State[] {
  let attempts = 0;
  let hard: State = 'OK';
  return states.map((state) => {
    attempts = state === 'OK' ? 0 : attempts + 1;
    if (state === 'OK' || attempts >= maxCheckAttempts) hard = state;
    return hard;
  });
}

/** The condition for hard states: nothing is known before the first OK, or the first hard problem. */
function conditionFor(states: readonly State[], hard: readonly State[]): Status[] {
  const timeline: Status[] = ['Unknown'];
  for (const [index, state] of hard.entries()) {
    const isKnown = state !== 'OK' || states.slice(0, index + 1).includes('OK');
    timeline.push(!isKnown ? 'Unknown' : state === 'OK' ? 'True' : 'False');
  }
  return timeline;
}

/** The endings that are news for a policy; the others are those of which it says in a comment that they count as Unknown. */
function isNews(ending: Ending, runner: Runner): boolean {
  if (ending === 'TimedOut') return runner !== 'NRPE';
  if (runner !== 'Nagios') return ending === 0 || ending === 2;
  return typeof ending === 'number' && ![1, 3, 126, 127].includes(ending);
}

const FILES = ['nagios/objects.cfg', 'nagios/resource.cfg', 'nagios/nrpe.cfg', 'nagios/nrpe.d/storage.cfg'];
const POLICIES = policiesOf(translateNagios(FILES.map((name) => readCfg(fixture(name)))));
/** By policy: who runs it today, and max_check_attempts, 3 where it is a suggestion. */
const EXPECTED: Readonly<Record<string, readonly [Runner, number]>> = {
  'root-partition': ['Nagios', 3],
  'stuck-mounts': ['Nagios', 1],
  'load-by-nrpe': ['NRPE by check_nrpe', 4],
  'check-zombie-procs': ['NRPE', 3],
  'check-raid': ['NRPE', 3],
  'check-storage': ['NRPE', 3],
};

const SERIES = outcomeSeries();

test('each check of the fixtures that can run on a node has its policy', () => {
  assert.deepEqual(
    POLICIES.map(({ metadata }) => metadata.name),
    Object.keys(EXPECTED),
  );
});

for (const policy of POLICIES) {
  suite(policy.metadata.name, () => {
    const [runner, maxCheckAttempts] = EXPECTED[policy.metadata.name] ?? assert.fail();
    const timelinesOf = (series: readonly Ending[], check: NodeCheckPolicy = policy) => {
      const states = series.map((ending) => stateOf(ending, runner));
      const hard = hardStates(states, maxCheckAttempts);
      return { found: conditionTimeline(check, series), hard, expected: conditionFor(states, hard) };
    };

    test(`has the hard states of ${runner} where each run is OK or CRITICAL`, () => {
      for (const series of SERIES.map((each) => each.filter((ending) => isNews(ending, runner)))) {
        const { found, expected } = timelinesOf(series);
        assert.deepEqual(found, expected, JSON.stringify(series));
      }
    });

    test('has the same with warnings and unknown runs between them, which change nothing', () => {
      for (const series of SERIES) {
        const { expected } = timelinesOf(series.filter((ending) => isNews(ending, runner)));
        let seen = 0;
        const kept = [0, ...series.map((ending) => (isNews(ending, runner) ? ++seen : seen))].map((at) => expected[at]);
        assert.deepEqual(conditionTimeline(policy, series), kept, JSON.stringify(series));
      }
    });

    test('is never False while the hard state is OK', () => {
      for (const series of SERIES) {
        const { found, hard } = timelinesOf(series);
        for (const [index, state] of hard.entries()) {
          if (state === 'OK') assert.notEqual(found[index + 1], 'False', `${JSON.stringify(series)} at ${index}`);
        }
      }
    });
  });
}
