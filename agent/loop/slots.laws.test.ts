import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc, { type Scheduler } from 'fast-check';
import type { SlotNeed } from '../core/orders/orders.ts';
import type { NodeDisruptionBudget } from '../core/policy.ts';
import type { Clock } from '../core/ports.ts';
import {
  budgetSelects,
  type LabelledNode,
  limitOf,
  NO_SLOTS_ANSWER,
  type SlotLease,
  slotStateOf,
  topologyOf,
} from '../core/slot.ts';
import { createSlots, type Slots, type SlotsOptions } from './slots.ts';

/**
 * Agents on one API server, whose requests arrive and are answered in any order, who crash between any two of them, and
 * whose Leases and nodes people touch. At no instant are more nodes disrupted than a budget allows, and nobody starves.
 */

const ZONE = 'topology.kubernetes.io/zone';

function budget(name: string, spec: Partial<NodeDisruptionBudget['spec']>): NodeDisruptionBudget {
  return {
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeDisruptionBudget',
    metadata: { name },
    spec: { nodeSelector: {}, maxUnavailable: 1, ...spec },
  };
}

const BUDGETS: Readonly<Record<string, readonly NodeDisruptionBudget[]>> = {
  'one node': [budget('one', { maxUnavailable: 1 })],
  'two nodes': [budget('two', { maxUnavailable: 2 })],
  'a percentage': [budget('percent', { maxUnavailable: '30%' })],
  'one node in each zone': [budget('zone', { maxUnavailable: 1, topologyKey: ZONE })],
  'several budgets': [
    budget('all', { maxUnavailable: 2 }),
    budget('even', { maxUnavailable: 1, nodeSelector: { matchLabels: { parity: 'even' } } }),
    budget('zone', { maxUnavailable: 1, topologyKey: ZONE }),
  ],
};

/** Of an endless run, which would mean that somebody starves. */
const MAX_CALLS = 20_000;

/** `cordons`: what its policy does to it; otherwise it only taints, which no list of cordoned nodes shows. */
type ModelNode = LabelledNode & { uid: string; cordons: boolean; ours: boolean; byPerson: boolean };

class World {
  readonly nodes = new Map<string, ModelNode>();
  readonly leases = new Map<string, SlotLease>();
  readonly #watchers = new Set<() => void>();
  readonly #scheduler: Scheduler;
  readonly budgets: readonly NodeDisruptionBudget[];
  #version = 0;
  calls = 0;

  constructor(scheduler: Scheduler, budgets: readonly NodeDisruptionBudget[], nodes: number, byPerson: number) {
    this.#scheduler = scheduler;
    this.budgets = budgets;
    for (let n = 0; n < nodes; n++) {
      const labels = { [ZONE]: n % 3 === 0 ? 'a' : 'b', parity: n % 2 === 0 ? 'even' : 'odd' };
      const name = `node-${n}`;
      this.nodes.set(name, {
        name,
        uid: `uid-${n}`,
        labels,
        cordons: n % 2 === 0,
        ours: false,
        byPerson: n === byPerson,
      });
    }
  }

  /** A request: it takes effect at one moment and is answered at a later one. */
  async call<T>(label: string, effect: () => T): Promise<T> {
    if (++this.calls > MAX_CALLS) throw new Error('somebody starves');
    await this.#scheduler.schedule(Promise.resolve(), label);
    const result = effect();
    await this.#scheduler.schedule(Promise.resolve(), `${label}: answered`);
    return result;
  }

  api(nodeName: string): SlotsOptions['api'] {
    const own = this.nodes.get(nodeName);
    const all = (keep: (node: ModelNode) => boolean) =>
      [...this.nodes.values()].filter(keep).map(({ name, labels }) => ({ name, labels }));
    const leases = (name?: string) => [...this.leases.values()].filter((lease) => !name || lease.budget === name);
    return {
      nameOf: (name, node) => `nsc-${name}-${node}`,
      isConflict: (error) => error instanceof Error && error.message === 'conflict',
      isForbidden: () => false,
      list: (name) => this.call(`${nodeName} lists Leases`, () => leases(name)),
      read: (name) => this.call(`${nodeName} reads its Lease`, () => this.leases.get(name) ?? null),
      listCordoned: () =>
        this.call(`${nodeName} lists cordoned`, () => all((node) => (node.ours && node.cordons) || node.byPerson)),
      listSelected: (of) => this.call(`${nodeName} counts nodes`, () => all((node) => budgetSelects(of, node))),
      create: (of, holder) =>
        this.call(`${nodeName} creates a Lease`, () => {
          const name = `nsc-${of.metadata.name}-${nodeName}`;
          if (this.leases.has(name)) throw new Error('conflict');
          const lease = {
            name,
            uid: `lease-${++this.#version}`,
            resourceVersion: String(this.#version),
            createdAt: '2026-01-01T00:00:00Z',
            budget: of.metadata.name,
            holder: nodeName,
            ownerUid: own?.uid ?? '',
            topology: topologyOf(of, holder),
          };
          this.leases.set(name, lease);
          this.#changed();
          return lease;
        }),
      remove: (lease) =>
        this.call(`${nodeName} deletes its Lease`, () => {
          if (this.leases.get(lease.name)?.uid === lease.uid) this.leases.delete(lease.name);
          this.#changed();
        }),
      watch: (name, onLeases, signal) =>
        new Promise((resolve) => {
          const tell = () => onLeases(leases(name));
          this.#watchers.add(tell);
          signal.addEventListener('abort', () => {
            this.#watchers.delete(tell);
            resolve();
          });
          tell();
        }),
    };
  }

  #changed(): void {
    for (const tell of this.#watchers) tell();
  }

  /** What the agents do to nodes, which must never be too much. */
  disrupt(nodeName: string): void {
    const node = this.nodes.get(nodeName);
    assert.ok(node);
    node.ours = true;
    for (const of of this.budgets) {
      if (!budgetSelects(of, node)) continue;
      const place = topologyOf(of, node);
      const counted = [...this.nodes.values()].filter(
        (other) => budgetSelects(of, other) && topologyOf(of, other) === place,
      );
      const disrupted = counted.filter(({ ours, byPerson }) => ours || byPerson).length;
      const limit = limitOf(of.spec.maxUnavailable, counted.length);
      assert.ok(
        disrupted <= limit,
        `${disrupted} nodes are disrupted under ${of.metadata.name}, which allows ${limit}`,
      );
    }
  }
}

/** One node's agent: `episodes` times its check fails, the node is disrupted, and given back. */
async function live(world: World, scheduler: Scheduler, name: string, lives: readonly Life[]): Promise<void> {
  for (const life of lives) {
    const node = world.nodes.get(name);
    assert.ok(node);
    let changed = () => {};
    let answered = NO_SLOTS_ANSWER;
    const slots: Slots = createSlots({
      api: world.api(name),
      stillDisrupted: () => world.call(`${name} reads its node`, () => node.ours),
      onAnswer(answer) {
        answered = answer;
        changed();
      },
      onProblem: (error) => assert.fail(error as Error),
      // A life of this model ends when all that it has sent was answered.
      mayLandMs: 0,
      clock: clockOf(scheduler, name),
    });
    const obey = (need: SlotNeed) => slots.obey({ need, node, budgets: world.budgets });
    const granted = () =>
      new Promise<void>((resolve) => {
        changed = () => {
          if (slotStateOf(node, world.budgets, answered).state === 'Granted') resolve();
        };
        changed();
      });
    const crashed = (at: Life['crash']) => life.crash === at;

    const act = async () => {
      if (!node.ours) {
        obey('Want');
        if (crashed('while it waits')) return;
        await granted();
        if (crashed('when granted')) return;
        if (life.hesitates) {
          obey('None');
          await world.call(`${name} has recovered`, () => {});
          obey('Want');
          await granted();
        }
        await world.call(`${name} is disrupted`, () => world.disrupt(name));
        if (crashed('when disrupted')) return;
      }
      obey('Keep');
      await world.call(`${name} is disrupted for a while`, () => {});
      await world.call(`${name} is given back`, () => {
        node.ours = false;
      });
      if (crashed('when given back')) return;
      obey('None');
      await until(world, name, () => ![...world.leases.values()].some(({ holder }) => holder === name));
    };
    await act();
    await slots.stop();
  }
}

/** However long anything sleeps, it goes on at any time. */
function clockOf(scheduler: Scheduler, name: string): Clock {
  const wake = (): Promise<void> => scheduler.schedule(Promise.resolve(), `${name} has slept`);
  return {
    nowMs: () => 0,
    wallMs: () => 0,
    random: () => 0.5,
    after: () => () => {},
    async sleep(_, signal) {
      if (signal?.aborted) return;
      const aborted = new Promise<void>((resolve) => {
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([wake(), aborted]);
    },
  };
}

/** A person's cordon, which was there first, ends at some time. */
async function uncordonByHand(world: World): Promise<void> {
  for (const node of world.nodes.values()) {
    if (!node.byPerson) continue;
    for (let n = 0; n < 10; n++) await world.call('a person works on a node', () => {});
    node.byPerson = false;
  }
}

async function until(world: World, name: string, condition: () => boolean): Promise<void> {
  while (!condition()) await world.call(`${name} looks`, () => {});
}

type Life = {
  /** Its check recovers after the grant, and fails again at once. */
  readonly hesitates: boolean;
  readonly crash: 'never' | 'while it waits' | 'when granted' | 'when disrupted' | 'when given back';
};

const anyLife = fc.record<Life>({
  hesitates: fc.boolean(),
  crash: fc.constantFrom('never', 'while it waits', 'when granted', 'when disrupted', 'when given back'),
});
/** The last life is a whole one, so that what the others left behind is cleaned up. */
const anyLives = fc
  .array(anyLife, { maxLength: 2 })
  .map((lives): Life[] => [...lives, { crash: 'never', hesitates: true }]);

for (const [what, budgets] of Object.entries(BUDGETS)) {
  test(`whatever the order and whoever crashes, never more than ${what} is disrupted, and everybody has a turn`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(anyLives, { minLength: 2, maxLength: 5 }),
        fc.nat(6),
        async (scheduler, agents, byPerson) => {
          const world = new World(scheduler, budgets, agents.length, byPerson);
          const all = [uncordonByHand(world), ...agents.map((lives, n) => live(world, scheduler, `node-${n}`, lives))];
          await scheduler.waitFor(Promise.all(all));
          assert.equal(world.leases.size, 0);
        },
      ),
      { numRuns: 25 },
    );
  });
}
