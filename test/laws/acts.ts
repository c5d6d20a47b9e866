import type { PolicyLoad } from '../../agent/core/policy.ts';
import { releaseNode } from '../../agent/core/release.ts';
import { createNodeApi, toNodeView } from '../../agent/kube/node-api.ts';
import { type Directory, FOREIGN_TAINT, OUR_TAINTS, type Step, setOf } from './history.ts';
import { FIRST_POD, LEDGER, NODE, OTHERS, SECOND_POD, type Stage } from './stage.ts';

const CLAIM = 'node-svc-checker/agent';
const INVALID: PolicyLoad = {
  valid: false,
  revision: null,
  errors: [{ file: 'a.yaml', line: 1, column: 1, path: '$', requirement: 'must be an object', found: '1' }],
};

/** Does what a step says. */
export function act(stage: Stage, step: Step): void {
  (ACTS[step.do] as (stage: Stage, step: Step) => void)(stage, step);
}

type Act<Kind extends Step['do']> = (stage: Stage, step: Extract<Step, { do: Kind }>) => void;

const ACTS: { readonly [Kind in Step['do']]: Act<Kind> } = {
  script({ world }, { policy, first, always }) {
    for (const command of ['1', '2']) world.script(NODE, `/check/${policy} ${command}`, { first, always });
  },

  reload(stage, { policy, change }) {
    const policies = stage.directory.policies.map((knobs) => (knobs.name === policy ? { ...knobs, ...change } : knobs));
    stage.change({ policies });
  },
  addPolicy(stage, { policy }) {
    stage.change({ policies: [...stage.directory.policies.filter(({ name }) => name !== policy.name), policy] });
  },
  removePolicy(stage, { policy }) {
    stage.change({ policies: stage.directory.policies.filter(({ name }) => name !== policy) });
  },
  renamePolicy(stage, { policy }) {
    const renamed = `${policy}2`;
    const policies = stage.directory.policies
      .filter(({ name }) => name !== renamed)
      .map((knobs) => (knobs.name === policy ? { ...knobs, name: renamed } : knobs));
    stage.change({ policies });
  },
  budgets: (stage, { budgets }) => stage.change({ budgets }),
  invalidDirectory: (stage) => stage.give(INVALID),
  sameDirectory: (stage) => stage.give(),

  cordon: (stage) => setCordon(stage, true),
  uncordon: (stage) => setCordon(stage, false),
  otherCordoned: (stage, { isCordoned }) => setCordon(stage, isCordoned, OTHERS[0]),
  taintForeign(stage) {
    stage.editTaints((taints) => [...taints.filter(({ key }) => key !== FOREIGN_TAINT.key), FOREIGN_TAINT]);
  },
  untaintForeign(stage) {
    stage.editTaints((taints) => taints.filter(({ key }) => key !== FOREIGN_TAINT.key));
  },
  taintOurs(stage) {
    const [ours] = OUR_TAINTS;
    const theirs = { ...ours, value: 'by-person' };
    stage.editTaints((taints) => [...taints.filter(({ key }) => key !== ours?.key), theirs]);
  },
  untaintOurs(stage) {
    stage.editTaints((taints) => taints.filter(({ key }) => !OUR_TAINTS.some((ours) => ours.key === key)));
  },
  deleteLedger: (stage) => stage.editAnnotations((annotations) => void delete annotations[LEDGER]),
  deleteClaim: (stage) => stage.editAnnotations((annotations) => void delete annotations[CLAIM]),
  forgeClaim: (stage) => stage.editAnnotations((annotations) => Object.assign(annotations, { [CLAIM]: '{"id":"x"}' })),
  garbleLedger(stage) {
    stage.editAnnotations((annotations) => {
      const text = annotations[LEDGER];
      if (text !== undefined) annotations[LEDGER] = `x${text}`;
    });
  },
  repairLedger(stage) {
    stage.editAnnotations((annotations) => {
      const text = annotations[LEDGER];
      if (text !== undefined) annotations[LEDGER] = text.replace(/^x+/, '');
    });
  },
  deleteLeases({ world: { cluster } }) {
    for (const { metadata } of cluster.list('Lease', 'nsc')) cluster.remove('Lease', metadata.name, 'nsc');
  },
  relabel(stage) {
    stage.edit(({ metadata: { labels } }) => {
      labels.role = labels.role === 'storage' ? 'other' : 'storage';
    });
  },
  /** One guarded write that takes back what is ours; it comes to nothing where an agent writes first. */
  release({ world: { cluster } }) {
    const found = cluster.read('Node', NODE);
    const release = found && releaseNode(toNodeView(found, 'release it'));
    if (release?.kind !== 'Release') return;
    createNodeApi(cluster.connect('hands'), NODE)
      .patch(release.patch)
      .catch(() => {});
  },

  kubelet(stage, { ready }) {
    stage.edit((node) => {
      node.status.conditions = [{ type: 'Ready', status: ready ? 'True' : 'False', reason: 'Kubelet' }];
    });
  },
  kill: (stage) => stage.end(FIRST_POD, 'kill'),
  terminate: (stage) => stage.end(FIRST_POD, 'terminate'),
  start: (stage) => stage.start(FIRST_POD),
  restart(stage) {
    stage.end(FIRST_POD, 'kill');
    stage.start(FIRST_POD);
  },
  startSecond(stage, { others }) {
    const { policies, budgets } = stage.directory;
    const own: Directory = { policies: policies.slice(1), budgets };
    stage.start(SECOND_POD, others ? { valid: true, set: setOf(own, 'other') } : undefined);
  },
  endSecond(stage, { how }) {
    stage.end(SECOND_POD, how);
    stage.world.cluster.remove('Pod', SECOND_POD, 'nsc');
  },
  deleteNode(stage) {
    const { cluster } = stage.world;
    stage.deleted = cluster.read('Node', NODE) ?? stage.deleted;
    cluster.remove('Node', NODE);
  },
  recreateNode(stage, { sameUid }) {
    const { cluster } = stage.world;
    if (cluster.read('Node', NODE) || stage.deleted === null) return;
    if (sameUid) cluster.seed({ ...stage.deleted, kind: 'Node' });
    else stage.addNode();
  },

  fault(stage, { rule, lastsMs }) {
    const { world, judge } = stage;
    const active = world.cluster.faults.add(rule);
    world.clock.after(lastsMs, () => active.remove());
    if (rule.method === undefined || rule.method === 'GET') judge.isBlind = true;
    const lateMs = 'ms' in rule.fault ? rule.fault.ms : 0;
    if (lateMs > 0) stage.landedByMs = Math.max(stage.landedByMs, world.clock.nowMs() + lastsMs + lateMs);
  },
  cutWatches({ world }) {
    for (const watch of [...world.cluster.watches]) watch.cut();
  },
  expireWatches({ world }) {
    for (const watch of [...world.cluster.watches]) watch.expire();
  },
  /** Those of the Node hear of a version from before. */
  replayWatches({ world, judge }) {
    const older = judge.olderNode(NODE);
    for (const watch of [...world.cluster.watches]) {
      if (older && watch.path.includes(`metadata.name%3D${NODE}`)) watch.resend(older);
    }
  },

  pod(stage, { app, namespace }) {
    stage.pods += 1;
    stage.world.cluster.seed({
      kind: 'Pod',
      metadata: { name: `${app}-${stage.pods}`, namespace, labels: { app } },
      spec: { nodeName: NODE, terminationGracePeriodSeconds: 1 },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    });
  },
  guardPods({ world }, { maxUnavailable }) {
    world.cluster.seed({
      kind: 'PodDisruptionBudget',
      metadata: { name: 'guard', namespace: 'default' },
      spec: { maxUnavailable, selector: { matchLabels: { app: 'web' } } },
    });
  },
};

function setCordon(stage: Stage, isCordoned: boolean, name: string = NODE): void {
  stage.edit((node) => {
    node.spec.unschedulable = isCordoned;
  }, name);
}
