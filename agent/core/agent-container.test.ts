import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type AgentContainer, containerProblem } from './agent-container.ts';

const NOW_MS = Date.parse('2026-01-01T00:10:00Z');
const LOG = 'INFO: stopping\n⛔ ERROR: Policy disk: the check wrote to stderr: df\u001b[2J: not found\n';
const FAILED = { reason: 'Error', exitCode: 1, finishedAt: '2026-01-01T00:09:00Z', message: LOG };
const LAST = '⛔ ERROR: Policy disk: the check wrote to stderr: df: not found';
const BACK_OFF = { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container=agent' };

const LONG_AGO = '2025-01-01T00:00:00Z';
const NEW: AgentContainer = { nodeName: 'a', createdAt: LONG_AGO, waiting: null, ended: null };
const STARTING = { reason: 'ContainerCreating', message: '' };
const AGO_119_S = '2026-01-01T00:08:01Z';
const AGO_120_S = '2026-01-01T00:08:00Z';

suite("an agent's container", () => {
  const CASES: readonly [string, Partial<AgentContainer>, [string, string] | null][] = [
    ['that runs', {}, null],
    ['that has started for as long as that takes', { createdAt: AGO_119_S, waiting: STARTING }, null],
    [
      'that has started for longer than that takes, for want of a volume say,',
      { createdAt: AGO_120_S, waiting: STARTING },
      ['AgentNotRunning', `ContainerCreating since ${AGO_120_S}`],
    ],
    [
      'whose pod is initialized for longer than that takes',
      { createdAt: AGO_120_S, waiting: { reason: 'PodInitializing', message: 'why' } },
      ['AgentNotRunning', `PodInitializing since ${AGO_120_S}: why`],
    ],
    [
      'that starts anew, long after its pod was created',
      { createdAt: LONG_AGO, waiting: STARTING, ended: { ...FAILED, exitCode: 0, finishedAt: AGO_119_S } },
      null,
    ],
    [
      'that has started anew for longer than that takes',
      { createdAt: LONG_AGO, waiting: STARTING, ended: { ...FAILED, finishedAt: AGO_120_S } },
      ['AgentNotRunning', `ContainerCreating since ${AGO_120_S}: ${LAST}`],
    ],
    ['that starts, of a pod of which nobody knows since when', { createdAt: '', waiting: STARTING }, null],
    [
      'that ends again and again',
      { waiting: BACK_OFF, ended: FAILED },
      ['AgentNotRunning', `CrashLoopBackOff: ${LAST}`],
    ],
    [
      'that ends again and again without a word',
      { waiting: BACK_OFF, ended: { ...FAILED, message: '' } },
      ['AgentNotRunning', 'CrashLoopBackOff'],
    ],
    [
      'whose image is not there',
      { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "x"' } },
      ['AgentNotRunning', 'ImagePullBackOff: Back-off pulling image "x"'],
    ],
    [
      'that cannot be made',
      { waiting: { reason: 'CreateContainerConfigError', message: 'configmap "policy" not found' } },
      ['AgentNotRunning', 'CreateContainerConfigError: configmap "policy" not found'],
    ],
    [
      'that was started again of late',
      { ended: FAILED },
      ['AgentRestarted', `Error, exit code 1, at 2026-01-01T00:09:00Z: ${LAST}`],
    ],
    [
      'that was killed for want of memory of late',
      { ended: { ...FAILED, reason: 'OOMKilled', exitCode: 137, message: '' } },
      ['AgentRestarted', 'OOMKilled, exit code 137, at 2026-01-01T00:09:00Z'],
    ],
    ['that was started again long ago', { ended: { ...FAILED, finishedAt: '2025-12-31T23:59:59Z' } }, null],
    ['that ended in good order', { ended: { ...FAILED, exitCode: 0 } }, null],
    ['of which nobody knows when it ended', { ended: { ...FAILED, finishedAt: '' } }, null],
  ];
  for (const [what, container, problem] of CASES) {
    test(`${what} is ${problem === null ? 'no problem' : problem[0]}`, () => {
      const found = containerProblem({ ...NEW, ...container }, NOW_MS);
      assert.deepEqual(found && [found.reason, found.error], problem);
    });
  }

  test('forges no line, whatever wrote it', () => {
    const message = `${'x'.repeat(5_000)}\u001b[2J\n\u0000\r\nNODE   PROBLEM\u2028b`;
    const waiting = { reason: 'a\nb\u001b[31m', message };
    for (const ended of [null, { ...FAILED, message }]) {
      const { error } = containerProblem({ ...NEW, waiting, ended }, NOW_MS) ?? assert.fail();
      assert.match(error, /^[\x20-\x7e…]{1,600}$/);
    }
  });
});
