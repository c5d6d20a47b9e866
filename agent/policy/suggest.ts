/** Longer names are not compared: the time grows with the product of their lengths. */
const LONGEST_NAME = 64;

/** The known name that somebody most likely meant, or undefined if none is close. */
export function suggest(name: string, known: readonly string[]): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const distances = known.map((candidate) => ({ candidate, distance: editDistance(name, candidate) }));
  const [closest] = distances.sort((a, b) => a.distance - b.distance);
  if (!closest) return undefined;
  const tolerated = Math.max(1, Math.floor(Math.min(name.length, closest.candidate.length) / 3));
  return closest.distance <= tolerated ? closest.candidate : undefined;
}

/** How many letters have to be added, removed, replaced or swapped with their neighbour; case does not count. */
function editDistance(from: string, to: string): number {
  const a = [...from.toLowerCase()];
  const b = [...to.toLowerCase()];
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
