import type { Imported } from './draft.ts';
import { formatNotes, shortList } from './notes.ts';
import { printable } from './printable.ts';

/** For a person who redirected the policies into a file: how many there are, and everything that is not in them. */
export function summarize({ drafts, notes }: Pick<Imported, 'drafts' | 'notes'>): string[] {
  const names = shortList(drafts.map(({ name }) => name));
  if (drafts.length === 0) return formatNotes(notes).map(printable);
  const count = `${drafts.length} ${drafts.length === 1 ? 'policy' : 'policies'} in mode Observe: ${names}`;
  const turned = drafts.flatMap(({ nodeCondition }) => nodeCondition ?? []);
  const conditions = `${shortList(turned)}: the sense is turned, True while healthy; whoever acts on it has to know before mode is Enforce`;
  const left = formatNotes([...drafts.flatMap((draft) => draft.notes), ...notes]);
  return [count, ...(turned.length > 0 ? [conditions] : []), ...left].map(printable);
}
