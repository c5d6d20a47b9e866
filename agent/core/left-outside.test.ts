import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { clockedAgent } from '../../test/harness/step-samples.ts';
import { sampleNode, samplePolicy } from './samples.ts';

/** What is told when this was found, by policy. */
function findings() {
  const agent = clockedAgent([samplePolicy('a'), samplePolicy('b')]);
  agent.see(sampleNode());
  return (found: Readonly<Record<string, number>>, example = 'sleep 60') => {
    const left = new Map(Object.entries(found).map(([policy, processes]) => [policy, { processes, example }]));
    const told = agent.send({ kind: 'LeftOutsideSeen', left });
    return told.flatMap((each) => (each.kind === 'ProcessesLeftBehind' ? [each] : []));
  };
}

suite('processes that checks leave behind', () => {
  test('are told once for each policy while there are any, however many there are', () => {
    const find = findings();
    assert.deepEqual(find({ a: 1 }), [
      { kind: 'ProcessesLeftBehind', policy: 'a', left: { processes: 1, example: 'sleep 60' } },
    ]);
    assert.deepEqual(find({ a: 5 }), []);
    assert.deepEqual(
      find({ a: 5, b: 2 }).map(({ policy }) => policy),
      ['b'],
    );
  });

  test('are told again after there were none', () => {
    const find = findings();
    find({ a: 1 });
    assert.deepEqual(find({}), []);
    assert.equal(find({ a: 1 }).length, 1);
  });

  test('of a policy that does not apply here are not told', () => {
    assert.deepEqual(findings()({ other: 1 }), []);
  });

  test('are told with one visible line, whatever they call themselves', () => {
    const [told] = findings()({ a: 1 }, 'sle\u001b[31mep\u0007 60\nforged');
    assert.equal(told?.left.example, 'sleep  60');
  });
});
