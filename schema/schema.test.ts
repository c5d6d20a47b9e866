import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Ajv, type ErrorObject } from 'ajv';
import type { JsonSchema } from './json-schema.ts';

const schema: JsonSchema = JSON.parse(
  readFileSync(join(import.meta.dirname, 'node-check-policy.v1.schema.json'), 'utf8'),
);
const definitions = Object.entries(schema.definitions ?? {});
const ajv = new Ajv({ allErrors: true, strict: false });
const validate = ajv.compile(schema);

const document = (kind: string, spec: unknown, name: unknown = 'a') => ({
  apiVersion: 'node-svc-checker/v1',
  kind,
  metadata: { name },
  spec,
});
const check = { command: ['/bin/true'] };
const policy = (spec: object) => document('NodeCheckPolicy', { check, ...spec });
const withCheck = (fields: object) => policy({ check: { ...check, ...fields } });
const withSelector = (nodeSelector: unknown) => policy({ nodeSelector });
const withTaint = (fields: object) => policy({ actions: { taint: { key: 'a', effect: 'NoSchedule', ...fields } } });
const withCondition = (nodeCondition: unknown) => policy({ nodeCondition });
const withDrain = (drain: unknown) => policy({ actions: { drain } });
const withEnv = (...env: unknown[]) => withCheck({ env });
const budget = (maxUnavailable: unknown, more: object = {}) =>
  document('NodeDisruptionBudget', { maxUnavailable, ...more });
const patch = (spec: unknown) => document('NodeCheckPolicyPatch', spec);
/** Those of k8s.io/api/core/v1 and k8s.io/cloud-provider/api, each in a file well_known_taints.go. */
const WELL_KNOWN_TAINTS = [
  'node.kubernetes.io/not-ready',
  'node.kubernetes.io/unreachable',
  'node.kubernetes.io/unschedulable',
  'node.kubernetes.io/memory-pressure',
  'node.kubernetes.io/disk-pressure',
  'node.kubernetes.io/pid-pressure',
  'node.kubernetes.io/network-unavailable',
  'node.kubernetes.io/out-of-service',
  'node.cloudprovider.kubernetes.io/uninitialized',
  'node.cloudprovider.kubernetes.io/shutdown',
];

suite('the schema', () => {
  test('is draft-07', () => {
    assert.equal(schema.$schema, 'http://json-schema.org/draft-07/schema#');
    assert.equal(ajv.validateSchema(schema), true);
  });

  test('is closed wherever it names fields', () => {
    for (const [name, definition] of [['the root', schema] as const, ...definitions]) {
      if (definition.properties) assert.equal(definition.additionalProperties, false, name);
    }
  });

  test('describes every field', () => {
    for (const [name, field] of fields()) assert.ok(typeof field.description === 'string', name);
  });

  test('says of every optional field what it means to leave it out', () => {
    for (const [name, field, isRequired] of fields()) {
      if (isRequired || name.includes('Patch.') || name === 'LabelSelectorRequirement.values') continue;
      const saysDefault = 'default' in field && / Default /.test(String(field.description));
      assert.ok(saysDefault || / Absent: /.test(String(field.description)), name);
    }
  });

  test('gives the unit of every duration', () => {
    for (const [name, field] of fields()) {
      if (name.endsWith('Seconds')) assert.match(String(field.description), /^Seconds /, name);
    }
  });

  test('has an example of every kind, and all are valid', () => {
    for (const kind of ['NodeCheckPolicy', 'NodeDisruptionBudget', 'NodeCheckPolicyPatch']) {
      const examples = (schema.definitions?.[kind]?.examples ?? []) as unknown[];
      assert.ok(examples.length > 0, kind);
      for (const example of examples) assert.deepEqual(errorsOf(example), [], kind);
    }
  });

  test('has no look-around in its patterns, which validators in Go do not know', () => {
    assert.doesNotMatch(JSON.stringify(schema), /\(\?[=!<]/);
  });
});

suite('the schema accepts', () => {
  const label63 = 'a'.repeat(63);
  const cases: Record<string, unknown> = {
    'the least policy': policy({}),
    'a name of one digit': document('NodeCheckPolicy', { check }, '7'),
    'a name of 63 characters': document('NodeCheckPolicy', { check }, label63),
    'an empty argument': withCheck({ command: ['/bin/grep', ''] }),
    'thresholds of one': withCheck({ failureThreshold: 1, successThreshold: 1 }),
    'a day': withCheck({ periodSeconds: 86400, timeoutSeconds: 86400, initialDelaySeconds: 86400 }),
    'no initial delay': withCheck({ initialDelaySeconds: 0 }),
    'variable names as in a pod': withEnv({ name: '_a.b-C1' }, { name: '.a' }, { name: '-' }, { name: '.1' }),
    'an empty selector': withSelector({}),
    'a label key with a prefix': withSelector({ matchLabels: { [`${'a'.repeat(253)}/b`]: '' } }),
    'a label key and value of 63 characters': withSelector({ matchLabels: { [label63]: label63 } }),
    'label keys with capitals, dots and underscores': withSelector({ matchLabels: { 'A.b_c-D': 'E.f_g-H' } }),
    'Exists without values': withSelector({ matchExpressions: [{ key: 'a', operator: 'Exists' }] }),
    'Exists with an empty list, as a template may leave it': withSelector({
      matchExpressions: [{ key: 'a', operator: 'Exists', values: [] }],
    }),
    'NotIn with the empty value': withSelector({ matchExpressions: [{ key: 'a', operator: 'NotIn', values: [''] }] }),
    'a taint without value': withTaint({}),
    'every effect': withTaint({ effect: 'PreferNoSchedule' }),
    "a taint key of somebody's own under a prefix of Kubernetes'": withTaint({
      key: 'node.kubernetes.io/sick-storage',
    }),
    'a taint key that the cluster autoscaler reads': withTaint({
      key: 'status-taint.cluster-autoscaler.kubernetes.io/x',
    }),
    'a well-known taint key without its prefix': withTaint({ key: 'not-ready' }),
    'a drain with the defaults': withDrain({}),
    'no grace period': withDrain({ gracePeriodSeconds: 0 }),
    'namespaces that a drain leaves alone': withDrain({ namespaces: { exclude: ['kube-system', 'a', '0'] } }),
    'no such namespaces': withDrain({ namespaces: {} }),
    "each pod's own grace period": withDrain({ gracePeriodSeconds: null }),
    'a condition type in CamelCase': withCondition('StorageDaemonHealthy'),
    'a condition type with a prefix': withCondition(`${'a'.repeat(253)}/Healthy`),
    'a condition type of 63 characters': withCondition(`A${'b'.repeat(62)}`),
    'one of the well-known condition types with a prefix': withCondition('example.com/Ready'),
    'lifecycle conditions': policy({ lifecycleConditions: true }),
    'a budget of zero nodes': budget(0),
    'a budget of zero percent': budget('0%'),
    'a budget of all nodes': budget('100%'),
    'a budget per zone': budget('9%', { topologyKey: 'topology.kubernetes.io/zone' }),
    'a patch of nothing': patch({}),
    'a patch of one field': patch({ check: { failureThreshold: 10 } }),
    'a patch that removes fields': patch({
      check: { env: null, runIn: null },
      nodeSelector: null,
      nodeCondition: null,
      actions: { drain: null },
    }),
    'a patch that removes a label': patch({ nodeSelector: { matchLabels: { role: null } } }),
    'a patch of half a taint': patch({ actions: { taint: { value: 'x' } } }),
  };
  for (const [name, value] of Object.entries(cases)) test(name, () => assert.deepEqual(errorsOf(value), []));
});

suite('the schema rejects', () => {
  const label64 = 'a'.repeat(64);
  const cases: Record<string, unknown> = {
    'no kind': { ...policy({}), kind: undefined },
    'an unknown kind': document('Pod', {}),
    'another version': { ...policy({}), apiVersion: 'node-svc-checker/v2' },
    'a field beside spec': { ...policy({}), status: {} },
    'labels on a document': { ...policy({}), metadata: { name: 'a', labels: {} } },
    'a name with a capital': document('NodeCheckPolicy', { check }, 'A'),
    'a name with a dot': document('NodeCheckPolicy', { check }, 'a.b'),
    'a name that ends in a hyphen': document('NodeCheckPolicy', { check }, 'a-'),
    'a name of 64 characters': document('NodeCheckPolicy', { check }, label64),
    'a name with a line feed after it': document('NodeCheckPolicy', { check }, 'a\n'),
    'no check': document('NodeCheckPolicy', {}),
    'no command': document('NodeCheckPolicy', { check: {} }),
    'an empty command': withCheck({ command: [] }),
    'a shell string': withCheck({ command: '/bin/true' }),
    'an empty executable': withCheck({ command: ['', 'a'] }),
    'a NUL in the executable': withCheck({ command: ['a\0b'] }),
    'a NUL in an argument': withCheck({ command: ['a', 'b\0'] }),
    'a number as argument': withCheck({ command: ['a', 1] }),
    'a NUL in a variable': withEnv({ name: 'a', value: '\0' }),
    'a variable without name': withEnv({ value: 'a' }),
    'a variable name that starts with a digit': withEnv({ name: '1a' }),
    'a variable name with an equals sign': withEnv({ name: 'a=b' }),
    'the variable name "."': withEnv({ name: '.' }),
    'a variable name that starts with ".."': withEnv({ name: '..a' }),
    'an unknown mode': policy({ mode: 'enforce' }),
    'null for a field with a default': policy({ paused: null }),
    'a period of zero': withCheck({ periodSeconds: 0 }),
    'a fraction of a second': withCheck({ periodSeconds: 0.5 }),
    'more than a day': withCheck({ timeoutSeconds: 86401 }),
    'a negative delay': withCheck({ initialDelaySeconds: -1 }),
    'a threshold of zero': withCheck({ failureThreshold: 0 }),
    'a number in quotes': withCheck({ successThreshold: '1' }),
    'a label key of 64 characters': withSelector({ matchLabels: { [label64]: '' } }),
    'a label prefix of 254 characters': withSelector({ matchLabels: { [`${'a'.repeat(254)}/b`]: '' } }),
    'a label prefix with a capital': withSelector({ matchLabels: { 'A/b': '' } }),
    'a label key with two slashes': withSelector({ matchLabels: { 'a/b/c': '' } }),
    'a label prefix that is empty': withSelector({ matchLabels: { '/b': '' } }),
    'a label value of 64 characters': withSelector({ matchLabels: { a: label64 } }),
    'a label value with a slash': withSelector({ matchLabels: { a: 'b/c' } }),
    'a label value that is a number': withSelector({ matchLabels: { a: 1 } }),
    'In without values': withSelector({ matchExpressions: [{ key: 'a', operator: 'In' }] }),
    'NotIn with no value': withSelector({ matchExpressions: [{ key: 'a', operator: 'NotIn', values: [] }] }),
    'Exists with a value': withSelector({ matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] }),
    'DoesNotExist with a value': withSelector({
      matchExpressions: [{ key: 'a', operator: 'DoesNotExist', values: ['b'] }],
    }),
    'the operator Gt': withSelector({ matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] }),
    'a taint without effect': policy({ actions: { taint: { key: 'a' } } }),
    'an unknown effect': withTaint({ effect: 'NoRun' }),
    'a taint key with a space': withTaint({ key: 'a b' }),
    ...Object.fromEntries(
      WELL_KNOWN_TAINTS.flatMap((key) => [
        [`the taint key ${key}`, withTaint({ key })],
        [`the taint key ${key} in a patch`, patch({ actions: { taint: { key } } })],
      ]),
    ),
    'a drain that is true': withDrain(true),
    'a negative grace period': withDrain({ gracePeriodSeconds: -1 }),
    'a namespace that can be none': withDrain({ namespaces: { exclude: ['kube_system'] } }),
    'a namespace of 64 characters': withDrain({ namespaces: { exclude: ['a'.repeat(64)] } }),
    'a namespace named twice': withDrain({ namespaces: { exclude: ['a', 'a'] } }),
    'a pattern of namespaces': withDrain({ namespaces: { exclude: ['kube-*'] } }),
    'more than 100 namespaces': withDrain({ namespaces: { exclude: Array.from({ length: 101 }, (_, i) => `n-${i}`) } }),
    'namespaces to include': withDrain({ namespaces: { include: ['a'] } }),
    'a drain without time': withDrain({ timeoutSeconds: 0 }),
    'a condition type of 64 characters': withCondition(`A${'b'.repeat(63)}`),
    'a condition prefix of 254 characters': withCondition(`${'a'.repeat(254)}/Healthy`),
    'a condition type that is no CamelCase': withCondition('storage-daemon'),
    'a condition type with an empty prefix': withCondition('/Healthy'),
    'a condition type that is empty': withCondition(''),
    'a condition that is true': withCondition(true),
    "the kubelet's condition Ready": withCondition('Ready'),
    "the kubelet's condition PIDPressure": withCondition('PIDPressure'),
    'the lifecycle condition DrainInProgress': withCondition('DrainInProgress'),
    'the lifecycle condition MaintenancePlanned': withCondition('MaintenancePlanned'),
    "the kubelet's condition Ready in a patch": patch({ nodeCondition: 'Ready' }),
    'a budget without limit': document('NodeDisruptionBudget', {}),
    'a negative budget': budget(-1),
    'a percentage above a hundred': budget('101%'),
    'a percentage with a leading zero': budget('05%'),
    'a percentage with a fraction': budget('1.5%'),
    'a number of nodes in quotes': budget('1'),
    'a misspelt field in a patch, even to remove it': patch({ check: { failureTreshold: null } }),
    'a wrong value in a patch': patch({ check: { failureThreshold: 0 } }),
    'half a list item in a patch, since lists are replaced': patch({ check: { env: [{ value: 'a' }] } }),
    'null for the whole spec of a patch': patch(null),
  };
  for (const [name, value] of Object.entries(cases)) test(name, () => assert.notDeepEqual(errorsOf(value), []));
});

/** Every field of every definition, with its name and whether it is required. */
function* fields(): Generator<[string, JsonSchema, boolean]> {
  for (const [definition, { properties = {}, required = [] }] of definitions) {
    for (const [name, field] of Object.entries(properties)) {
      yield [`${definition}.${name}`, field, required.includes(name)];
    }
  }
}

function errorsOf(value: unknown): ErrorObject[] {
  validate(JSON.parse(JSON.stringify(value)));
  return validate.errors ?? [];
}
