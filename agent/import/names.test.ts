import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { policyText } from '../policy/fixtures.ts';
import { loadPolicyFiles } from '../policy/load-policies.ts';
import { isConditionType, isReason, PolicyNames } from './names.ts';

test('a name says what it is made of', () => {
  const names = new PolicyNames();
  const made = [
    'NTPProblem',
    'Root Partition',
    'GpuXidError',
    'check_disk',
    'NTPProblem',
    '☃',
    '/dev/sda1 (80%)',
    'x'.repeat(80),
  ];
  assert.deepEqual(
    made.map((text) => names.nameFor(text)),
    [
      'ntp-problem',
      'root-partition',
      'gpu-xid-error',
      'check-disk',
      'ntp-problem-2',
      'check',
      'dev-sda1-80',
      'x'.repeat(63),
    ],
  );
});

test('every name is a DNS-1123 label, and none is given twice', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('a', 'A', 'a-', `${'a'.repeat(62)}-b`))), (texts) => {
      const names = new PolicyNames();
      const made = texts.map((text) => names.nameFor(text));
      for (const name of made) assert.match(name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
      assert.equal(new Set(made).size, made.length);
    }),
  );
});

for (const type of [
  'NTPProblem',
  'example.com/GpuHealthy',
  'Ready',
  'Drained',
  'NetworkUnavailable',
  'kernelDeadlock',
  'Kernel-Deadlock',
  'A'.repeat(64),
  '',
  'Example.com/A',
  `${'a'.repeat(253)}/A`,
  `${'a'.repeat(254)}/A`,
  'a/b/C',
]) {
  test(`whether ${type.slice(0, 40)} may be a condition is what the schema says`, () => {
    const isValid = loadPolicyFiles([
      { name: 'a.yaml', bytes: Buffer.from(policyText('a', { nodeCondition: type })) },
    ]).valid;
    assert.equal(isConditionType(type), isValid);
  });
}

for (const reason of ['NTPIsDown', 'needs reset', 'needsReset', 'A'.repeat(63), 'A'.repeat(64), 'A-B', '']) {
  test(`whether ${JSON.stringify(reason).slice(0, 40)} may be a reason is what the schema says`, () => {
    const spec = { check: { command: ['/bin/true'], exitCodes: { reasons: { 1: reason } } } };
    const isValid = loadPolicyFiles([{ name: 'a.yaml', bytes: Buffer.from(policyText('a', spec)) }]).valid;
    assert.equal(isReason(reason), isValid);
  });
}
