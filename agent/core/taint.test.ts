import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Toleration, toleratesForGood } from './taint.ts';

const taint = { key: 'sick', value: 'true', effect: 'NoExecute' } as const;

const rows: [rule: string, tolerations: Toleration[], tolerated: boolean][] = [
  ['no toleration tolerates nothing', [], false],
  ['Exists without a key tolerates everything', [{ operator: 'Exists' }], true],
  ['Exists tolerates any value of its key', [{ key: 'sick', operator: 'Exists' }], true],
  ['Equal is the default and needs the value', [{ key: 'sick', value: 'true' }], true],
  ['another value is not tolerated', [{ key: 'sick', operator: 'Equal', value: 'no' }], false],
  ['another key is not tolerated', [{ key: 'other', operator: 'Exists' }], false],
  ['another effect is not tolerated', [{ key: 'sick', operator: 'Exists', effect: 'NoSchedule' }], false],
  ['the same effect is tolerated', [{ key: 'sick', operator: 'Exists', effect: 'NoExecute' }], true],
  ['a toleration for a time does not count', [{ key: 'sick', operator: 'Exists', tolerationSeconds: 300 }], false],
  ['an operator we do not know tolerates nothing', [{ key: 'sick', operator: 'Gt', value: 'true' }], false],
];

for (const [rule, tolerations, tolerated] of rows) {
  test(rule, () => assert.equal(toleratesForGood(tolerations, taint), tolerated));
}
