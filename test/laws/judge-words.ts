import type { Transition } from '../../agent/core/transition.ts';
import type { Account, Books } from './books.ts';
import { markOf, REPORT } from './seen.ts';
import type { World } from './world.ts';

/** An agent writes so many at once, with those that the model does not count; after that the last word waits for minutes. */
const EVENT_BURST = 25;
/** A check of which nothing was known is said to speak no sooner than a minute after, with its next run. */
const UNKNOWN_LASTS_MS = 68_500;
/** How a log says what became of a Node. */
const WORDS = {
  'Put the cordon': 'Cordoning node',
  'TakenBack the cordon': 'Uncordoning node',
  GivenBack: 'is given back',
};

type StoredEvent = { readonly reason: string; readonly message: string; readonly lastTimestamp: string };

/** An agent has told this. */
export function noteWords(books: Books, account: Account, told: Transition): void {
  if (told.kind === 'MarkTurned') account.told.push(`${told.turn} ${markOf(told.effect, told.mark).text}`);
  if (told.kind === 'GivenBack') {
    account.told.push('GivenBack');
    noteEvent(books, account, 'NodeReleased', '');
  }
  if (told.kind === 'CheckFailing') noteCheck(books, account, told.kind, told.policy.metadata.name);
  if (told.kind === 'CheckRecovered') noteCheck(books, account, told.kind, told.policy);
  if (told.kind === 'CheckUnknown') noteUnknown(books, account, told.policy);
  if (told.kind === 'CheckKnown') noteKnown(books, account, told.policy);
  if (told.kind === 'CheckSkipped') {
    const tally = account.tallies.get(told.policy.metadata.name);
    if (tally) tally.silent += 1;
  }
  if (told.kind === 'NodeReplaced') {
    account.failing.clear();
    account.unknown.clear();
  }
  if (told.kind === 'StandingBy') account.standsBySinceMs = books.nowMs();
  if (told.kind === 'TookOver') noteTakeover(books, account);
}

/** What it said of checks while it stood by becomes an Event as far as it is still so. */
function noteTakeover(books: Books, account: Account): void {
  const { waiting, failing, unknown } = account;
  account.standsBySinceMs = null;
  const isOf = (policies: Iterable<string>, about: string) =>
    [...policies].some((policy) => about === aboutPolicy(policy));
  for (const { reason, about } of waiting.splice(0)) {
    if (reason === 'CheckFailing' && isOf(failing, about)) noteEvent(books, account, reason, about);
    if (reason === 'CheckUnknown' && isOf(unknown.keys(), about)) noteEvent(books, account, reason, about, 'unknown');
  }
}

const aboutPolicy = (policy: string) => `Policy ${policy}: `;

function noteCheck(books: Books, account: Account, kind: 'CheckFailing' | 'CheckRecovered', policy: string): void {
  const { life, failing } = account;
  if (kind === 'CheckFailing' && failing.has(policy))
    books.broken(`told: ${life.name} says twice that ${policy} fails`);
  if (kind === 'CheckFailing') failing.add(policy);
  else failing.delete(policy);
  noteEvent(books, account, kind, aboutPolicy(policy));
}

/** Once, and after three runs in a row that said nothing. */
function noteUnknown(books: Books, account: Account, policy: string): void {
  const { life, unknown, tallies } = account;
  const { silent = 0 } = tallies.get(policy) ?? {};
  if (unknown.has(policy)) books.broken(`told: ${life.name} says twice that ${policy} says nothing`);
  if (silent < 3) books.broken(`told: ${life.name} says that ${policy} says nothing after ${silent} runs that did not`);
  unknown.set(policy, books.nowMs());
  noteEvent(books, account, 'CheckUnknown', aboutPolicy(policy), 'unknown');
}

function noteKnown(books: Books, account: Account, policy: string): void {
  const { life, unknown } = account;
  if (!unknown.delete(policy) && !takesOver(books, account, policy))
    books.broken(`told: ${life.name} says that ${policy} speaks, which was never silent`);
  noteEvent(books, account, 'CheckKnown', aboutPolicy(policy), 'unknown');
}

/** That a check says nothing a life before it may have told, once, in the report on the Node. */
function takesOver(books: Books, { life, tookOver }: Account, policy: string): boolean {
  const isNew = !tookOver.has(policy);
  tookOver.add(policy);
  const reports = (books.nodes.get(life.nodeName) ?? []).map(({ annotations }) => annotations[REPORT] ?? '{}');
  return isNew && reports.some((report) => Object.hasOwn(JSON.parse(report).unknown ?? {}, policy));
}

/** At the end, when every check is healthy. */
export function judgeLastWords(books: Books, { life, failing, unknown }: Account): void {
  for (const policy of failing) books.broken(`told: the last word of ${life.name} is that ${policy} fails`);
  for (const [policy, sinceMs] of unknown) {
    if (books.nowMs() > sinceMs + UNKNOWN_LASTS_MS) {
      books.broken(`told: the last word of ${life.name} is that ${policy} says nothing`);
    }
  }
}

/** @param kind of which policies have several topics; default: the one that there is */
function noteEvent(books: Books, account: Account, reason: string, about: string, kind = ''): void {
  const events = account.standsBySinceMs === null ? account.events : account.waiting;
  events.push({ topic: kind + (about || reason), reason, about, atMs: books.nowMs() });
}

/** Which latest word on a topic is no Event yet, of those who may still write it; null: none. */
export function missingEvent(books: Books, world: World): string | null {
  const found = world.cluster.list('Event') as unknown as StoredEvent[];
  const epochMs = world.clock.wallMs() - world.clock.nowMs();
  for (const { life, events, eventsSent } of books.accounts.values()) {
    if (life.state !== 'alive' || eventsSent >= EVENT_BURST) continue;
    for (const event of new Map(events.map((each) => [each.topic, each])).values()) {
      const sinceMs = epochMs + event.atMs - 1_000;
      const isThere = found.some(
        ({ reason, message, lastTimestamp }) =>
          reason === event.reason && message.startsWith(event.about) && Date.parse(lastTimestamp) >= sinceMs,
      );
      if (!isThere) return `${life.name} has written no Event ${event.reason} ${event.about}`;
    }
  }
  return null;
}

/** Each turn is told once, by who did it, even where the answer was lost. */
export function judgeWords(books: Books, { life, told, written, seen }: Account): void {
  const missing = without(written, told);
  if (missing.length > 0) books.broken(`told: ${life.name} never told: ${missing.join(', ')}`);
  const invented = without(told, seen);
  if (invented.length > 0) books.broken(`told: ${life.name} told what nobody did, or twice: ${invented.join(', ')}`);
  for (const [turn, words] of Object.entries(WORDS)) {
    const count = told.filter((each) => each === turn).length;
    const lines = life.lines.filter((line) => line.includes(words)).length;
    if (lines !== count) books.broken(`told: ${life.name} wrote ${lines} lines of ${turn}, which came ${count} times`);
  }
}

/** What of the first is not in the second, each as often as it is there too often. */
function without(all: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return all.filter((each) => {
    const at = left.indexOf(each);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
