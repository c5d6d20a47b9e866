import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { findBinary, requireBinary, skipWithoutControlPlane } from './binaries.ts';

const NAMES = ['KUBEBUILDER_ASSETS', 'PATH', 'CI'] as const;

describe('the control-plane programs', () => {
  let dir: string;
  let before: Partial<Record<(typeof NAMES)[number], string | undefined>>;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nsc-binaries-'));
    before = Object.fromEntries(NAMES.map((name) => [name, process.env[name]]));
    for (const name of NAMES) delete process.env[name];
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
    for (const name of NAMES) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });

  function install(...names: string[]): void {
    for (const name of names) {
      writeFileSync(join(dir, name), '#!/bin/sh\n');
      chmodSync(join(dir, name), 0o755);
    }
  }

  for (const variable of ['KUBEBUILDER_ASSETS', 'PATH']) {
    it(`are found through ${variable}`, () => {
      install('etcd', 'kube-apiserver', 'kubectl');
      process.env[variable] = dir;
      assert.equal(findBinary('etcd'), join(dir, 'etcd'));
      assert.equal(skipWithoutControlPlane(), false);
    });
  }

  it('are missing when a file of that name cannot be executed', () => {
    install('etcd');
    chmodSync(join(dir, 'etcd'), 0o644);
    process.env.KUBEBUILDER_ASSETS = dir;
    assert.equal(findBinary('etcd'), undefined);
  });

  it('give a reason to skip in one line, which names what is missing and how to get it', () => {
    install('etcd', 'kubectl');
    process.env.KUBEBUILDER_ASSETS = dir;
    const reason = skipWithoutControlPlane('kwok');
    assert.match(String(reason), /^no control plane: kube-apiserver, kwok found neither .*get-control-plane\.sh/);
    assert.equal(String(reason).includes('\n'), false);
    assert.throws(() => requireBinary('kwok'), /kwok found neither/);
  });

  it('are demanded in CI', () => {
    process.env.CI = 'true';
    assert.throws(() => skipWithoutControlPlane(), /get-control-plane\.sh/);
  });
});
