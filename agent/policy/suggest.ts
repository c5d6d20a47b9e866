/** Longer names are not compared: the time grows with the product of their lengths. */
const LONGEST_NAME = 64;
/** Of more names that are as likely none is told. */
const MOST_TOLD = 2;
/** What may end a name and is easily left out or mistaken: `timeout` and `timeoutMs` both mean `timeoutSeconds`. */
const UNITS = ['ms', 'millis', 's', 'sec', 'secs', 'second', 'seconds', 'm', 'min', 'mins', 'minutes'];
/** Shorter ones begin too many words. */
const SHORTEST_BEGINNING = 3;

/** `did you mean timeoutSeconds?`, or both of two that are as likely; undefined if no known name is close. */
export function didYouMean(name: string, known: readonly string[]): string | undefined {
  const meant = suggest(name, known);
  return meant.length > 0 ? `did you mean ${meant.join(' or ')}?` : undefined;
}

/** The known name that somebody most likely meant, or two that are as likely; none if none is close. */
export function suggest(name: string, known: readonly string[]): readonly string[] {
  if (name.length > LONGEST_NAME) return [];
  const close = closest(name, known);
  const likely = close.length > 0 ? close : known.filter((candidate) => isPartOf(name, candidate));
  return likely.length > MOST_TOLD ? [] : likely;
}

/** Those that are spelt most like it, if they are enough like it. */
function closest(name: string, known: readonly string[]): string[] {
  const distances = known.map((candidate) => ({ candidate, distance: distanceOf(name, candidate) }));
  const least = Math.min(...distances.map(({ distance }) => distance));
  if (least === Number.POSITIVE_INFINITY) return [];
  return distances.filter(({ distance }) => distance === least).map(({ candidate }) => candidate);
}

/** By how many letters they differ, with their units or without; infinite if that is more than a slip. */
function distanceOf(name: string, candidate: string): number {
  const pairs = [
    [wordsOf(name), wordsOf(candidate)],
    [withoutUnit(name), withoutUnit(candidate)],
  ] as const;
  const distances = pairs.map(([nameWords, candidateWords]) => {
    const [from, to] = [nameWords.join(''), candidateWords.join('')];
    const tolerated = Math.max(1, Math.floor(Math.min(from.length, to.length) / 3));
    const distance = editDistance(from, to);
    return distance <= tolerated ? distance : Number.POSITIVE_INFINITY;
  });
  return Math.min(...distances);
}

/** Every word of it is one of the other's, or begins one, or begins with one: `threshold`, `labels`, `environment`. */
function isPartOf(name: string, candidate: string): boolean {
  const words = wordsOf(candidate);
  return withoutUnit(name).every((word) => words.some((other) => isLike(word, other)));
}

function isLike(word: string, other: string): boolean {
  const [shorter, longer] = word.length < other.length ? [word, other] : [other, word];
  return word === other || (shorter.length >= SHORTEST_BEGINNING && longer.startsWith(shorter));
}

function withoutUnit(name: string): string[] {
  const words = wordsOf(name);
  return words.length > 1 && UNITS.includes(words.at(-1) ?? '') ? words.slice(0, -1) : words;
}

/** In small letters, whether they were told apart by capitals, hyphens or underscores. */
function wordsOf(name: string): string[] {
  const words = name.split(/[-_. ]+|(?<=[a-z0-9])(?=[A-Z])/).filter((word) => word !== '');
  return words.map((word) => word.toLowerCase());
}

/** How many letters have to be added, removed, replaced or swapped with their neighbour. */
function editDistance(from: string, to: string): number {
  const a = [...from];
  const b = [...to];
  let beforePrevious: number[] = [];
  let previous = [0, ...b.map((_, column) => column + 1)];
  for (const [row, letter] of a.entries()) {
    const current = [row + 1];
    for (const [column, other] of b.entries()) {
      const replaced = at(previous, column) + (letter === other ? 0 : 1);
      const isSwap = row > 0 && column > 0 && letter === b[column - 1] && other === a[row - 1];
      const swapped = isSwap ? at(beforePrevious, column - 1) + 1 : Number.POSITIVE_INFINITY;
      current.push(Math.min(at(previous, column + 1) + 1, at(current, column) + 1, replaced, swapped));
    }
    beforePrevious = previous;
    previous = current;
  }
  return at(previous, b.length);
}

function at(distances: readonly number[], index: number): number {
  return distances[index] ?? Number.POSITIVE_INFINITY;
}
