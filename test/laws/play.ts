import { act } from './acts.ts';
import type { History, Step } from './history.ts';
import { Judge } from './model.ts';
import { LEDGER, NODE, Stage } from './stage.ts';
import { type Outcome, World } from './world.ts';

/** Who was told to end has ended. */
const ENDED_WITHIN_MS = 3_000;
/**
 * By then all that was broken is mended again, whatever was waited for: a slot, a stalled watch, a back-off, and the look for
 * a Lease that came to be when nobody waited for it any more, every ten minutes.
 */
const SETTLES_WITHIN_MS = 620_000;
/** What is under way, and so many runs as any threshold asks for, come to their end first. */
const NEWS_MS = 8_500;
/** And so long it stays so. */
const STAYS_MS = 6_500;
/** Of it the end, in which nothing is written to a Node any more. */
const QUIET_MS = 4_000;
/** Whatever back-off of Events began while there was no Node, news has ended it. */
const TOLD_WITHIN_MS = 5_000;
/** After these nobody can say any more what had to be told. */
const NOT_PLAIN: ReadonlySet<Step['do']> = new Set([
  'deleteLedger',
  'garbleLedger',
  'repairLedger',
  'deleteClaim',
  'forgeClaim',
  'deleteNode',
  'startSecond',
  'release',
]);

/** Plays a history to its end, and says which promises were broken. */
export async function play(history: History): Promise<{ readonly world: World; readonly judge: Judge }> {
  const judge = new Judge();
  const world = new World(history.seed, judge);
  judge.nowMs = world.clock.nowMs;
  judge.epochMs = world.clock.wallMs() - world.clock.nowMs();
  const stage = new Stage(world, judge, history.directory);
  await playSteps(stage, history.steps);
  if (judge.problems.length === 0) await playEnd(stage, history);
  for (const life of world.lives) life.kill();
  world.cluster.stop();
  return { world, judge };
}

export function describeStep(step: Step): string {
  return JSON.stringify(step, (_, value) => (value instanceof RegExp ? String(value) : value));
}

async function playSteps(stage: Stage, steps: History['steps']): Promise<void> {
  const { clock } = stage.world;
  for (const step of steps) {
    await clock.run(clock.nowMs() + step.afterMs);
    stage.judge.note(`--- ${describeStep(step)}`);
    act(stage, step);
    if (stage.judge.problems.length > 0) return;
  }
}

/** Everything is mended; then every check fails, perhaps, and every check recovers. */
async function playEnd(stage: Stage, { end, keepsSecond, steps }: History): Promise<void> {
  const { world, judge } = stage;
  await world.clock.run(world.clock.nowMs() + ENDED_WITHIN_MS);
  judge.note('--- the end: everything is mended');
  world.cluster.faults.clear();
  await world.clock.run(Math.max(world.clock.nowMs(), stage.landedByMs));
  mend(stage, keepsSecond);
  if (end === 'fails, then recovers') {
    await settle(stage, 'failed', () => judge.unlikeFailed(world.cluster, NODE));
  }
  await settle(stage, 'healthy', () => judge.unlikeRecovered(world.cluster, NODE));
  if (!steps.some(isRefusal)) await tellAll(stage);
  judge.finish(
    world,
    steps.every((step) => !NOT_PLAIN.has(step.do)),
  );
}

/** A Node, a kubelet, one agent or two, and a directory that acts. */
function mend(stage: Stage, keepsSecond: boolean): void {
  const { world, directory } = stage;
  const { cluster } = world;
  for (const watch of [...cluster.watches]) watch.end();
  world.endHung();
  act(stage, { do: 'recreateNode', sameUid: true });
  act(stage, { do: 'kubelet', ready: true });
  const ledger = cluster.read('Node', NODE)?.metadata.annotations?.[LEDGER];
  if (ledger?.startsWith('x')) act(stage, { do: 'deleteLedger' });
  cluster.remove('PodDisruptionBudget', 'guard', 'default');
  act(stage, { do: 'otherCordoned', isCordoned: false });
  if (!keepsSecond) act(stage, { do: 'endSecond', how: 'kill' });
  stage.change({
    policies: directory.policies.map((knobs) => ({ ...knobs, mode: 'Enforce', paused: false })),
    budgets: directory.budgets.map((knobs) => ({ ...knobs, maxUnavailable: knobs.maxUnavailable || 1 })),
  });
  act(stage, { do: 'start' });
}

/** @param unlike what is not as it has to be then; null: nothing */
async function settle({ world, judge }: Stage, always: Outcome, unlike: () => string | null): Promise<void> {
  if (judge.problems.length > 0) return;
  const problem = () => unlike() ?? blind(world);
  const { clock } = world;
  const what = `every check is ${always}`;
  judge.note(`--- ${what}`);
  for (const name of ['a', 'b', 'c', 'a2', 'b2', 'c2']) {
    for (const command of ['1', '2']) world.script(NODE, `/check/${name} ${command}`, { first: [], always });
  }
  await clock.run(clock.nowMs() + NEWS_MS);
  const isOver = () => judge.problems.length > 0 || problem() === null;
  try {
    await clock.runUntil(isOver, { what, withinMs: SETTLES_WITHIN_MS });
  } catch (error) {
    judge.broken(`liveness: ${(error as Error).message}, yet ${problem()}`);
    return;
  }
  judge.note('--- settled');
  await clock.run(clock.nowMs() + STAYS_MS);
  const after = problem();
  if (clock.nowMs() - judge.wroteLastAtMs < QUIET_MS) judge.broken(`quiet: a Node is still written to while ${what}`);
  if (after !== null) judge.broken(`it did not stay so while ${what}: ${after}`);
}

/** Who stands by says so when it sees the Node, which may be after all else is as it has to be: a watch may be in a back-off. */
function blind(world: World): string | null {
  const version = world.cluster.read('Node', NODE)?.metadata.resourceVersion;
  const life = world.livingOn(NODE).find(({ agent }) => agent.node?.resourceVersion !== version);
  return life === undefined ? null : `${life.name} does not know its Node as it is`;
}

/** Each topic's latest word becomes an Event. */
async function tellAll({ world, judge }: Stage): Promise<void> {
  const isOver = () => judge.missingEvent(world) === null;
  try {
    await world.clock.runUntil(isOver, { what: 'Events', withinMs: TOLD_WITHIN_MS });
  } catch {
    judge.broken(`told: ${judge.missingEvent(world)}`);
  }
}

/** What is refused for good is not written again. */
function isRefusal(step: Step): boolean {
  return step.do === 'fault' && step.rule.fault.kind === 'status';
}
