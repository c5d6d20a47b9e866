const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** The longest delay of a timer; a longer one would fire at once. */
const MAX_MS = 2 ** 31 - 1;

/**
 * Milliseconds of a duration as kubectl's flags have it: `90s`, `5m`, `1h30m`.
 *
 * @throws Error when it is none, has no unit, is not above zero, or is longer than 24 days
 */
export function parseDuration(flag: string, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const isDuration = text !== '' && parts.map(([part]) => part).join('') === text;
  const ms = parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (UNIT_MS[unit] ?? 0), 0);
  if (isDuration && ms > 0 && ms <= MAX_MS) return ms;
  throw new Error(
    `${flag} must be a duration with its unit, as 90s, 5m or 1h30m, at most 24 days, found ${JSON.stringify(text)}`,
  );
}
