import type { Place } from './source.ts';

/** One thing that a person has to know, and where it was written. */
export type Note = { readonly what: string; readonly place: Place; readonly why: string };

/** Of many things with the same reason, so many are named. */
const MOST_NAMED = 12;

/** As `storage.cfg:12`. */
export function formatPlace({ file, line }: Place): string {
  return `${file}:${line}`;
}

/** A line for each reason: `check_period (services.cfg:3), check_period (services.cfg:9): checks always run`. */
export function formatNotes(notes: readonly Note[]): string[] {
  return [...Map.groupBy(notes, ({ why }) => why)].map(([why, about]) => {
    const names = new Set(about.map(({ what, place }) => `${what} (${formatPlace(place)})`));
    return `${shortList([...names])}: ${why}`;
  });
}

/** The items, or the first of them and how many more there are. */
export function shortList(items: readonly string[]): string {
  const more = items.length > MOST_NAMED ? [`and ${items.length - MOST_NAMED} more`] : [];
  return [...items.slice(0, MOST_NAMED), ...more].join(', ');
}
