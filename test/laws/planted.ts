import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A defect as somebody might make it, and the promise that breaks by it. */
type Planted = {
  readonly what: string;
  /** From the project's root. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly suite: 'laws' | 'fleet';
  readonly breaks: RegExp;
};

const RUNS = '1500';
const ROOT = join(import.meta.dirname, '..', '..');

const PLANTED: readonly Planted[] = [
  {
    what: 'Unknown counts as Failed',
    file: 'agent/core/health.ts',
    from: "    case 'Unknown':\n      return health;\n    case 'Failed':",
    to: "    case 'Unknown':\n    case 'Failed':",
    suite: 'laws',
    breaks: /threshold: /,
  },
  {
    what: 'a check that says nothing is told a run too early',
    file: 'agent/core/silence.ts',
    from: 'SILENT_RUNS_UNTIL_TOLD = 3',
    to: 'SILENT_RUNS_UNTIL_TOLD = 2',
    suite: 'laws',
    breaks: /told: .* says nothing after 2 runs/,
  },
  {
    what: 'one healthy run is enough',
    file: 'agent/core/health.ts',
    from: 'health.successes >= thresholds.successThreshold',
    to: 'health.successes >= 1',
    suite: 'laws',
    breaks: /keeps: /,
  },
  {
    what: 'a restarted agent forgets what it holds',
    file: 'agent/core/take.ts',
    from: 'adoptLedger(state.roster, ledger, known, last === null || isOwn)',
    to: 'state.roster',
    suite: 'laws',
    breaks: /keeps: /,
  },
  {
    what: "a person's marks are taken away, too",
    file: 'agent/core/effects/compare-marks.ts',
    from: "owner === 'Ours' && !marks.some",
    to: "owner !== 'TakenAway' && !marks.some",
    suite: 'laws',
    breaks: /people: /,
  },
  {
    what: 'what a person took away is put there again',
    file: 'agent/core/effects/compare-marks.ts',
    from: "  if (found === undefined || (memory.owner === 'TakenAway' && effect.isTakenAwayForGood)) return 'TakenAway';",
    to: "  if (found === undefined) return 'Ours';",
    suite: 'laws',
    breaks: /people: /,
  },
  {
    what: 'the kubelet is not looked at',
    file: 'agent/core/gates/kubelet.ts',
    from: 'node.ready ? null :',
    to: 'node.ready || kept === null ? null :',
    suite: 'laws',
    breaks: /do no harm: /,
  },
  {
    what: 'a budget of nothing lets something through',
    file: 'agent/core/gates/budget.ts',
    from: "if (state === 'Granted'",
    to: "if (state === 'Denied' || state === 'Granted'",
    suite: 'laws',
    breaks: /budget: /,
  },
  {
    what: 'a slot is granted whatever comes before it',
    file: 'agent/core/slot.ts',
    from: 'return taken.size < limit ?',
    to: 'return lease !== null || taken.size < limit ?',
    suite: 'fleet',
    breaks: /disrupted nodes, of at most/,
  },
  {
    what: 'a slot is given back while its node is disrupted',
    file: 'agent/core/decide.ts',
    from: "if (isDisrupting(ledgerOf(node))) return order('Keep');",
    to: "if (isDisrupting(ledgerOf(node))) return order('None');",
    suite: 'laws',
    breaks: /there is no Lease/,
  },
  {
    what: 'pods are evicted before the cordon has landed',
    file: 'agent/core/decide.ts',
    from: 'node.unschedulable ? comparison.drains.filter(hasLanded).map(timed) : []',
    to: 'comparison.drains.map(timed)',
    suite: 'laws',
    breaks: /evictions: /,
  },
  {
    what: 'pods of a namespace that is left alone are evicted',
    file: 'agent/core/orders/eviction-choice.ts',
    from: "return 'NamespaceExcluded'",
    to: 'return null',
    suite: 'laws',
    breaks: /evictions: /,
  },
  {
    what: 'two agents act on a node',
    file: 'agent/core/claim.ts',
    from: 'return claimedUid === node.uid || startedLater(claim, own) ? claim : null;',
    to: 'return null;',
    suite: 'laws',
    breaks: /quiet: |bounded: |report|keeps: |threshold: /,
  },
  {
    what: 'a write is not guarded',
    file: 'agent/kube/node-api.ts',
    from: 'metadata: { ...change.metadata, resourceVersion } }',
    to: 'metadata: { ...change.metadata } }; void resourceVersion',
    suite: 'laws',
    breaks: /guarded: /,
  },
  {
    what: 'what is taken back is not told',
    file: 'agent/core/node-facts.ts',
    from: 'return [...turned, ...takenBack];',
    to: 'void takenBack;\n      return turned;',
    suite: 'laws',
    breaks: /told: /,
  },
  {
    what: 'nothing is written again after a failure',
    file: 'agent/loop/write-loop.ts',
    from: 'if (waitMs > 0) await backOff(waitMs);',
    to: 'if (waitMs > 0) await new Promise(() => {});',
    suite: 'laws',
    breaks: /liveness: |report/,
  },
  {
    what: 'nobody waits after a failure',
    file: 'agent/loop/write-loop.ts',
    from: 'if (waitMs > 0) await backOff(waitMs);',
    to: 'if (waitMs > 0) await clock.sleep(1);',
    suite: 'laws',
    breaks: /bounded: /,
  },
  {
    what: 'the ledger follows what a check says',
    file: 'agent/core/holds.ts',
    from: '...(held ?? { since: now, ...saidAtFirst(watched) }),',
    to: 'since: held?.since ?? now, ...saidAtFirst({ ...watched, said: watched.verdict ?? watched.said } as WatchedPolicy),',
    suite: 'laws',
    breaks: /said: /,
  },
  {
    what: 'a condition follows the exit code',
    file: 'agent/core/condition-states.ts',
    from: "if (before?.status === 'False' && (before.reason === 'CheckFailing' || isMapped(before))) return 'Kept';",
    to: 'if (verdict?.mapped) return { status: "False", reason: verdict.mapped, message: "Policy a: check is failing (" + verdict.mapped + ")" };',
    suite: 'laws',
    breaks: /said: /,
  },
];

/** Plants each defect in a copy of the sources, and wants the laws to find it. */
function main(): void {
  const wanted = process.argv.slice(2);
  let missed = 0;
  for (const planted of PLANTED) {
    if (wanted.length > 0 && !wanted.some((word) => planted.what.includes(word))) continue;
    const startedMs = Date.now();
    const found = isFound(planted);
    if (found !== null) missed += 1;
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
    process.stdout.write(`${found === null ? '✔ found' : '✖ MISSED'} in ${seconds} s: ${planted.what}${found ?? ''}\n`);
  }
  process.exitCode = missed === 0 ? 0 : 1;
}

/** @returns null, or what was seen instead */
function isFound({ file, from, to, suite, breaks }: Planted): string | null {
  const copy = mkdtempSync(join(tmpdir(), 'nsc-planted-'));
  try {
    for (const part of ['agent', 'simulator', 'test/laws', 'package.json']) {
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const path = join(copy, file);
    const source = readFileSync(path, 'utf8');
    if (source.split(from).length !== 2) return `: ${file} must have ${JSON.stringify(from)} once`;
    writeFileSync(
      path,
      source.replace(from, () => to),
    );
    const { status, stdout } = spawnSync(process.execPath, ['--test', `test/laws/${suite}.test.ts`], {
      cwd: copy,
      encoding: 'utf8',
      env: { ...process.env, NSC_LAWS_RUNS: RUNS, NSC_LAWS_SEED: '2' },
      maxBuffer: 256 * 1024 * 1024,
    });
    if (status === 0) return ', no law was broken';
    const broken = stdout.split('\n').filter((line) => line.includes('BROKEN') || line.includes('disrupted nodes'));
    return broken.some((line) => breaks.test(line)) ? null : `, another law was broken: ${broken[0] ?? stdout}`;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

main();
