import { daemonSetPodOn, NODE_NAMES, SECOND_SICK_NODE, SICK_NODE } from './cluster.ts';
import {
  eventsOn,
  isLookForLeases,
  ledgerOf,
  podsOn,
  readNode,
  requestsOfAgents,
  slotsOf,
  snapshotNode,
  taintsOf,
} from './evidence.ts';
import { BUDGET_NAME, FAILURE_THRESHOLD, POLICY_NAME, TAINT } from './files.ts';
import { verifyMetrics } from './metrics.ts';
import {
  annotationsOf,
  type Before,
  failuresInARow,
  hasEvent,
  isCordoned,
  isGivenBack,
  isHealthy,
  logOf,
  newPatches,
  newWrites,
  runsOf,
  verifyAsItWas,
  verifyGivenBack,
  verifyUntouched,
} from './observe.ts';
import type { Stage } from './stage.ts';

const NEIGHBOURS = NODE_NAMES.filter((name) => name !== SICK_NODE);
const HEALTHY_NODES = NEIGHBOURS.filter((name) => name !== SECOND_SICK_NODE);
const POLICY_REPORT = 'node-svc-checker/policy';
const AGENT = 'node-svc-checker/agent';
const FIRST_LEASE = `nsc-${BUDGET_NAME}-${SICK_NODE}`;
const SECOND_LEASE = `nsc-${BUDGET_NAME}-${SECOND_SICK_NODE}`;

/** Plays the story from beginning to end. @throws Error saying what did not happen, or was other than it must be. */
export async function playStory(stage: Stage): Promise<void> {
  await everyNodeIsHealthy(stage);
  const before = new Map(NODE_NAMES.map((name) => [name, snapshotNode(stage.simulator, name)] as const));
  await aHiccupChangesNothing(stage, before);
  await theFourthFailureActs(stage, before);
  await theDrainEmptiesTheNode(stage, before);
  await aSecondNodeIsDenied(stage, before);
  await recoveryHandsTheSlotOver(stage, before);
  await theSecondRecovers(stage, before);
  await verifyMetrics(stage);
}

async function everyNodeIsHealthy(stage: Stage): Promise<void> {
  const { simulator, agents, until, verify } = stage;
  stage.chapter('1/7 Three nodes, an agent on each: every check is healthy.');
  stage.startAgents();
  for (const name of NODE_NAMES) {
    await until(`two healthy checks on ${name}`, () => runsOf(stage, name) >= 2 && isHealthy(stage, name));
    await until(`the policy report on ${name}`, () => POLICY_REPORT in annotationsOf(stage, name));
    await until(`Event PolicyReloaded on ${name}`, () => hasEvent(stage, name, 'PolicyReloaded'));
  }
  await until("each agent's watch", () => simulator.watches.size === agents.size);
  // Of an earlier life.
  const looks = () => requestsOfAgents(simulator).filter(({ path }) => path.includes('/leases?'));
  await until("each agent's look for slots of its own", () => looks().length >= agents.size);

  const revision = logOf(stage, SICK_NODE).find(({ msg }) => msg === 'policy in force')?.revision;
  const report = { spec: {}, annotations: [AGENT, POLICY_REPORT], says: JSON.stringify({ revision }) };
  verify(
    'every Node bears the name of its agent and the report of the same policy revision, and nothing else',
    NODE_NAMES.map((name) => {
      const annotations = annotationsOf(stage, name);
      const { spec } = readNode(simulator, name);
      return { spec, annotations: Object.keys(annotations).sort(), says: annotations[POLICY_REPORT] };
    }),
    NODE_NAMES.map(() => report),
  );
}

async function aHiccupChangesNothing(stage: Stage, before: Before): Promise<void> {
  const { simulator, until, verify } = stage;
  stage.chapter(`2/7 ${SICK_NODE} fails twice, below the threshold: nothing happens.`);
  const requests = () => requestsOfAgents(simulator).filter((request) => !isLookForLeases(request)).length;
  const settled = requests();
  breakNode(stage, SICK_NODE);
  await until(`two failures on ${SICK_NODE}`, () => failuresInARow(stage, SICK_NODE) >= 2);
  healNode(stage, SICK_NODE);
  await until(`${SICK_NODE} to be healthy again`, () => isHealthy(stage, SICK_NODE));
  verify('no agent made a request, but to look for Leases of its own', requests(), settled);
  verifyUntouched(stage, before, NODE_NAMES);
}

async function theFourthFailureActs(stage: Stage, before: Before): Promise<void> {
  const { simulator, until, verify } = stage;
  stage.chapter(
    `3/7 ${SICK_NODE} fails on: at failure ${FAILURE_THRESHOLD} in a row it is cordoned, tainted and drained.`,
  );
  const alreadyLogged = logOf(stage, SICK_NODE).length;
  breakNode(stage, SICK_NODE);
  await until(`${SICK_NODE} to be cordoned`, () => isCordoned(stage, SICK_NODE));
  await until(`Event NodeTainted on ${SICK_NODE}`, () => hasEvent(stage, SICK_NODE, 'NodeTainted'));

  const log = logOf(stage, SICK_NODE).slice(alreadyLogged);
  const untilFailing = log.slice(0, 1 + log.findIndex(({ msg }) => msg === 'policy failing'));
  const counted = untilFailing.filter(({ msg }) => msg === 'check failed').map(({ failures }) => failures);
  verify(
    `it took ${FAILURE_THRESHOLD} failures in a row`,
    counted,
    Array.from({ length: FAILURE_THRESHOLD }, (_, i) => i + 1),
  );

  const node = readNode(simulator, SICK_NODE);
  const { nodeUid, marks, policies = {} } = ledgerOf(node) ?? {};
  verify(`${SICK_NODE} has the policy's taint`, taintsOf(node), [TAINT]);
  verify(
    'the ledger says that cordon and taint are ours, and for which policy',
    { nodeUid, marks, policies: Object.keys(policies) },
    {
      nodeUid: node.metadata.uid,
      marks: [
        { effect: 'cordon', mark: {}, owner: 'Ours' },
        { effect: 'taint', mark: TAINT, owner: 'Ours' },
      ],
      policies: [POLICY_NAME],
    },
  );
  verify(
    'all of it went out in one write, guarded by the resourceVersion',
    newPatches(stage, before, SICK_NODE)
      .slice(0, 1)
      .map(({ metadata, spec }) => [metadata.resourceVersion, Object.keys(spec ?? {}).sort()]),
    [[before.get(SICK_NODE)?.node.metadata.resourceVersion, ['taints', 'unschedulable']]],
  );
  verify(
    `before that, the agent took the slot of budget ${BUDGET_NAME}: a Lease`,
    newWrites(stage, before).slice(0, 2),
    [`create Lease ${FIRST_LEASE}`, `patch Node ${SICK_NODE}`],
  );
  verifyUntouched(stage, before, NEIGHBOURS);
}

async function theDrainEmptiesTheNode(stage: Stage, before: Before): Promise<void> {
  const { simulator, until, verify } = stage;
  stage.chapter(`4/7 The drain evicts the pods of ${SICK_NODE}, all but the DaemonSet's.`);
  await until(`Event DrainSucceeded on ${SICK_NODE}`, () => hasEvent(stage, SICK_NODE, 'DrainSucceeded'));
  verify(`what runs on ${SICK_NODE} is the DaemonSet's pod`, podsOn(simulator, SICK_NODE), [daemonSetPodOn(SICK_NODE)]);
  verify('the end of the drain took one write more', newPatches(stage, before, SICK_NODE).length, 2);
}

async function aSecondNodeIsDenied(stage: Stage, before: Before): Promise<void> {
  const { simulator, until, verify } = stage;
  stage.chapter(`5/7 ${SECOND_SICK_NODE} fails too; the budget is full, so it stays as it is.`);
  breakNode(stage, SECOND_SICK_NODE);
  await until(`Event BudgetDenied on ${SECOND_SICK_NODE}`, () => hasEvent(stage, SECOND_SICK_NODE, 'BudgetDenied'));
  const failures = failuresInARow(stage, SECOND_SICK_NODE);
  await until(`one more failure on ${SECOND_SICK_NODE}`, () => failuresInARow(stage, SECOND_SICK_NODE) > failures);

  const reason = `budget ${BUDGET_NAME} is full, 1 of 1 disrupted`;
  const denials = logOf(stage, SECOND_SICK_NODE).filter(({ msg }) => msg === 'slot denied');
  verify(
    `its log says why: ${reason}`,
    denials.map((entry) => [entry.budget, entry.reason]),
    [[BUDGET_NAME, reason]],
  );
  const events = eventsOn(simulator, SECOND_SICK_NODE).filter((event) => event.reason === 'BudgetDenied');
  verify(
    'so does Event BudgetDenied',
    events.map(({ message }) => message.endsWith(`: ${reason}`)),
    [true],
  );
  verifyAsItWas(stage, before, SECOND_SICK_NODE);
  verify(`there is one Lease, and ${SICK_NODE} holds it`, slotsOf(simulator), [
    { lease: FIRST_LEASE, budget: BUDGET_NAME, holder: SICK_NODE },
  ]);
  verify(`${SICK_NODE} stays sick, and there is no other write`, newPatches(stage, before, SICK_NODE).length, 2);
}

async function recoveryHandsTheSlotOver(stage: Stage, before: Before): Promise<void> {
  const { simulator, until, verify } = stage;
  stage.chapter(`6/7 ${SICK_NODE} recovers: one write undoes it all, and ${SECOND_SICK_NODE} gets its slot.`);
  healNode(stage, SICK_NODE);
  await until(`${SICK_NODE} to be given back`, () => isGivenBack(stage, SICK_NODE));
  await until(`Event NodeReleased on ${SICK_NODE}`, () => hasEvent(stage, SICK_NODE, 'NodeReleased'));
  verifyGivenBack(stage, before, SICK_NODE);
  verify('that took one write more', newPatches(stage, before, SICK_NODE).length, 3);

  await until(`Event DrainSucceeded on ${SECOND_SICK_NODE}`, () => hasEvent(stage, SECOND_SICK_NODE, 'DrainSucceeded'));
  const node = readNode(simulator, SECOND_SICK_NODE);
  verify(
    `${SECOND_SICK_NODE} is cordoned, tainted and drained`,
    {
      cordoned: isCordoned(stage, SECOND_SICK_NODE),
      taints: taintsOf(node),
      pods: podsOn(simulator, SECOND_SICK_NODE),
    },
    { cordoned: true, taints: [TAINT], pods: [daemonSetPodOn(SECOND_SICK_NODE)] },
  );
  verify('only after the first Lease was deleted was the second made', newWrites(stage, before).slice(3), [
    `patch Node ${SICK_NODE}`,
    `delete Lease ${FIRST_LEASE}`,
    `create Lease ${SECOND_LEASE}`,
    `patch Node ${SECOND_SICK_NODE}`,
    `patch Node ${SECOND_SICK_NODE}`,
  ]);
}

async function theSecondRecovers(stage: Stage, before: Before): Promise<void> {
  const { simulator, until, verify } = stage;
  stage.chapter(`7/7 ${SECOND_SICK_NODE} recovers too: no Lease is left.`);
  healNode(stage, SECOND_SICK_NODE);
  await until(`${SECOND_SICK_NODE} to be given back`, () => isGivenBack(stage, SECOND_SICK_NODE));
  await until(`Event NodeReleased on ${SECOND_SICK_NODE}`, () => hasEvent(stage, SECOND_SICK_NODE, 'NodeReleased'));
  await until('the last Lease to be deleted', () => slotsOf(simulator).length === 0);
  verifyGivenBack(stage, before, SECOND_SICK_NODE);
  verify('its slot was given back after the write that undid the rest', newWrites(stage, before).slice(8), [
    `patch Node ${SECOND_SICK_NODE}`,
    `delete Lease ${SECOND_LEASE}`,
  ]);
  verifyUntouched(stage, before, HEALTHY_NODES);
}

function breakNode({ files, tell }: Stage, name: string): void {
  tell('story', `touch ${files.sickFile(name)}`);
  files.breakNode(name);
}

function healNode({ files, tell }: Stage, name: string): void {
  tell('story', `rm ${files.sickFile(name)}`);
  files.healNode(name);
}
