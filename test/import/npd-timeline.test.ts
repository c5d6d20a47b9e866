import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { translateNpd } from '../../agent/import/npd/translate.ts';
import { conditionTimeline, fixture, policiesOf, type Status } from './condition-timeline.ts';
import { type Ending, outcomeSeries } from './outcome-series.ts';

/**
 * What node-problem-detector documents of a permanent rule: its condition is False to begin with; after each run it is False
 * for exit code 0, True for 1, and Unknown for everything else, a timeout among it. Nothing is counted.
 */
function sourceTimeline(series: readonly Ending[]): Status[] {
  return ['False', ...series.map((ending): Status => (ending === 0 ? 'False' : ending === 1 ? 'True' : 'Unknown'))];
}

/**
 * The same with the sense turned, and without what it only believes: False before anything has run is not known, and a run
 * that says nothing is no news.
 */
function turned([, ...statuses]: readonly Status[]): Status[] {
  const timeline: Status[] = ['Unknown'];
  for (const status of statuses) {
    const before = timeline.at(-1) ?? 'Unknown';
    timeline.push(status === 'Unknown' ? before : status === 'True' ? 'False' : 'True');
  }
  return timeline;
}

const FILES = ['npd/ntp.json', 'npd/network.json', 'npd/gpu.yaml', 'npd/values.yaml'];
const POLICIES = policiesOf(translateNpd(FILES.map(fixture)));

suite('an imported condition says over time what node-problem-detector said, with its sense turned', () => {
  for (const policy of POLICIES) {
    test(policy.metadata.name, () => {
      const all = outcomeSeries();
      assert.equal(all.length, 50);
      for (const series of all) {
        assert.deepEqual(conditionTimeline(policy, series), turned(sourceTimeline(series)), JSON.stringify(series));
      }
    });
  }
});

test('each monitor of the fixtures has its policies, with the conditions that are its own', () => {
  assert.deepEqual(
    POLICIES.map(({ metadata, spec }) => [metadata.name, spec.nodeCondition]),
    [
      ['clock-problem', 'ClockProblem'],
      ['network-problem-gateway-unreachable', 'NetworkProblemGatewayUnreachable'],
      ['network-problem-dns-unreachable', 'NetworkProblemDNSUnreachable'],
      ['network-unavailable', undefined],
      ['conntrack-full', undefined],
      ['gpu-xid-error', 'GpuXidError'],
      ['readonly-filesystem', 'ReadonlyFilesystem'],
      ['kubelet-unhealthy', 'KubeletUnhealthy'],
    ],
  );
});
