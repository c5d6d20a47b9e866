import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { configMapText, documentText, policyText } from '../policy/fixtures.ts';
import { commandRunner } from './fixtures.ts';

const run = commandRunner(import.meta.resolve('./try.ts'), 'tryCommand');
const nsc = (...args: Parameters<typeof run>) => run('try', ...args);
const base = mkdtempSync(join(tmpdir(), 'try-'));
after(() => rmSync(base, { recursive: true }));

const shell = (script: string, check: object = {}, spec: object = {}) => ({
  check: { command: ['/bin/sh', '-c', script], timeoutSeconds: 60, ...check },
  ...spec,
});
const text = (name: string, script: string, check?: object, spec?: object) =>
  policyText(name, shell(script, check, spec));

function directory(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(base, 'policy-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  return dir;
}

type Json = {
  readonly healthy: boolean;
  readonly node: string;
  readonly checks: {
    readonly policy: string;
    readonly source: string;
    readonly leftOut: number;
    readonly runs: { readonly verdict: string; readonly reason: string; readonly stdout: { readonly text: string } }[];
    readonly agent: { readonly failures: number; readonly failing: boolean; readonly endsAgent: boolean };
  }[];
};
const json = (...args: Parameters<typeof run>): Json => JSON.parse(nsc(...args, '-o', 'json').stdout);

suite('nsc try', () => {
  const two = directory({ 'a.yaml': text('well', 'echo fine'), 'b.yaml': text('sick', 'echo bad; exit 2') });

  test('tries every check of a directory, with the patches in it, and ends with 1 if one is not healthy', () => {
    const dir = directory({
      'a.yaml': `${text('well', 'echo fine')}---\n${text('sick', 'echo bad; exit 2')}`,
      'b.yaml': documentText('NodeCheckPolicyPatch', 'sick', { check: { exitCodes: { unknown: [2] } } }),
    });
    const { status, stdout } = nsc(dir);
    assert.equal(status, 1);
    assert.match(stdout, /^well: Healthy, exit code 0, after .*^sick: Unknown, exit code 2, after /ms);
    assert.match(stdout, /^2 checks: 1 Healthy, 1 Unknown\n\nPOLICY/m);
  });

  test('ends with 0 when all is healthy, and one check has no table', () => {
    const { status, stdout } = nsc(join(two, 'a.yaml'));
    assert.equal(status, 0);
    assert.doesNotMatch(stdout, /POLICY|from/);
  });

  test('takes several files, directories, and - with rendered manifests, and says where each policy stands', () => {
    const input = configMapText('one', { 'a.yaml': text('well', 'echo fine') });
    const { checks } = json(two, '-', join(two, 'a.yaml'), { input });
    assert.deepEqual(
      checks.map(({ policy, source }) => [policy, source]),
      [
        ['well', two],
        ['sick', two],
        ['well', 'checks/one'],
        ['well', join(two, 'a.yaml')],
      ],
    );
    assert.match(nsc(two, '-', { input }).stdout, /^well: .*\n {4}from {6}checks\/one\n/m);
  });

  test('takes only the policies that are named, wherever the option stands', () => {
    const names = (...args: string[]) => json(...args).checks.map(({ policy }) => policy);
    assert.deepEqual(names('--policy', 'sick', two), ['sick']);
    assert.deepEqual(names(two, '--policy', 'sick', '--policy=well'), ['well', 'sick']);
  });

  test('of a name that is not there says which there are', () => {
    const { status, stdout, stderr } = nsc(two, '--policy', 'sik', '--policy', 'well');
    assert.deepEqual([status, stdout], [2, '']);
    assert.equal(stderr, 'nsc: --policy must name a policy that is there: known are well, sick; found "sik"\n');
  });

  test('runs nothing at all when a file is invalid, and says what validate says', () => {
    const ran = join(base, 'ran');
    const good = directory({ 'a.yaml': text('a', `touch ${ran}`) });
    const bad = join(directory({ 'x.yaml': policyText('b', { mode: 'X' }) }), 'x.yaml');
    const line = `${bad}:4:49: $.spec.mode: must be one of Enforce, Observe, found "X"\n`;
    const { status, stdout, stderr } = nsc(good, bad);
    assert.deepEqual([status, stdout, stderr], [1, '', line]);
    const other = nsc(good, bad, '-o', 'json');
    const { errors, ...rest } = JSON.parse(other.stdout);
    assert.deepEqual([other.status, rest, errors[0].path], [1, { valid: false, omitted: 0 }, '$.spec.mode']);
    assert.throws(() => mkdirSync(join(ran, 'x')), /ENOENT/);
  });

  test('of no policy says so', () => {
    const file = join(
      directory({ 'b.yaml': documentText('NodeDisruptionBudget', 'b', { maxUnavailable: 1 }) }),
      'b.yaml',
    );
    const { status, stderr } = nsc(file);
    assert.deepEqual([status, stderr], [1, `nsc: there is no policy in ${file}, so no check to run\n`]);
  });

  test('gives a script what an agent gives it, and what --env adds or changes', () => {
    const script = "tr '\\0' '\\n' </proc/$$/environ; pwd";
    const policy = join(
      directory({
        'a.yaml': text('a', script, {
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
          ],
        }),
      }),
      'a.yaml',
    );
    const env = { ...process.env, NODE_NAME: 'node-1', NODE_IP: '192.0.2.7', SECRET: 'x' };
    const words = (...args: Parameters<typeof run>) =>
      json(policy, ...args)
        .checks[0]?.runs[0]?.stdout.text.split('\n')
        .filter((line) => !line.startsWith('PATH='))
        .sort()
        .join(' ')
        .trim();
    assert.equal(words({ env }), '/ A=1 B=2 HOME=/ NODE_IP=192.0.2.7 NODE_NAME=node-1 NSC_POLICY=a');
    assert.equal(
      words('--env', 'A=x=y', '--env=C=', '--env', 'HOME=/root', '--node-name', 'node-2', { env }),
      '/ A=x=y B=2 C= HOME=/root NODE_IP=192.0.2.7 NODE_NAME=node-2 NSC_POLICY=a',
    );
  });

  test('runs a check of the host where it is said to be', () => {
    const dir = directory({
      'a.yaml': text('a', 'true', { runIn: 'Host' }),
      'b.yaml': text('b', 'true', { runIn: 'HostNamespaces' }),
    });
    const { checks } = json(dir, '--host-root', '/no/root', '--host-pid', '4194303');
    const [ofHost, ofNamespaces] = checks.map(({ runs }) => runs[0]?.reason ?? '');
    assert.match(ofHost ?? '', /^could not be started: chroot: .*\/no\/root/);
    assert.match(ofNamespaces ?? '', /^could not be started: nsenter: .*4194303/);
  });

  test('counts a relative --host-root from where it is started', () => {
    const dir = directory({ 'a.yaml': text('a', 'true', { runIn: 'Host' }) });
    const { checks } = json(dir, '--host-root', 'no/root', { cwd: base });
    assert.ok(checks[0]?.runs[0]?.reason.includes(join(realpathSync(base), 'no/root')), checks[0]?.runs[0]?.reason);
  });

  test('names the node after the host when nothing else does', () => {
    const { NODE_NAME: _, ...env } = process.env;
    assert.equal(json(two, { env }).node, hostname());
  });

  test('makes several runs, and says what they add up to', () => {
    const counter = join(base, 'counter');
    const script = `echo >> ${counter}; exit $(( $(wc -l < ${counter}) % 2 ))`;
    const policy = join(directory({ 'a.yaml': text('a', script, { failureThreshold: 1 }) }), 'a.yaml');
    const { checks } = json(policy, '--runs', '3');
    assert.deepEqual(
      checks[0]?.runs.map(({ verdict }) => verdict),
      ['Failed', 'Healthy', 'Failed'],
    );
    assert.deepEqual([checks[0]?.agent.failing, checks[0]?.agent.failures], [true, 1]);
  });

  test('ends a series with what ends the agent', () => {
    const policy = join(directory({ 'a.yaml': text('a', 'echo odd >&2') }), 'a.yaml');
    const { healthy, checks } = json(policy, '--runs', '3');
    assert.deepEqual(
      checks.map(({ runs, leftOut, agent }) => [runs.length, runs[0]?.verdict, leftOut, agent.endsAgent]),
      [[1, 'Fatal', 2, true]],
    );
    assert.equal(healthy, false);
  });

  for (const [what, args, message] of [
    ['no policy', [], 'Not enough non-option arguments: got 0, need at least 1'],
    ['standard input twice', ['-', '-'], '- is given twice; it can be read once'],
    ['a variable without a value', ['a', '--env', 'A'], '--env must be NAME=VALUE, found "A"'],
    ['a variable without a name', ['a', '--env', '=b'], '--env must be NAME=VALUE, found "=b"'],
    ['no run', ['a', '--runs', '0'], '--runs must be a whole number from 1 to 1000, found 0'],
    ['an empty root', ['a', '--host-root', ''], '--host-root must be a directory, found ""'],
    ['half a run', ['a', '--runs', '1.5'], '--runs must be a whole number from 1 to 1000, found 1.5'],
    ['too many runs', ['a', '--runs', '1001'], '--runs must be a whole number from 1 to 1000, found 1001'],
  ] as const) {
    test(`refuses ${what}`, () => {
      const { status, stdout, stderr } = nsc(...args);
      assert.ok(stderr.trimEnd().endsWith(message), stderr);
      assert.deepEqual([status, stdout], [1, '']);
    });
  }

  test('has help with examples', () => {
    assert.match(nsc('--help').stdout, /nsc try policies\/[\s\S]*kubectl exec/);
  });
});
