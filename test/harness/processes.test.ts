import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startSupervisor } from './processes.ts';
import { waitFor } from './wait-for.ts';

const FIXTURE = join(import.meta.dirname, 'fixtures', 'supervised.ts');

/** False for a zombie too: an orphan's end may be noticed late by whoever inherited it. */
function isRunning(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  if (existsSync(stat) && readFileSync(stat, 'utf8').includes(') Z ')) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function temporaryDir(): string {
  return mkdtempSync(join(tmpdir(), 'nsc-supervisor-'));
}

describe('the supervisor', () => {
  for (const ending of ['exit', 'throw', 'SIGINT', 'SIGTERM', 'SIGKILL']) {
    it(`ends its children and removes its directory when its own process ends by ${ending}`, async () => {
      const dir = temporaryDir();
      const parent = spawn(process.execPath, [FIXTURE, dir, ending], { stdio: ['ignore', 'pipe', 'ignore'] });
      let output = '';
      parent.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
      });
      const pid = await waitFor(() => Number(/^(\d+)\n/.exec(output)?.[1]), { what: 'the pid of the child' });
      await waitFor(() => !existsSync(dir), { what: 'the directory to go' });
      await waitFor(() => !isRunning(pid), { what: `child ${pid} to end` });
    });
  }

  it('ends its children and removes its directory when told to', async () => {
    const dir = temporaryDir();
    const supervisor = startSupervisor(dir);
    const child = supervisor.start('sleeper', 'sleep', ['600']);
    assert.equal(isRunning(child.pid), true);
    await supervisor.end();
    await child.exited;
    assert.equal(child.hasExited(), true);
    assert.equal(existsSync(dir), false);
  });

  it('shows the end of what a child logged', async () => {
    const supervisor = startSupervisor(temporaryDir());
    const child = supervisor.start('talker', 'sh', ['-c', 'echo to stdout; echo to stderr >&2']);
    await child.exited;
    assert.match(child.logTail(), /to stdout\nto stderr\n/);
    await supervisor.end();
  });

  it('refuses a program that is not there', async () => {
    const supervisor = startSupervisor(temporaryDir());
    assert.throws(() => supervisor.start('nothing', '/nonexistent/program', []), /cannot start \/nonexistent\/program/);
    await supervisor.end();
  });
});
