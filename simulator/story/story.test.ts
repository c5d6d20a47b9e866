import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
/** The story takes about 16 s; the machine may be busy. */
const TIMEOUT_MS = 90_000;

describe('the story', { timeout: TIMEOUT_MS, concurrency: true }, () => {
  const started: ChildProcess[] = [];
  // A story that a failed test left running stops its agents when asked to.
  after(() => {
    for (const child of started) child.kill('SIGTERM');
  });

  test('is played to the end, chapter by chapter, as lines where there is no terminal', async () => {
    const { child, output } = startStory();
    const code = await exitOf(child);
    assert.equal(code, 0, output());
    assert.deepEqual(
      [...output().matchAll(/story {3}(\d\/7) /g)].map(([, chapter]) => chapter),
      ['1/7', '2/7', '3/7', '4/7', '5/7', '6/7', '7/7'],
    );
    assert.match(output(), /node-b {2}check failed \(exit code 1\), 4 of 4 in a row/);
    const [fifth = '', sixth = ''] = output().split('\n\n').slice(4);
    assert.match(fifth, /5\/7 .*node-c {2}no slot: budget storage is full, 1 of 1 disrupted\n/s);
    assert.match(sixth, /6\/7 .*node-b {2}the node is given back\n.*node-c {2}the agent cordoned the node\n/s);
    assert.match(output(), /writes to Node +node-a 1 {2}node-b 4 {2}node-c 4 /);
    assert.match(output(), /slots taken +node-a 0 {2}node-b 1 {2}node-c 1 +\(Leases left: 0\)/);
    assert.equal([...output().matchAll(/ok: the metrics say the same: /g)].length, 7);
    assert.ok(!output().includes('\x1b'), 'no terminal, no escape sequences');
    assertNothingIsLeft(output());
  });

  test('kept up, it says what to do, and Ctrl-C ends it well', async () => {
    const { child, output } = startStory('--keep');
    await lineOf(child, output, /Ctrl-C ends the agents/);
    for (const hint of [/touch \S+\/node-b\/sick\n/, /touch \S+\/node-c\/sick\n/, /vi} \S+\/policy\/budget\.yaml\n/])
      assert.match(output(), hint);
    child.kill('SIGINT');
    assert.equal(await exitOf(child), 0, output());
    assertNothingIsLeft(output());
  });

  test('Ctrl-C in the middle leaves no agent and no folder', async () => {
    const { child, output } = startStory();
    await lineOf(child, output, /1 of 4 in a row/);
    child.kill('SIGINT');
    assert.equal(await exitOf(child), 130, output());
    assertNothingIsLeft(output());
  });

  test('an agent that ends too early fails it', async () => {
    const { child, output } = startStory();
    await lineOf(child, output, /1 of 4 in a row/);
    process.kill(Number(agentPids(output())[0]), 'SIGKILL');
    assert.equal(await exitOf(child), 1, output());
    assert.match(output(), /the agent of node-a must run until the story ends; it ended with signal SIGKILL/);
    assertNothingIsLeft(output());
  });

  test('a folder that cannot be made is an error that says so', async () => {
    const { child, output } = startStory('--keep', { TMPDIR: '/proc' });
    assert.equal(await exitOf(child), 1);
    assert.match(output(), /could not make a folder in \/proc: .*; set TMPDIR to a directory you can write to/);
  });

  test('an option it does not know is a usage error', async () => {
    const { child, output } = startStory('--kep');
    assert.equal(await exitOf(child), 2);
    assert.match(output(), /Unknown option '--kep'/);
  });

  test('--help shows the options', async () => {
    const { child, output } = startStory('--help');
    assert.equal(await exitOf(child), 0);
    assert.match(output(), /^ {2}--keep /m);
  });

  function startStory(option?: string, env: NodeJS.ProcessEnv = {}): { child: ChildProcess; output: () => string } {
    const args = option === undefined ? [] : [option];
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    started.push(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        output += chunk;
      });
    return { child, output: () => output };
  }
});

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('close', resolve));
}

/** Settles once the output matches. @throws Error when the process ends before. */
function lineOf(child: ChildProcess, output: () => string, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', () => pattern.test(output()) && resolve());
    child.once('close', () => reject(new Error(`ended before it printed ${pattern}:\n${output()}`)));
  });
}

function agentPids(output: string): string[] {
  const pids = [...output.matchAll(/(node-[abc]) {2}agent starts as process (\d+)/g)];
  return pids.sort((a, b) => String(a[1]).localeCompare(String(b[1]))).map(([, , pid]) => pid ?? '');
}

function assertNothingIsLeft(output: string): void {
  const pids = agentPids(output);
  assert.equal(pids.length, 3);
  for (const pid of pids) assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' });
  const folder = /touch (\S+)\/node-b\/sick/.exec(output)?.[1] ?? '';
  assert.notEqual(folder, '');
  assert.ok(!existsSync(folder), `${folder} is still there`);
}
