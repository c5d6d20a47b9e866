import assert from 'node:assert/strict';
import { test } from 'node:test';
import { howToGet } from './binaries.ts';
import { leftOut } from './left-out.ts';

test('a whole run has nothing to add', () => {
  assert.deepEqual(leftOut([]), []);
});

test('what was left out is said once for each reason, and last in one line which programs are missing', () => {
  const reasons = [
    'needs root',
    howToGet(['kwok', 'helm']),
    'needs root',
    howToGet(['etcd', 'kube-apiserver', 'kwok']),
  ];
  const [root, programs, ...more] = leftOut(reasons);
  assert.equal(root, 'left out: needs root');
  assert.match(
    programs ?? '',
    /^left out: the tests on a real API server: .*: etcd, kube-apiserver, kwok, helm found neither in KUBEBUILDER_ASSETS nor on PATH; get it with: export /,
  );
  assert.deepEqual(more, []);
});

test('without programs of which no control plane is made, the tests on a real API server have run', () => {
  assert.match(leftOut([howToGet(['promtool'])]).join(), /^left out: some tests: .*promtool found neither/);
});
