import { keyOf, LEDGER, markOf, memoryOf, type NodeTaint, type Seen } from './seen.ts';

/** What the Node would be had only people acted, and what of ours they took away in this episode. */
export type People = {
  isCordoned: boolean;
  readonly taints: Map<string, NodeTaint>;
  readonly takenAway: Set<string>;
};

/** What of people's is not on the Node any more, a line each. */
export function lostOfPeoples(people: People, now: Seen): string[] {
  const isThere = (taint: NodeTaint) => now.taints.some((each) => JSON.stringify(each) === JSON.stringify(taint));
  return [
    ...(people.isCordoned && !now.isCordoned ? ['uncordoned what a person had cordoned'] : []),
    ...[...people.taints.values()]
      .filter((taint) => !isThere(taint))
      .map((taint) => `changed or removed the taint ${JSON.stringify(taint)} of a person`),
  ];
}

/** What nobody wants any more is as if it had never been taken away. */
export function forgetTakenAway(people: People, now: Seen): void {
  if (now.memory === 'unreadable') return;
  const remembered = new Set(memoryOf(now)?.marks.map(({ effect, mark }) => markOf(effect, mark).key));
  for (const key of people.takenAway) if (!remembered.has(key)) people.takenAway.delete(key);
}

/** All that is on a new Node is somebody's. */
export function newPeople({ isCordoned, taints }: Seen): People {
  return { isCordoned, taints: new Map(taints.map((taint) => [keyOf(taint), taint])), takenAway: new Set() };
}

/** A person has edited the Node. */
export function peopleEdited(people: People, before: Seen, now: Seen): void {
  if (memoryOf(before) !== null && now.annotations[LEDGER] === undefined) adopt(people, now);
  if (before.memory === 'unreadable' && now.annotations[LEDGER] === undefined) adopt(people, now);
  if (before.isCordoned !== now.isCordoned) {
    // Who takes ours away and puts it there again before any agent could write it down leaves no trace.
    const isUnseen = memoryOf(now)?.marks.some(({ effect, owner }) => effect === 'cordon' && owner === 'Ours') ?? false;
    people.isCordoned = now.isCordoned && !isUnseen;
    if (now.isCordoned) people.takenAway.delete('cordon');
    else people.takenAway.add('cordon');
  }
  const found = new Map(now.taints.map((taint) => [keyOf(taint), taint]));
  for (const taint of before.taints) {
    if (found.has(keyOf(taint))) continue;
    people.taints.delete(keyOf(taint));
    people.takenAway.add(keyOf(taint));
  }
  for (const taint of now.taints) {
    const was = before.taints.find((each) => keyOf(each) === keyOf(taint));
    if (JSON.stringify(was) !== JSON.stringify(taint)) people.taints.set(keyOf(taint), taint);
  }
}

/** Without a ledger nobody can say that anything on the node was ours. */
function adopt(people: People, { isCordoned, taints }: Seen): void {
  people.isCordoned = isCordoned;
  for (const taint of taints) people.taints.set(keyOf(taint), taint);
  people.takenAway.clear();
}
