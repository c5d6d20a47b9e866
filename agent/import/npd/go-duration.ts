const UNITS: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-9],
  ['us', 1e-6],
  ['µs', 1e-6],
  ['μs', 1e-6],
  ['ms', 1e-3],
  ['s', 1],
  ['m', 60],
  ['h', 3600],
]);

/** The seconds of a duration as Go writes it, `1m30s`; null if it is none or not above zero. */
export function parseGoDuration(text: string): number | null {
  if (!/^\+?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return null;
  let seconds = 0;
  for (const [, number, unit = ''] of text.matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    seconds += Number(number) * (UNITS.get(unit) ?? 0);
  }
  return seconds > 0 ? seconds : null;
}
