import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { errorLines } from './fixtures.ts';

const HEAD = 'apiVersion: node-svc-checker/v1\nkind: NodeCheckPolicy\nmetadata: {name: a}\nspec:\n';

suite('an error names place, path, requirement and value:', () => {
  /** What stands under `spec:`, from line 5 on. */
  const cases: Record<string, [string, ...string[]]> = {
    'a wrong value, at the value': [
      '  check: {command: [a], periodSeconds: 0}',
      '5:40: $.spec.check.periodSeconds: must be at least 1, found 0',
    ],
    'a value that is too large': [
      '  check: {command: [a], periodSeconds: 100000}',
      '5:40: $.spec.check.periodSeconds: must be at most 86400, found 100000',
    ],
    'a missing field, at the key of what it is missing from': [
      '  check:\n    runIn: Host',
      '5:3: $.spec.check.command: is required',
    ],
    'an unknown field, at its key, with the name that was meant': [
      '  check:\n    command: [a]\n    failureTreshold: 3',
      '7:5: $.spec.check.failureTreshold: is not a known field (did you mean failureThreshold?), found 3',
    ],
    'with all names if they are few': [
      '  check: {command: [a]}\n  action: {}',
      '6:3: $.spec.action: is not a known field (did you mean actions? known: mode, paused, nodeSelector, check, actions, nodeCondition, lifecycleConditions), found {}',
    ],
    'or if none is close': [
      '  check: {command: [a], retries: 3}',
      '5:25: $.spec.check.retries: is not a known field (known: command, env, runIn, initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold, successThreshold, onStderr, onTimeout, exitCodes, words), found 3',
    ],
    'a word in other letters': [
      '  mode: observe\n  check: {command: [a]}',
      '5:9: $.spec.mode: must be one of Enforce, Observe (did you mean Observe?), found "observe"',
    ],
    'a value of another type, once': [
      '  mode: 1\n  check: {command: [a]}',
      '5:9: $.spec.mode: must be one of Enforce, Observe, found 1',
    ],
    'a number where text is needed': [
      '  check: {command: [sleep, 5]}',
      '5:28: $.spec.check.command[1]: must be a string (write it in quotes), found 5',
    ],
    'text where a number is needed': [
      '  check: {command: [a], periodSeconds: "5"}',
      '5:40: $.spec.check.periodSeconds: must be an integer, found "5"',
    ],
    'a number that is none': [
      '  check: {command: [a], periodSeconds: 1e400}',
      '5:40: $.spec.check.periodSeconds: must be an integer, found .inf',
    ],
    'a key left without value': [
      '  check: {command: [a]}\n  actions:\n    drain:',
      '7:11: $.spec.actions.drain: must be an object (write {} for one without fields), found null',
    ],
    'an entry that is there twice': [
      '  check: {command: [a]}\n  actions: {drain: {namespaces: {exclude: [a, a]}}}',
      '6:43: $.spec.actions.drain.namespaces.exclude: must have no entry twice, found ["a","a"]',
    ],
    'a namespace that can be none': [
      '  check: {command: [a]}\n  actions: {drain: {namespaces: {exclude: [a_b]}}}',
      '6:44: $.spec.actions.drain.namespaces.exclude[0]: must be the name of a namespace: 1 to 63 of a-z, 0-9 and "-", first and last a letter or digit, found "a_b"',
    ],
    'a shell string': ['  check: {command: ls -l}', '5:20: $.spec.check.command: must be a list, found "ls -l"'],
    'an empty command': ['  check: {command: []}', '5:20: $.spec.check.command: must not be empty, found []'],
    'a label key, at the key': [
      '  check: {command: [a]}\n  nodeSelector: {matchLabels: {ok: a, -a: b}}',
      '6:39: $.spec.nodeSelector.matchLabels["-a"]: must be a Kubernetes qualified name: 1 to 63 letters, digits, "-", "_" and ".", first and last a letter or digit, with an optional DNS subdomain of at most 253 characters and "/" before it, found "-a"',
    ],
    'a label value, at the value': [
      '  check: {command: [a]}\n  nodeSelector: {matchLabels: {a/b: "c d"}}',
      '6:37: $.spec.nodeSelector.matchLabels["a/b"]: must be a Kubernetes label value: empty, or 1 to 63 letters, digits, "-", "_" and ".", first and last a letter or digit, found "c d"',
    ],
    'a wrong key and its wrong value, both': [
      '  check: {command: [a]}\n  nodeSelector: {matchLabels: {~/0: "c d"}}',
      '6:32: $.spec.nodeSelector.matchLabels["~/0"]: must be a Kubernetes qualified name: 1 to 63 letters, digits, "-", "_" and ".", first and last a letter or digit, with an optional DNS subdomain of at most 253 characters and "/" before it, found "~/0"',
      '6:37: $.spec.nodeSelector.matchLabels["~/0"]: must be a Kubernetes label value: empty, or 1 to 63 letters, digits, "-", "_" and ".", first and last a letter or digit, found "c d"',
    ],
    'a label key that is numeric is a key, no index': [
      '  check: {command: [a]}\n  nodeSelector: {matchLabels: {"0": "c d"}}',
      '6:37: $.spec.nodeSelector.matchLabels["0"]: must be a Kubernetes label value: empty, or 1 to 63 letters, digits, "-", "_" and ".", first and last a letter or digit, found "c d"',
    ],
    'what an operator needs': [
      '  check: {command: [a]}\n  nodeSelector:\n    matchExpressions:\n      - {key: a, operator: In}',
      '8:9: $.spec.nodeSelector.matchExpressions[0].values: is required with the operators In and NotIn',
    ],
    'what an operator forbids': [
      '  check: {command: [a]}\n  nodeSelector:\n    matchExpressions:\n      - {key: a, operator: Exists, values: [b]}',
      '8:44: $.spec.nodeSelector.matchExpressions[0].values: must be absent with the operators Exists and DoesNotExist, found ["b"]',
    ],
    'several, in the order of the file': [
      '  nodeSelector: {x: 1}\n  check: {period: 1, command: {}}\n  mode: X',
      '5:18: $.spec.nodeSelector.x: is not a known field (known: matchLabels, matchExpressions), found 1',
      '6:11: $.spec.check.period: is not a known field (did you mean periodSeconds?), found 1',
      '6:31: $.spec.check.command: must be a list, found {}',
      '7:9: $.spec.mode: must be one of Enforce, Observe, found "X"',
    ],
    'a long value, shortened': [
      `  mode: [${'abcdefghi, '.repeat(20)}]\n  check: {command: [a]}`,
      `5:9: $.spec.mode: must be one of Enforce, Observe, found [${'"abcdefghi",'.repeat(6)}"abcde…`,
    ],
    'a value that came through an alias, where it is used': [
      '  check: {command: &c [a], periodSeconds: *c}',
      '5:43: $.spec.check.periodSeconds: must be an integer, found ["a"]',
    ],
    'a field named __proto__': [
      '  check: {command: [a]}\n  __proto__: {}',
      '6:3: $.spec.__proto__: is not a known field (known: mode, paused, nodeSelector, check, actions, nodeCondition, lifecycleConditions), found {}',
    ],
  };
  for (const [name, [spec, ...expected]] of Object.entries(cases)) {
    test(name, () => {
      assert.deepEqual(
        errorLines(`${HEAD}${spec}\n`),
        expected.map((line) => `a.yaml:${line}`),
      );
    });
  }
});

suite('an exit code that can be none is told, in a policy as in a patch:', () => {
  const code = 'must be an exit code, an integer from 1 to 255; 0 is always Healthy';
  const key = 'must be an exit code from 1 to 255, in quotes, with its reason behind it, as "2": DiskFull';
  const reason = 'must be a reason in CamelCase, as DiskFull: 1 to 63 letters and digits, first a capital letter';
  /** What `exitCodes` says; then of each error its column from there, its path and its words. */
  const cases: Record<string, [string, ...[number, string, string][]]> = {
    zero: ['{unknown: [0]}', [11, 'unknown[0]', `${code}, found 0`]],
    'more than 255': ['{unknown: [3, 256]}', [14, 'unknown[1]', `${code}, found 256`]],
    'less than zero': ['{unknown: [-1]}', [11, 'unknown[0]', `${code}, found -1`]],
    'a fraction': ['{unknown: [1.5]}', [11, 'unknown[0]', `${code}, found 1.5`]],
    'in quotes': ['{unknown: ["3"]}', [11, 'unknown[0]', `${code}, found "3"`]],
    'twice in the list': ['{unknown: [3, 3]}', [10, 'unknown', 'must have no entry twice, found [3,3]']],
    'the reason of zero': ['{reasons: {"0": Fine}}', [11, 'reasons["0"]', `${key}, found "0"`]],
    'the reason of 256': ['{reasons: {"256": Fine}}', [11, 'reasons["256"]', `${key}, found "256"`]],
    'a leading zero': ['{reasons: {"02": Full}}', [11, 'reasons["02"]', `${key}, found "02"`]],
    'a key without quotes': [
      '{reasons: {2: DiskFull}}',
      [11, 'reasons', 'must have only strings as keys (write "2", in quotes), found 2'],
    ],
    'the reason first': [
      '{reasons: {DiskFull: 2}}',
      [11, 'reasons.DiskFull', `${key}, found "DiskFull"`],
      [21, 'reasons.DiskFull', `${reason}, found 2`],
    ],
    'a reason of two words': ['{reasons: {"2": disk full}}', [16, 'reasons["2"]', `${reason}, found "disk full"`]],
    'a reason that is empty': ['{reasons: {"2": ""}}', [16, 'reasons["2"]', `${reason}, found ""`]],
    'a reason that is too long': [
      `{reasons: {"2": ${'A'.repeat(64)}}}`,
      [16, 'reasons["2"]', `${reason}, found "${'A'.repeat(64)}"`],
    ],
    'one reason, no list of them': [
      '{reason: {"2": DiskFull}}',
      [1, 'reason', 'is not a known field (did you mean reasons? known: unknown, reasons), found {"2":"DiskFull"}'],
    ],
  };
  for (const [name, [exitCodes, ...errors]] of Object.entries(cases)) {
    test(name, () => {
      const at = (prefix: string, line: number) => (error: [number, string, string]) =>
        `a.yaml:${line}:${prefix.length + 1 + error[0]}: $.spec.check.exitCodes.${error[1]}: ${error[2]}`;
      const inPolicy = '  check: {command: [a], exitCodes: ';
      const patch = `${HEAD.replace('Policy', 'PolicyPatch')}  check: {exitCodes: ${exitCodes}}\n`;
      assert.deepEqual(errorLines(`${HEAD}${inPolicy}${exitCodes}}\n`), errors.map(at(inPolicy, 5)));
      assert.deepEqual(
        errorLines(`${HEAD}  check: {command: [a]}\n---\n${patch}`),
        errors.map(at('  check: {exitCodes: ', 11)),
      );
    });
  }
});

suite('a taint key of Kubernetes is told why it is none for a policy:', () => {
  const own = 'must be a taint key of your own: this one';
  const controllers = `${own} is put on and taken off by Kubernetes' controllers, whatever a policy says`;
  const cases: Record<string, string> = {
    'node.kubernetes.io/not-ready': controllers,
    'node.cloudprovider.kubernetes.io/shutdown': controllers,
    'node.kubernetes.io/out-of-service': `${own} says that the node is powered off, so Kubernetes detaches the volumes of its pods while they run`,
  };
  for (const [key, requirement] of Object.entries(cases)) {
    test(key, () => {
      const expected = (place: string) => [`a.yaml:${place}: $.spec.actions.taint.key: ${requirement}, found "${key}"`];
      const check = '  check: {command: [a]}\n';
      const taint = `actions: {taint: {key: ${key}, effect: NoSchedule}}\n`;
      assert.deepEqual(errorLines(`${HEAD}${check}  ${taint}`), expected('6:26'));
      const patch = `${HEAD.replace('Policy', 'PolicyPatch')}  ${taint}`;
      assert.deepEqual(errorLines(`${HEAD}${check}---\n${patch}`), expected('11:26'));
    });
  }
});

suite('a document', () => {
  const cases: Record<string, [string, ...string[]]> = {
    'that is no object': ['- a', '1:1: $: must be an object with apiVersion, kind, metadata and spec, found ["a"]'],
    'of a misspelt kind': [
      'apiVersion: node-svc-checker/v1\nkind: NodeCheckPolcy\nanything: else',
      '2:7: $.kind: must be one of NodeCheckPolicy, NodeDisruptionBudget, NodeCheckPolicyPatch (did you mean NodeCheckPolicy?), found "NodeCheckPolcy"',
    ],
    'of another API': [
      'apiVersion: v1\nkind: ConfigMap',
      '1:13: $.apiVersion: must be node-svc-checker/v1, found "v1"',
      '2:7: $.kind: must be one of NodeCheckPolicy, NodeDisruptionBudget, NodeCheckPolicyPatch, found "ConfigMap"',
    ],
    'of another version': [
      'apiVersion: node-svc-checker/v2\nkind: NodeDisruptionBudget\nmetadata: {name: a}\nspec: {maxUnavailable: 1}',
      '1:13: $.apiVersion: must be node-svc-checker/v1, found "node-svc-checker/v2"',
    ],
    'with a kind that is an inherited name': [
      'apiVersion: node-svc-checker/v1\nkind: toString',
      '2:7: $.kind: must be one of NodeCheckPolicy, NodeDisruptionBudget, NodeCheckPolicyPatch, found "toString"',
    ],
    'with a limit that is neither number nor percentage': [
      'apiVersion: node-svc-checker/v1\nkind: NodeDisruptionBudget\nmetadata: {name: a}\nspec: {maxUnavailable: 101%}',
      '4:24: $.spec.maxUnavailable: must be a number of nodes (an integer of at least 0) or a percentage from 0% to 100%, found "101%"',
    ],
    'that patches a field that does not exist': [
      `${HEAD.replace('Policy', 'PolicyPatch')}  check: {onStdErr: null}`,
      '3:18: $.metadata.name: must be the name of a NodeCheckPolicy in these files, found "a"',
      '5:11: $.spec.check.onStdErr: is not a known field (did you mean onStderr?), found null',
    ],
  };
  for (const [name, [text, ...expected]] of Object.entries(cases)) {
    test(name, () => {
      assert.deepEqual(
        errorLines(text),
        expected.map((line) => `a.yaml:${line}`),
      );
    });
  }
});
