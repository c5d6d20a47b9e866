import type { Account, Books } from './books.ts';
import type { Patch } from './judge-write.ts';
import { LEDGER, type Memory, memoryOf, type Seen } from './seen.ts';

/**
 * Nothing is written because a check says another thing than before, or exits with another code: what it said when it began
 * to fail stays until it is healthy.
 */
export function judgeSaid(books: Books, { life }: Account, base: Seen, { metadata, status }: Patch): void {
  const text = metadata?.annotations?.[LEDGER];
  const before = memoryOf(base);
  if (typeof text === 'string' && before !== null) {
    const after = JSON.parse(text) as Memory;
    if (withoutSaid(before) === withoutSaid(after))
      books.broken(`said: ${life.name} writes the ledger for words alone`);
    for (const [policy, hold] of Object.entries(after.policies)) {
      const held = before.policies[policy];
      if (held?.since !== hold.since) continue;
      if (held.words !== hold.words || held.mapped !== hold.mapped)
        books.broken(`said: ${life.name} changes what ${policy} said when it took hold`);
    }
  }
  for (const { type, status: how } of status?.conditions ?? []) {
    const found = base.conditions.find((each) => each.type === type);
    if (how !== 'Unknown' && found !== undefined && found.status === how)
      books.broken(`said: ${life.name} writes the condition ${type} anew, which is ${how} already`);
  }
}

function withoutSaid({ policies, marks }: Memory): string {
  const holds = Object.entries(policies).map(([name, { since, marks, drain }]) => [name, since, marks, drain]);
  return JSON.stringify([holds.sort(), marks]);
}
