import { seededRandom } from '../../simulator/random.ts';
import type { Change } from '../../simulator/store.ts';
import type { KubeObject } from '../../simulator/types.ts';
import { type BudgetKnobs, KNOBS, type PolicyKnobs, setOf } from './history.ts';
import { type Observer, World } from './world.ts';

const LEDGER = 'node-svc-checker/ledger';
const BUDGET: BudgetKnobs = { name: 'all', maxUnavailable: '10%', onlyStorage: false, topologyKey: false };
/** Beside it: in each zone, and never changed. */
const ZONES = 4;
const ZONE_BUDGET: BudgetKnobs = { name: 'zone', maxUnavailable: '16%', onlyStorage: false, topologyKey: true };
const POLICY: PolicyKnobs = { ...KNOBS, failureThreshold: 2, periodSeconds: 5, cordon: true };

/** What one fleet went through. */
export type FleetReport = {
  readonly problems: readonly string[];
  /** Most nodes that were disrupted at once, and under which limit. */
  readonly mostDisrupted: number;
  readonly requests: number;
  /** Of any second of virtual time. */
  readonly mostRequestsASecond: number;
  readonly virtualMs: number;
};

/**
 * The agents of a whole cluster: all checks fail at once, some recover, some agents are killed and started anew, the budget
 * becomes smaller and larger, and in the end every check is healthy.
 */
export async function playFleet(size: number, seed: number): Promise<FleetReport> {
  const watcher = new Watcher(Math.ceil((16 * (size / ZONES)) / 100));
  const world = new World(seed, watcher);
  watcher.nowMs = world.clock.nowMs;
  const names = Array.from({ length: size }, (_, n) => `node-${n}`);
  const random = seededRandom(seed);
  const some = (share: number) => names.filter(() => random() < share);
  const until = (atMs: number) => world.clock.run(atMs);
  const becomes = (nodes: readonly string[], outcome: 'failed' | 'healthy') => {
    for (const name of nodes)
      world.script(name, `/check/${POLICY.name} ${POLICY.command}`, { first: [], always: outcome });
  };
  let revision = 0;
  const allow = (maxUnavailable: string, limit: number) => {
    revision += 1;
    watcher.limits.push({ limit, atMs: world.clock.nowMs() });
    const set = setOf({ policies: [POLICY], budgets: [{ ...BUDGET, maxUnavailable }, ZONE_BUDGET] }, `r${revision}`);
    for (const name of names) world.give(name, { valid: true, set });
  };
  const die = async (nodes: readonly string[], forMs: number) => {
    for (const name of nodes) for (const life of world.livingOn(name)) life.kill();
    await until(world.clock.nowMs() + forMs);
    for (const name of nodes) world.start(name);
  };

  for (const name of names) world.addNode(name, { labels: { zone: zoneOf(name) } });
  allow('10%', Math.ceil(size / 10));
  for (const name of names) world.start(name);
  await until(14_000);
  const maintained = some(0.03);
  const cordon = (nodes: readonly string[], isCordoned: boolean) => {
    for (const name of nodes) {
      world.cluster.edit('Node', name, (node) => {
        node.spec.unschedulable = isCordoned;
      });
    }
  };
  cordon(maintained, true);
  await until(15_000);
  becomes(names, 'failed');
  await until(60_000);
  becomes(some(0.3), 'healthy');
  await until(80_000);
  cordon(maintained, false);
  await until(90_000);
  await die(some(0.1), 4_000);
  becomes(some(0.2), 'failed');
  allow('5%', Math.ceil(size / 20));
  await until(150_000);
  await die(some(0.05), 20_000);
  allow('20%', Math.ceil(size / 5));
  await until(220_000);
  becomes(names, 'healthy');
  await world.clock.runUntil(() => watcher.disrupted.size === 0 && world.cluster.list('Lease', 'nsc').length === 0, {
    what: 'every node and every slot to be given back',
    withinMs: 300_000,
  });
  for (const life of world.lives) {
    for (const bug of life.bugs) watcher.problems.push(`a defect of ${life.name}: ${bug}`);
    life.kill();
  }
  if (watcher.mostDisrupted < Math.ceil(size / 10)) watcher.problems.push('the budget was never made full use of');
  return { ...watcher.report(), virtualMs: world.clock.nowMs() };
}

/** Counts, at every version of every Node, what agents disrupt. */
class Watcher implements Observer {
  readonly problems: string[] = [];
  readonly disrupted = new Set<string>();
  /** Cordoned by people, who ask no budget. */
  readonly maintained = new Set<string>();
  readonly limits: { readonly limit: number; readonly atMs: number }[] = [];
  readonly #zoneLimit: number;
  mostDisrupted = 0;
  nowMs: () => number = () => 0;
  readonly #bySecond = new Map<number, number>();
  #requests = 0;

  constructor(zoneLimit: number) {
    this.#zoneLimit = zoneLimit;
  }

  began(): void {}
  given(): void {}
  told(): void {}
  runEnded(): void {}

  runStarted(): object {
    return {};
  }

  sent(): void {
    const second = Math.floor(this.nowMs() / 1000);
    this.#bySecond.set(second, (this.#bySecond.get(second) ?? 0) + 1);
    this.#requests += 1;
  }

  changed({ resource, object, type, by }: Change): void {
    if (resource.kind !== 'Node') return;
    const { name } = object.metadata;
    const before = this.disrupted.size;
    if (by === 'hands' && object.spec?.unschedulable === true) this.maintained.add(name);
    else if (object.spec?.unschedulable !== true) this.maintained.delete(name);
    if (type !== 'DELETED' && isDisrupted(object)) this.disrupted.add(name);
    else this.disrupted.delete(name);
    this.mostDisrupted = Math.max(this.mostDisrupted, this.disrupted.size);
    if (this.disrupted.size > before) this.#judge(name);
  }

  /** A smaller limit takes nobody's slot away, it only lets nobody else in. */
  #judge(name: string): void {
    const all = [...new Set([...this.disrupted, ...this.maintained])];
    const here = all.filter((other) => zoneOf(other) === zoneOf(name));
    const limit = this.limits.at(-1)?.limit ?? 0;
    for (const [count, most] of [[all.length, limit] as const, [here.length, this.#zoneLimit] as const]) {
      if (count <= most) continue;
      this.problems.push(`at ${this.nowMs()} ms ${name} is one of ${count} disrupted nodes, of at most ${most}`);
    }
  }

  report(): Omit<FleetReport, 'virtualMs'> {
    const { problems, mostDisrupted } = this;
    return {
      problems,
      mostDisrupted,
      requests: this.#requests,
      mostRequestsASecond: Math.max(...this.#bySecond.values()),
    };
  }
}

function zoneOf(name: string): string {
  return `zone-${Number(name.split('-')[1]) % ZONES}`;
}

/** By what an agent has written down that it did. */
function isDisrupted({ metadata, spec }: KubeObject): boolean {
  return spec?.unschedulable === true && metadata.annotations?.[LEDGER] !== undefined;
}
