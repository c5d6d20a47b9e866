import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setScene, until } from '../faults/agent-scene.ts';
import { readSamples } from '../harness/metrics-text.ts';
import { RUNTIMES, skipWithoutRuntime } from '../harness/nsc-command.ts';
import { addSickPolicy } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

describe('a process that a check leaves outside of its process group', { concurrency: 3 }, () => {
  for (const runtime of RUNTIMES) {
    test(`is told and counted, on ${runtime}`, { skip: skipWithoutRuntime(runtime) }, async (t) => {
      let pid = 0;
      t.after(() => pid > 0 && process.kill(pid, 'SIGKILL'));
      const scene = await setScene(t);
      // The only one, so that the first look is after its run.
      rmSync(join(scene.check.policyDir, 'sick-check.yaml'));
      // Of no other test, whose processes may be left here.
      const name = `leaves-${runtime}-${process.pid}`;
      const [script, pidFile] = [join(scene.check.policyDir, '..', 'leaves.sh'), join(scene.dir, 'pid')];
      // The first run starts it, and ends when it is there.
      const daemon = `setsid sh -c 'echo $$ >${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 600' &`;
      writeFileSync(
        script,
        `#!/bin/sh\n[ -e ${pidFile} ] || ${daemon}\nuntil [ -e ${pidFile} ]; do sleep 0.1; done\n`,
        {
          mode: 0o755,
        },
      );
      addSickPolicy(scene.check.policyDir, name, { check: { command: [script], timeoutSeconds: 60 } });
      const agent = scene.start(runtime);
      pid = Number(await waitFor(() => readFileSync(pidFile, 'utf8'), { what: 'the process' }));

      assert.match(
        await agent.waitForLine(new RegExp(`leaves processes running outside .*policy=${name} `)),
        / processes=1 example=sleep$/,
      );
      const samples = readSamples((await agent.get('/metrics')).body);
      assert.equal(samples.get(`nsc_check_left_behind_processes{policy="${name}"}`), 1);
      const isTold = () => scene.simulator.list('Event').some(({ reason }) => reason === 'ProcessesLeftBehind');
      await until('the Event', isTold);
    });
  }
});
