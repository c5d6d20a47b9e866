import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { requireBinary } from '../harness/binaries.ts';
import { writeKubeconfig } from '../harness/kubeconfig.ts';
import { CHART, skipWithoutHelm } from './helm-chart.ts';

const MAKEFILE = fileURLToPath(new URL('../../Makefile', import.meta.url));
const VALUES = 'values_0-1-0.yaml';
const CLUSTER_TARGETS = ['install', 'upgrade', 'uninstall', 'list'] as const;

describe('make', { skip: skipWithoutHelm }, () => {
  const dirs: string[] = [];
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'nsc-make-'));
    dirs.push(root);
    cpSync(MAKEFILE, join(root, 'Makefile'));
    cpSync(CHART, join(root, 'deploy/helm/node-svc-checker'), { recursive: true });
  });
  after(() => {
    for (const dir of dirs) rmSync(dir, { recursive: true });
  });

  interface Made {
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
  }

  /** Nothing of this machine's own cluster reaches it. */
  function make(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Made> {
    const path = [dirname(requireBinary('helm')), process.env.PATH].join(delimiter);
    const options = { cwd: root, env: { PATH: path, HOME: root, ...env } };
    return new Promise((resolve) => {
      execFile('make', args, options, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  }

  /** One line of ours, beside the one that make ends with. */
  function assertRefusal({ code, stderr }: Made, line: RegExp): void {
    assert.notEqual(code, 0);
    const lines = stderr.trim().split('\n');
    assert.match(lines[0] ?? '', line);
    assert.match(lines[1] ?? '', /^make: \*\*\* /);
    assert.equal(lines.length, 2, stderr);
  }

  test('alone lists every target', async () => {
    const { code, stdout } = await make([]);
    assert.equal(code, 0);
    const [, phony = ''] = /^\.PHONY: (.*)$/m.exec(readFileSync(MAKEFILE, 'utf8')) ?? [];
    for (const name of phony.split(' ')) assert.match(stdout, new RegExp(`^  make ${name} +\\S`, 'm'));
  });

  test("generate_values copies the chart's values with their comments, and overwrites nothing", async () => {
    assert.equal((await make(['generate_values'])).code, 0);
    const written = () => readFileSync(join(root, VALUES), 'utf8');
    assert.equal(written(), readFileSync(join(CHART, 'values.yaml'), 'utf8'));
    appendFileSync(join(root, VALUES), '# mine\n');
    assertRefusal(
      await make(['generate_values']),
      /^make generate_values: values_0-1-0.yaml is there already: edit it/,
    );
    assert.match(written(), /# mine\n$/);
  });

  test('names release and values after the version of the chart', async () => {
    const chart = join(root, 'deploy/helm/node-svc-checker/Chart.yaml');
    writeFileSync(chart, readFileSync(chart, 'utf8').replace(/^version: .*$/m, 'version: 1.20.3'));
    await make(['generate_values']);
    assert.ok(existsSync(join(root, 'values_1-20-3.yaml')));
    const { stderr } = await make(['template']);
    assert.match(stderr, /^helm template node-svc-checker-1-20-3 .* --values values_1-20-3\.yaml$/m);
  });

  test('template prints the manifests with the values as edited, and the command beside them', async () => {
    await make(['generate_values']);
    writeFileSync(join(root, VALUES), 'hostChecks: true\n');
    const { code, stdout, stderr } = await make(['template', 'NAMESPACE=elsewhere']);
    assert.equal(code, 0);
    assert.match(stdout, /^---\n/);
    assert.match(stdout, /hostPID: true/);
    assert.match(stdout, /namespace: elsewhere/);
    const chart = 'deploy/helm/node-svc-checker';
    const command = `helm template node-svc-checker-0-1-0 ${chart} --namespace "elsewhere" --values ${VALUES}\n`;
    assert.equal(stderr, command);
  });

  for (const target of ['template', 'install', 'upgrade']) {
    test(`${target} without a values file says how to get one`, async () => {
      assertRefusal(
        await make([target]),
        new RegExp(`^make ${target}: ${VALUES} is not there: run \`make generate_values\` and edit it$`),
      );
    });
  }

  for (const target of ['template', ...CLUSTER_TARGETS]) {
    test(`${target} without helm says how to get it`, async () => {
      const bin = join(root, 'bin');
      mkdirSync(bin);
      for (const name of ['awk', 'tail', 'test']) symlinkSync(await which(name), join(bin, name));
      symlinkSync(await which('make'), join(bin, 'make'));
      assertRefusal(
        await make([target], { PATH: bin }),
        new RegExp(`^make ${target}: no helm on PATH: install Helm 3`),
      );
    });
  }

  for (const target of CLUSTER_TARGETS) {
    test(`${target} without a cluster that answers says what to set, and what helm found`, async () => {
      await make(['generate_values']);
      // Nothing listens on port 1.
      const path = writeKubeconfig(join(root, 'kubeconfig'), { server: 'https://127.0.0.1:1' });
      for (const [args, env] of [
        [[target, `KUBECONFIG=${path}`], {}],
        [[target], { KUBECONFIG: path }],
      ] as const) {
        const refusal = `^make ${target}: no cluster answers: set KUBECONFIG and KUBE_CONTEXT .*127.0.0.1:1.*refused`;
        assertRefusal(await make(args, env), new RegExp(refusal));
      }
      const noContext = await make([target, `KUBECONFIG=${path}`, 'KUBE_CONTEXT=other']);
      assertRefusal(noContext, /no cluster answers.*context/);
    });
  }

  function which(name: string): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile('/bin/sh', ['-c', `command -v ${name}`], (error, stdout) =>
        error ? reject(error) : resolve(stdout.trim()),
      );
    });
  }
});
