import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { suite, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createConfigMapVolume } from '../../test/harness/config-map-volume.ts';
import { waitFor } from '../../test/harness/wait-for.ts';
import type { PolicyLoad } from '../core/policy.ts';
import { policyText } from './fixtures.ts';
import { formatPolicyErrors } from './format-error.ts';
import { watchPolicyDirectory } from './watch-directory.ts';

/** So many changes, one after another, would take polls alone more than twice the time there is for them. */
const CHANGES = 10;
const CHANGES_DEADLINE_MS = 9_000;

suite('a policy directory that changes is told', { concurrency: true }, () => {
  test('when a ConfigMap volume is swapped, each time, without waiting for a poll', async (t) => {
    const volume = createConfigMapVolume(join(temporary(t), 'volume'));
    volume.project({ 'a.yaml': policyText('first') });
    const watched = watch(t, volume.dir);
    await watched.until('valid first');
    await everySwap(watched, volume.dir);
    assert.deepEqual(watched.said, ['valid first', ...names().map((name) => `valid ${name}`)]);
  });

  const edits: Record<string, (dir: string, text: string) => void> = {
    'a file is written in place': (dir, text) => writeFileSync(join(dir, 'a.yaml'), text),
    'a file is renamed over another': (dir, text) => {
      writeFileSync(join(dir, '.a.yaml.swp'), text);
      renameSync(join(dir, '.a.yaml.swp'), join(dir, 'a.yaml'));
    },
    'sed -i edits a file': (dir, text) => {
      const name = /name: (\w+)/.exec(text)?.[1] ?? '';
      execFileSync('sed', ['-i', `s/name: .*}/name: ${name}}/`, join(dir, 'a.yaml')]);
    },
    'a file is added and another removed': (dir, text) => {
      writeFileSync(join(dir, `${Math.random()}.yaml`), text);
      rmSync(join(dir, 'a.yaml'), { force: true });
    },
    'another directory takes its place': (dir, text) => {
      mkdirSync(`${dir}.new`);
      writeFileSync(join(`${dir}.new`, 'a.yaml'), text);
      renameSync(dir, `${dir}.old`);
      renameSync(`${dir}.new`, dir);
      rmSync(`${dir}.old`, { recursive: true });
    },
    'it is deleted and made anew at once, with the same inode number perhaps': (dir, text) => {
      rmSync(dir, { recursive: true });
      mkdirSync(dir);
      writeFileSync(join(dir, 'a.yaml'), text);
    },
  };
  for (const [edit, change] of Object.entries(edits)) {
    test(`when ${edit}`, async (t) => {
      const dir = plainDirectory(t, { 'a.yaml': policyText('first') });
      const watched = watch(t, dir);
      await watched.until('valid first');
      change(dir, policyText('second'));
      await watched.until('valid second');
      if (!edit.includes('added')) await everySwap(watched, dir);
    });
  }

  test('when it is a link that is pointed elsewhere, and what changes there', async (t) => {
    const parent = temporary(t);
    const link = join(parent, 'link');
    const point = (name: string) => {
      mkdirSync(join(parent, name));
      writeFileSync(join(parent, name, 'a.yaml'), policyText(name));
      symlinkSync(name, join(parent, 'tmp'));
      renameSync(join(parent, 'tmp'), link);
    };
    point('first');
    const watched = watch(t, link);
    await watched.until('valid first');
    point('second');
    await watched.until('valid second');
    writeFileSync(join(link, 'a.yaml'), policyText('third'));
    await watched.until('valid third');
    await everySwap(watched, link);
  });

  test('amid events without end, and told only what changed', async (t) => {
    const dir = plainDirectory(t, { 'a.yaml': policyText('first') });
    let events = 0;
    const log = setInterval(() => appendFileSync(join(dir, 'log'), `${++events}\n`), 5);
    t.after(() => clearInterval(log));
    const watched = watch(t, dir);
    await watched.until('valid first');
    await waitFor(() => events > 100, { what: 'many events' });
    writeFileSync(join(dir, 'tmp'), policyText('second'));
    renameSync(join(dir, 'tmp'), join(dir, 'a.yaml'));
    await watched.until('valid second');
    await everySwap(watched, dir);
    assert.deepEqual(watched.said, ['valid first', 'valid second', ...names().map((name) => `valid ${name}`)]);
  });
});

suite('a policy directory', { concurrency: true }, () => {
  test('that is not there is an error until it comes, and is watched then', async (t) => {
    const dir = join(temporary(t), 'policies');
    const watched = watch(t, dir);
    await watched.until(/must be a directory that can be read \(nothing is there/);
    mkdirSync(dir);
    writeFileSync(join(dir, 'a.yaml'), policyText('here'));
    await watched.until('valid here');
    await everySwap(watched, dir);
  });

  test('that vanishes is an error, and is in force again when the same is back', async (t) => {
    const dir = plainDirectory(t, { 'a.yaml': policyText('same') });
    const watched = watch(t, dir);
    await watched.until('valid same');
    renameSync(dir, `${dir}.away`);
    await watched.until(/nothing is there/);
    renameSync(`${dir}.away`, dir);
    await watched.until('valid same');
    assert.equal(watched.said.length, 3);
    await everySwap(watched, dir);
  });

  test('is told when it becomes bad, bad otherwise, and good as before', async (t) => {
    const volume = createConfigMapVolume(join(temporary(t), 'volume'));
    const good = { 'a.yaml': policyText('good') };
    volume.project(good);
    const watched = watch(t, volume.dir);
    await watched.until('valid good');
    volume.project({ 'a.yaml': policyText('good', { mode: 'X' }) });
    await watched.until(/\$\.spec\.mode: /);
    volume.project({ 'a.yaml': policyText('good', { paused: 'X' }) });
    await watched.until(/\$\.spec\.paused: /);
    volume.project(good);
    await watched.until('valid good');
    volume.project({});
    await watched.until(/must hold at least one file/);
    assert.equal(watched.said.length, 5, watched.said.join('\n'));
  });

  test('with an empty file says so, and never that its policy is gone', async (t) => {
    const dir = plainDirectory(t, { 'a.yaml': policyText('a'), 'b.yaml': policyText('b') });
    const watched = watch(t, dir);
    await watched.until('valid a,b');
    writeFileSync(join(dir, 'b.yaml'), '');
    await watched.until(/^b\.yaml: \$: must not be empty$/);
    writeFileSync(join(dir, 'b.yaml'), policyText('c'));
    await watched.until('valid a,c');
    assert.equal(watched.said.length, 3);
  });

  test('that could not be brought into force is told as an error, and the next one gets its turn', async (t) => {
    const dir = plainDirectory(t, { 'a.yaml': policyText('first') });
    const watched = watch(t, dir, (load) => {
      if (load.valid && load.set.policies[0]?.metadata.name === 'bad') throw new Error('no room');
    });
    await watched.until('valid first');
    writeFileSync(join(dir, 'a.yaml'), policyText('bad'));
    await watched.until(/must be possible to bring into force \(no room\)/);
    writeFileSync(join(dir, 'a.yaml'), policyText('next'));
    await watched.until('valid next');
  });

  test('that shows a defect of ours has it told as one, too, and the next one gets its turn', async (t) => {
    const dir = plainDirectory(t, { 'a.yaml': policyText('first') });
    const watched = watch(t, dir, (load) => {
      if (load.valid && load.set.policies[0]?.metadata.name === 'bad') throw new TypeError('x is not a function');
      if (!load.valid) throw new TypeError('y is not a function');
    });
    await watched.until('valid first');
    writeFileSync(join(dir, 'a.yaml'), policyText('bad'));
    await watched.until('problem: TypeError: x is not a function');
    await watched.until('problem: TypeError: y is not a function');
    writeFileSync(join(dir, 'a.yaml'), policyText('next'));
    await watched.until('valid next');
  });

  test('is not told any more once the watch is stopped', async (t) => {
    const dir = plainDirectory(t, { 'a.yaml': policyText('first') });
    const [stopped, other] = [watch(t, dir), watch(t, dir)];
    await stopped.until('valid first');
    await other.until('valid first');
    writeFileSync(join(dir, 'a.yaml'), policyText('second'));
    stopped.stop();
    await other.until('valid second');
    await everySwap(other, dir);
    assert.deepEqual(stopped.said, ['valid first']);
  });
});

suite('what is edited in place', { concurrency: true }, () => {
  test('is told when it is whole, and nothing of what it was meanwhile', async (t) => {
    const dir = plainDirectory(t, { 'a.yaml': policyText('first') });
    const watched = watch(t, dir);
    await watched.until('valid first');
    await writeInParts(t, join(dir, 'a.yaml'));
    await watched.until('valid a,b,c,d,e');
    assert.equal(watched.said.length, 2, watched.said.join('\n'));
  });

  test('and given back unchanged is no news', async (t) => {
    const dir = plainDirectory(t, { 'a.yaml': policyText('first') });
    const watched = watch(t, dir);
    await watched.until('valid first');
    await writeInParts(t, join(dir, 'a.yaml'));
    writeFileSync(join(dir, 'a.yaml'), policyText('first'));
    const other = watch(t, dir);
    await other.until('valid first');
    await everySwap(watched, dir);
    assert.equal(watched.said[1], `valid ${names()[0]}`);
  });

  test('without end is told as an error, once, and what it comes to as well', async (t) => {
    const dir = plainDirectory(t, { 'a.yaml': policyText('first') });
    const watched = watch(t, dir, undefined, { restlessMs: 200 });
    await watched.until('valid first');
    let edits = 0;
    const editing = setInterval(() => writeFileSync(join(dir, 'a.yaml'), policyText(`edit${++edits}`)), 50);
    t.after(() => clearInterval(editing));
    await watched.until(/must say the same for 1 s \(it has been changing for 0\.2 s\)/);
    const told = edits;
    await waitFor(() => edits > told + 5, { what: 'more edits' });
    clearInterval(editing);
    writeFileSync(join(dir, 'a.yaml'), policyText('first'));
    await watched.until('valid first');
    assert.equal(watched.said.length, 3, watched.said.join('\n'));
  });
});

suite('a process that watches a policy directory', { concurrency: true }, () => {
  for (const loads of [0, 1]) {
    test(`ends by itself when it stops after ${loads} loads`, async (t) => {
      const dir = plainDirectory(t, { 'a.yaml': policyText('first') });
      const driver = startDriver(t, [...DRIVER, dir, String(loads)]);
      assert.equal(await waitFor(() => driver.exitCode(), { what: 'its end' }), 'exit code 0');
      assert.equal(driver.said.length, loads);
    });
  }

  const canUnshare = spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'true']).status === 0;
  const noNamespaces = !canUnshare && 'this user may make no namespaces';
  for (const limit of ['max_inotify_watches', 'max_inotify_instances']) {
    test(`finds changes when there is no watch to be had for ${limit}`, { skip: noNamespaces }, async (t) => {
      const volume = createConfigMapVolume(join(temporary(t), 'volume'));
      volume.project({ 'a.yaml': policyText('first') });
      const script = `cd /proc/sys/user; echo 0 > ${limit} && [ "$(cat ${limit})" = 0 ] && cd / && exec "$@"`;
      const unshare = ['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh'];
      const driver = startDriver(t, [...unshare, ...DRIVER, volume.dir]);
      await driver.until('valid first');
      volume.project({ 'a.yaml': policyText('second') });
      await driver.until('valid second');
      volume.project({});
      await driver.until(/must hold at least one file/);
      await driver.end();
    });
  }

  const noFuse = noNamespaces || (!existsSync('/dev/fuse') && 'there is no /dev/fuse');
  test('says that a file system hangs, has threads left, and goes on when it is over', { skip: noFuse }, async (t) => {
    const dir = plainDirectory(t, { 'a.yaml': policyText('first') });
    const hangs = fileURLToPath(new URL('fixtures/hangs.sh', import.meta.url));
    const unshare = ['unshare', '--user', '--map-root-user', '--mount', hangs, dir];
    const driver = startDriver(t, [...unshare, ...DRIVER, dir], { UV_THREADPOOL_SIZE: '2' });
    await driver.until('alive after 1');
    driver.writeLine();
    await driver.until(/must be a directory that can be read \(no answer within 5 s\)/);
    await driver.until('alive after 2');
    driver.writeLine();
    await driver.until('valid first');
    await driver.end();
  });
});

const RUNTIME = 'Deno' in globalThis ? [process.execPath, 'run', '--allow-all', '--no-check'] : [process.execPath];
const DRIVER = [...RUNTIME, fileURLToPath(new URL('fixtures/watch-driver.ts', import.meta.url))];

type Watched = {
  /** A line for each load. */
  readonly said: readonly string[];
  /** The next line that nobody waited for yet and that is this or like this. */
  until(line: string | RegExp, deadlineMs?: number): Promise<void>;
};

function waitingFor(said: readonly string[]): Watched['until'] {
  let from = 0;
  return async (line, deadlineMs) => {
    const isIt = (one: string) => (typeof line === 'string' ? one === line : line.test(one));
    const found = () => {
      const index = said.findIndex((one, index) => index >= from && isIt(one));
      if (index === -1) throw new Error(said.join('\n'));
      return index + 1;
    };
    from = await waitFor(found, { what: `the line ${line}`, deadlineMs });
  };
}

function watch(
  t: TestContext,
  dir: string,
  onLoad?: (load: PolicyLoad) => void,
  options?: { restlessMs: number },
): Watched & { stop(): void } {
  const said: string[] = [];
  const take = (load: PolicyLoad) => {
    onLoad?.(load);
    const names = load.valid ? load.set.policies.map(({ metadata }) => metadata.name) : [];
    said.push(load.valid ? `valid ${names}` : formatPolicyErrors(load.errors).join());
  };
  const watching = watchPolicyDirectory(dir, take, (error) => said.push(`problem: ${error}`), options);
  t.after(() => watching.stop());
  return { said, until: waitingFor(said), stop: () => watching.stop() };
}

function startDriver(t: TestContext, [program = '', ...args]: readonly string[], env = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, detached: true });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => said.push(line));
  }
  const closed = new Promise((resolve) => child.once('close', resolve));
  const end = async () => {
    if (child.pid && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
    await closed;
  };
  t.after(end);
  return {
    said,
    until: waitingFor(said),
    /** Deno runs no `after` of a test in a suite, so a test that gets this far has to. */
    end,
    writeLine: () => child.stdin.write('\n'),
    exitCode: () => child.exitCode !== null && `exit code ${child.exitCode}`,
  };
}

function names(): string[] {
  return Array.from({ length: CHANGES }, (_, n) => `change${n}`);
}

/**
 * The watch is on what stands there now: the directory becomes a ConfigMap volume, if it is none, and is swapped again
 * and again, each time when the swap before was told.
 */
async function everySwap(watched: Watched, dir: string): Promise<void> {
  const volume = createConfigMapVolume(dir);
  const endsAt = performance.now() + CHANGES_DEADLINE_MS;
  for (const name of names()) {
    volume.project({ [`${name}.yaml`]: policyText(name) });
    await watched.until(`valid ${name}`, endsAt - performance.now());
  }
}

/** Writes a file of five policies, one after another; after each part a watch had the time to read it, and less than 1 s. */
async function writeInParts(t: TestContext, file: string): Promise<void> {
  const parts = ['a', 'b', 'c', 'd', 'e'].flatMap((name) => [policyText(name), '---\n']);
  let written = 0;
  const writing = setInterval(() => {
    const part = parts[written++];
    if (written === 1) writeFileSync(file, part ?? '');
    else if (part !== undefined) appendFileSync(file, part);
  }, 150);
  t.after(() => clearInterval(writing));
  await waitFor(() => written >= parts.length, { what: 'the whole file' });
  clearInterval(writing);
}

function temporary(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-watch-'));
  t.after(() => rmSync(dir, { recursive: true, maxRetries: 3 }));
  return dir;
}

function plainDirectory(t: TestContext, texts: Readonly<Record<string, string>>): string {
  const dir = join(temporary(t), 'policies');
  mkdirSync(dir);
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(dir, name), text);
  return dir;
}
