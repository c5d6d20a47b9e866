import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findNodeProblem } from './node-version.ts';

test('a Node.js older than 22.19 is refused, with what is needed and what was found', () => {
  for (const version of ['18.20.8', '20.20.2', '22.18.9', '22.2.0', '21.99.0']) {
    assert.equal(findNodeProblem(version), `needs Node.js 22.19 or newer, found ${version}`);
  }
});

test('Node.js 22.19 and everything after it is accepted', () => {
  for (const version of ['22.19.0', '22.20.1', '23.0.0', '24.21.0', '26.0.0-nightly20260101']) {
    assert.equal(findNodeProblem(version), undefined);
  }
});
