import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { JsonSchema } from '../../schema/json-schema.ts';
import { errorLines } from './fixtures.ts';
import { didYouMean, suggest } from './suggest.ts';

const SCHEMA = fileURLToPath(new URL('../../schema/node-check-policy.v1.schema.json', import.meta.url));
const { definitions }: JsonSchema = JSON.parse(readFileSync(SCHEMA, 'utf8'));
const KNOWN = ['command', 'periodSeconds', 'failureThreshold', 'successThreshold', 'env'];

suite('a suggestion', () => {
  const cases: Record<string, [string, ...string[]]> = {
    'forgives a missing letter': ['failureTreshold', 'failureThreshold'],
    'forgives one too many': ['commmand', 'command'],
    'forgives a wrong one': ['cimmand', 'command'],
    'forgives two letters that were swapped': ['nev', 'env'],
    'forgives capitals': ['PERIODSECONDS', 'periodSeconds'],
    'forgives another way to part words': ['period_seconds', 'periodSeconds'],
    'is the closest of several': ['sucessThreshold', 'successThreshold'],
    'is two where both are as likely': ['threshold', 'failureThreshold', 'successThreshold'],
    'is none for another word': ['retries'],
    'is none for a short word of other letters': ['foo'],
    'is none for the empty word': [''],
    'is none for a word nobody could have meant': ['x'.repeat(1_000_000)],
  };
  for (const [name, [word, ...expected]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(suggest(word, KNOWN), expected));
  }

  test('is none where more than two are as likely', () =>
    assert.deepEqual(suggest('web-9', ['web-1', 'web-2', 'web-3']), []));

  test('in words names both', () => {
    assert.equal(didYouMean('threshold', KNOWN), 'did you mean failureThreshold or successThreshold?');
    assert.equal(didYouMean('env', ['other']), undefined);
  });
});

suite('of the fields of the same place, the one that was meant by', () => {
  /** By the definition that has the fields: what people write, and what they mean. */
  const slips: Record<string, Record<string, string>> = {
    Check: {
      timeout: 'timeoutSeconds',
      timeoutSecs: 'timeoutSeconds',
      timeoutMs: 'timeoutSeconds',
      timeout_seconds: 'timeoutSeconds',
      timeoutSecond: 'timeoutSeconds',
      period: 'periodSeconds',
      periodSecond: 'periodSeconds',
      periodMinutes: 'periodSeconds',
      initialDelay: 'initialDelaySeconds',
      delay: 'initialDelaySeconds',
      delaySeconds: 'initialDelaySeconds',
      threshold: 'failureThreshold or successThreshold',
      failures: 'failureThreshold',
      failureTreshold: 'failureThreshold',
      'failure-threshold': 'failureThreshold',
      success: 'successThreshold',
      commands: 'command',
      environment: 'env',
      stderr: 'onStderr',
      onStdErr: 'onStderr',
      onTimeOut: 'onTimeout',
      exitCode: 'exitCodes',
      codes: 'exitCodes',
      word: 'words',
    },
    Drain: {
      timeout: 'timeoutSeconds',
      gracePeriod: 'gracePeriodSeconds',
      grace: 'gracePeriodSeconds',
      deleteEmptydirData: 'deleteEmptyDirData',
      emptyDir: 'deleteEmptyDirData',
      evictUnmanaged: 'evictUnmanagedPods',
      selector: 'podSelector',
      namespace: 'namespaces',
    },
    NodeCheckPolicySpec: {
      selector: 'nodeSelector',
      nodeSelectors: 'nodeSelector',
      checks: 'check',
      action: 'actions',
      pause: 'paused',
      condition: 'nodeCondition or lifecycleConditions',
    },
    NodeDisruptionBudgetSpec: { max: 'maxUnavailable', maxUnavailble: 'maxUnavailable', topology: 'topologyKey' },
    LabelSelector: { labels: 'matchLabels', matchLabel: 'matchLabels', matchExpression: 'matchExpressions' },
    ExitCodes: { unknowns: 'unknown', reason: 'reasons' },
    Taint: { effects: 'effect', keys: 'key' },
  };
  for (const [definition, names] of Object.entries(slips)) {
    for (const [name, meant] of Object.entries(names)) {
      const known = Object.keys(definitions?.[definition]?.properties ?? {});
      test(`${name} in ${definition}`, () => assert.equal(didYouMean(name, known), `did you mean ${meant}?`));
    }
  }

  test('timeout in a check is told, and not the one of that letters elsewhere', () => {
    const text = `apiVersion: node-svc-checker/v1
kind: NodeCheckPolicy
metadata: {name: a}
spec:
  check: {command: [a], timeout: 3}
  actions: {drain: {timeout: 600}}
`;
    assert.deepEqual(errorLines(text), [
      'a.yaml:5:25: $.spec.check.timeout: is not a known field (did you mean timeoutSeconds?), found 3',
      'a.yaml:6:21: $.spec.actions.drain.timeout: is not a known field (did you mean timeoutSeconds? known: timeoutSeconds, gracePeriodSeconds, deleteEmptyDirData, evictUnmanagedPods, podSelector, namespaces, onTimeout), found 600',
    ]);
  });

  const others: Record<string, [string, string]> = {
    Check: ['retries', 'interval'],
    Drain: ['force', 'ignoreDaemonSets'],
    NodeCheckPolicySpec: ['schedule', 'tolerations'],
  };
  for (const [definition, names] of Object.entries(others)) {
    for (const name of names) {
      const known = Object.keys(definitions?.[definition]?.properties ?? {});
      test(`${name} in ${definition} is none`, () => assert.equal(didYouMean(name, known), undefined));
    }
  }
});
