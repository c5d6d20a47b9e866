import { escapeHidden } from '../core/escape-hidden.ts';

/** One line of JSON, in whose strings everything that does not show is escaped. */
export function printableJson(value: unknown): string {
  return escapeHidden(JSON.stringify(value));
}
