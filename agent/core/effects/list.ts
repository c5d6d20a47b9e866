import { CORDON } from './cordon.ts';
import type { MarkEffect } from './mark.ts';
import { TAINT } from './taint.ts';

/** Every effect that consists of marks, in the order in which they are told. A drain is the one effect that does not. */
export const MARK_EFFECTS: readonly MarkEffect[] = [CORDON, TAINT];

/** @throws Error for a name that is none */
export function markEffect(name: string): MarkEffect {
  const found = MARK_EFFECTS.find((effect) => effect.name === name);
  if (found !== undefined) return found;
  const names = MARK_EFFECTS.map((effect) => effect.name).join(', ');
  throw new Error(`effect must be one of ${names}, found ${JSON.stringify(name)}`);
}
