import type { PolicyLoad } from '../../agent/core/policy.ts';
import type { EditableObject } from '../../simulator/hands.ts';
import type { KubeObject } from '../../simulator/types.ts';
import { type Directory, setOf } from './history.ts';
import type { Life } from './life.ts';
import type { Judge } from './model.ts';
import type { World } from './world.ts';

export const NODE = 'n1';
/** Beside the node of the history, so that percentages mean something. */
export const OTHERS = ['o1', 'o2', 'o3'] as const;
export const LEDGER = 'node-svc-checker/ledger';
export const FIRST_POD = `agent-${NODE}`;
export const SECOND_POD = 'agent-surge';

/** Where a history is played: a world, one node that it is about, and what its policy directory says. */
export class Stage {
  readonly world: World;
  readonly judge: Judge;
  directory: Directory;
  /** Of the history's node, when it was deleted. */
  deleted: KubeObject | null = null;
  /** By then whatever was held back on its way has landed. */
  landedByMs = 0;
  /** How many pods were made. */
  pods = 0;
  #revision = 0;

  constructor(world: World, judge: Judge, directory: Directory) {
    this.world = world;
    this.judge = judge;
    this.directory = directory;
    this.addNode();
    for (const name of OTHERS) world.addNode(name, { labels: { zone: 'z1' } });
    this.give();
    world.start(NODE, FIRST_POD);
  }

  addNode(): void {
    this.world.addNode(NODE, { labels: { role: 'storage', zone: 'z1' } });
  }

  /** The agents of the node read their directory, or this in its place. */
  give(load: PolicyLoad | null = null): void {
    this.#revision += 1;
    this.world.give(NODE, load ?? { valid: true, set: setOf(this.directory, `r${this.#revision}`) });
  }

  /** Another directory is in force from here on. */
  change(directory: Partial<Directory>): void {
    this.directory = { ...this.directory, ...directory };
    this.give();
  }

  /** A person's edit; of a Node that is not there, none. */
  edit(change: (node: EditableObject) => void, name: string = NODE): void {
    const { cluster } = this.world;
    if (cluster.read('Node', name)) cluster.edit('Node', name, change);
  }

  editTaints(change: (taints: readonly { key: string }[]) => readonly object[]): void {
    this.edit((node) => {
      node.spec.taints = change(node.spec.taints ?? []);
    });
  }

  editAnnotations(change: (annotations: Record<string, string>) => void): void {
    this.edit((node) => change(node.metadata.annotations ?? {}));
  }

  /** Those of the history's node that live in this pod. */
  livesIn(pod: string): Life[] {
    return this.world.livingOn(NODE).filter((life) => life.pod.name === pod);
  }

  /** Starts the container of this pod, unless it runs. @param load the other agent's own directory */
  start(pod: string, load?: PolicyLoad): void {
    if (this.livesIn(pod).length === 0) this.world.start(NODE, pod, load);
  }

  end(pod: string, how: 'kill' | 'terminate'): void {
    for (const life of this.livesIn(pod)) {
      if (how === 'kill') life.kill();
      else life.stop(GRACE_MS);
    }
  }
}

const GRACE_MS = 2_600;
