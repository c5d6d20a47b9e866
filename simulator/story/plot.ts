import { DAEMON_SET_POD, NODE_NAMES, SICK_NODE } from './cluster.ts';
import {
  eventsOn,
  ledgerOf,
  type NodeSnapshot,
  patchesOf,
  podsOn,
  readNode,
  requestsOf,
  snapshotNode,
  taintsOf,
} from './evidence.ts';
import { FAILURE_THRESHOLD, POLICY_NAME, TAINT } from './files.ts';
import type { Stage } from './stage.ts';

const NEIGHBOURS = NODE_NAMES.filter((name) => name !== SICK_NODE);
const LIST = new Intl.ListFormat('en-GB');
const POLICY_REPORT = 'node-svc-checker/policy';

/** Plays the story from beginning to end. @throws Error saying what did not happen, or was other than it must be. */
export async function playStory(stage: Stage): Promise<void> {
  await everyNodeIsHealthy(stage);
  const before = new Map(NODE_NAMES.map((name) => [name, snapshotNode(stage.simulator, name)] as const));
  await aHiccupChangesNothing(stage, before);
  await theFourthFailureActs(stage, before);
  await theDrainEmptiesTheNode(stage, before);
  await recoveryUndoesExactlyThat(stage, before);
}

/** How each node was once its agent had settled in. */
type Before = ReadonlyMap<string, NodeSnapshot>;

async function everyNodeIsHealthy(stage: Stage): Promise<void> {
  const { simulator, agents, until, verify } = stage;
  stage.chapter('1/5 Three nodes, an agent on each: every check is healthy.');
  stage.startAgents();
  for (const name of NODE_NAMES) {
    await until(`two healthy checks on ${name}`, () => runsOf(stage, name) >= 2 && isHealthy(stage, name));
    await until(`the policy report on ${name}`, () => POLICY_REPORT in annotationsOf(stage, name));
    await until(`Event PolicyReloaded on ${name}`, () => reasonsOn(stage, name).includes('PolicyReloaded'));
  }
  await until("each agent's watch", () => simulator.watches.size === agents.size);

  const revision = logOf(stage, SICK_NODE).find(({ msg }) => msg === 'policy in force')?.revision;
  const report = { spec: {}, annotations: { [POLICY_REPORT]: JSON.stringify({ revision }) } };
  verify(
    'every Node bears the report of the same policy revision, and nothing else',
    NODE_NAMES.map((name) => ({ spec: readNode(simulator, name).spec, annotations: annotationsOf(stage, name) })),
    NODE_NAMES.map(() => report),
  );
}

async function aHiccupChangesNothing(stage: Stage, before: Before): Promise<void> {
  stage.chapter(`2/5 ${SICK_NODE} fails twice, below the threshold: nothing happens.`);
  breakNode(stage);
  await stage.until(`two failures on ${SICK_NODE}`, () => failuresInARow(stage) >= 2);
  healNode(stage);
  await stage.until(`${SICK_NODE} to be healthy again`, () => isHealthy(stage, SICK_NODE));
  verifyUntouched(stage, before, NODE_NAMES);
}

async function theFourthFailureActs(stage: Stage, before: Before): Promise<void> {
  const { simulator, until, verify } = stage;
  stage.chapter(
    `3/5 ${SICK_NODE} fails on: at failure ${FAILURE_THRESHOLD} in a row it is cordoned, tainted and drained.`,
  );
  const alreadyLogged = logOf(stage, SICK_NODE).length;
  breakNode(stage);
  await until(`${SICK_NODE} to be cordoned`, () => isCordoned(stage));
  await until(`Event NodeTainted on ${SICK_NODE}`, () => reasonsOn(stage, SICK_NODE).includes('NodeTainted'));

  const log = logOf(stage, SICK_NODE).slice(alreadyLogged);
  const untilFailing = log.slice(0, 1 + log.findIndex(({ msg }) => msg === 'policy failing'));
  const counted = untilFailing.filter(({ msg }) => msg === 'check failed').map(({ failures }) => failures);
  verify(
    `it took ${FAILURE_THRESHOLD} failures in a row`,
    counted,
    Array.from({ length: FAILURE_THRESHOLD }, (_, i) => i + 1),
  );

  const node = readNode(simulator, SICK_NODE);
  const { nodeUid, cordon, taints, policies = {} } = ledgerOf(node) ?? {};
  verify(`${SICK_NODE} has the policy's taint`, taintsOf(node), [TAINT]);
  verify(
    'the ledger says that cordon and taint are ours, and for which policy',
    { nodeUid, cordon, taints, policies: Object.keys(policies) },
    { nodeUid: node.metadata.uid, cordon: 'Ours', taints: [{ ...TAINT, owner: 'Ours' }], policies: [POLICY_NAME] },
  );
  verify(
    'all of it went out in one write, guarded by the resourceVersion',
    newPatches(stage, before)
      .slice(0, 1)
      .map(({ metadata, spec }) => [metadata.resourceVersion, Object.keys(spec ?? {}).sort()]),
    [[before.get(SICK_NODE)?.node.metadata.resourceVersion, ['taints', 'unschedulable']]],
  );
  verifyUntouched(stage, before, NEIGHBOURS);
}

async function theDrainEmptiesTheNode(stage: Stage, before: Before): Promise<void> {
  const { simulator, until, verify } = stage;
  stage.chapter(`4/5 The drain evicts the pods of ${SICK_NODE}, all but the DaemonSet's.`);
  await until(`Event DrainSucceeded on ${SICK_NODE}`, () => reasonsOn(stage, SICK_NODE).includes('DrainSucceeded'));
  verify(`what runs on ${SICK_NODE} is the DaemonSet's pod`, podsOn(simulator, SICK_NODE), [DAEMON_SET_POD]);
  verify('the end of the drain took one write more', newPatches(stage, before).length, 2);

  const failures = failuresInARow(stage);
  await until(`one more failure on ${SICK_NODE}`, () => failuresInARow(stage) > failures);
  verify(`${SICK_NODE} stays sick, and there is no other write`, newPatches(stage, before).length, 2);
}

async function recoveryUndoesExactlyThat(stage: Stage, before: Before): Promise<void> {
  const { simulator, until, verify } = stage;
  stage.chapter(`5/5 ${SICK_NODE} recovers: one write takes back exactly what was done.`);
  healNode(stage);
  // The control plane takes its own taint away some time after the agent has uncordoned.
  await until(`${SICK_NODE} to be given back`, () => !isCordoned(stage) && !readNode(simulator, SICK_NODE).spec.taints);
  await until(`Event NodeReleased on ${SICK_NODE}`, () => reasonsOn(stage, SICK_NODE).includes('NodeReleased'));

  const was = before.get(SICK_NODE)?.node;
  const { spec, metadata } = readNode(simulator, SICK_NODE);
  verify(
    `${SICK_NODE} is as it was, and says that it is not being drained`,
    { spec, labels: metadata.labels, annotations: metadata.annotations },
    {
      spec: was?.spec,
      labels: was?.metadata.labels,
      annotations: { ...was?.metadata.annotations, 'node-svc-checker-drain-state': 'drainNotActive' },
    },
  );
  verify('that took one write more', newPatches(stage, before).length, 3);
  verifyUntouched(stage, before, NEIGHBOURS);
}

function breakNode({ files, tell }: Stage): void {
  tell('story', `touch ${files.sickFile(SICK_NODE)}`);
  files.breakNode(SICK_NODE);
}

function healNode({ files, tell }: Stage): void {
  tell('story', `rm ${files.sickFile(SICK_NODE)}`);
  files.healNode(SICK_NODE);
}

/** Nothing was written to these Nodes. The neighbours' agents did not even ask: a check that stays healthy is free. */
function verifyUntouched({ simulator, verify }: Stage, before: Before, names: readonly string[]): void {
  verify(
    `no request from ${LIST.format(names)}, and no change`,
    names.map((name) => ({
      requests: requestsOf(simulator, name).length,
      pods: podsOn(simulator, name),
      resourceVersion: readNode(simulator, name).metadata.resourceVersion,
    })),
    names.map((name) => ({
      requests: before.get(name)?.requests,
      pods: before.get(name)?.pods,
      resourceVersion: before.get(name)?.node.metadata.resourceVersion,
    })),
  );
}

type NodePatchBody = { metadata: { resourceVersion?: string }; spec?: Record<string, unknown> };

function newPatches({ simulator }: Stage, before: Before): NodePatchBody[] {
  const patches = patchesOf(simulator, SICK_NODE).slice(before.get(SICK_NODE)?.patches);
  return patches.map(({ body }) => JSON.parse(body));
}

function isCordoned({ simulator }: Stage): boolean {
  return readNode(simulator, SICK_NODE).spec.unschedulable === true;
}

function annotationsOf({ simulator }: Stage, name: string): Readonly<Record<string, string>> {
  return readNode(simulator, name).metadata.annotations ?? {};
}

function reasonsOn({ simulator }: Stage, name: string): string[] {
  return eventsOn(simulator, name).map(({ reason }) => reason);
}

function logOf({ agents }: Stage, name: string) {
  return agents.get(name)?.log ?? [];
}

function runsOf({ agents }: Stage, name: string): number {
  return agents.get(name)?.reading.runs ?? 0;
}

function isHealthy({ agents }: Stage, name: string): boolean {
  return agents.get(name)?.reading.checks[POLICY_NAME]?.verdict === 'OK';
}

function failuresInARow({ agents }: Stage): number {
  return agents.get(SICK_NODE)?.reading.checks[POLICY_NAME]?.failures ?? 0;
}
