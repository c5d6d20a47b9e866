import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { afterEach, test } from 'node:test';
import { configuredRuntime, nscCommand, RUNTIMES, skipWithoutRuntime } from './nsc-command.ts';

const before = process.env.NSC_RUNTIME;
afterEach(() => {
  if (before === undefined) delete process.env.NSC_RUNTIME;
  else process.env.NSC_RUNTIME = before;
});

for (const runtime of RUNTIMES) {
  test(`with NSC_RUNTIME=${runtime} that is what runs`, { skip: skipWithoutRuntime(runtime) }, () => {
    process.env.NSC_RUNTIME = runtime;
    const [program, ...args] = nscCommand(['validate', 'policies']);
    assert.equal(basename(program), { node: 'node', deno: 'deno', executable: 'nsc' }[runtime]);
    assert.deepEqual(args.slice(-2), ['validate', 'policies']);
    assert.deepEqual(args.includes('--allow-read=policies'), runtime === 'deno');
  });
}

test('without NSC_RUNTIME it is node, and a runtime that a test names comes first', () => {
  for (const unset of [undefined, '']) {
    if (unset === undefined) delete process.env.NSC_RUNTIME;
    else process.env.NSC_RUNTIME = unset;
    assert.equal(configuredRuntime(), 'node');
  }
  process.env.NSC_RUNTIME = 'deno';
  assert.equal(nscCommand([], { runtime: 'node' })[0], process.execPath);
});

test('another NSC_RUNTIME is an error that says which there are', () => {
  process.env.NSC_RUNTIME = 'bun';
  assert.throws(() => nscCommand(['validate']), /NSC_RUNTIME must be one of node, deno, executable, found bun$/);
});

test('on Deno nothing is granted that the command line does not name', () => {
  const [, ...args] = nscCommand(['status'], { runtime: 'deno' });
  assert.deepEqual(
    args.filter((arg) => /^--allow-(read|net)/.test(arg)),
    [],
  );
});
