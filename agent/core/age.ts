const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * How long ago something was, as kubectl's AGE column has it: `45s`, `5m30s`, `42m`, `3h12m`, `2d`; days at most.
 *
 * @param since RFC 3339; `<unknown>` when it is none, 0s for the future, since clocks differ
 */
export function formatAge(since: string, nowMs: number): string {
  const ageMs = Math.max(0, nowMs - Date.parse(since));
  return Number.isNaN(ageMs) ? '<unknown>' : formatMs(ageMs);
}

/** How long something takes: `12 ms`, `0.2 s`, `15 s`, and from two minutes on as an age, `5m30s`. */
export function formatDuration(ms: number): string {
  if (ms < 99.5) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / SECOND).toFixed(1)} s`;
  return ms < 119_500 ? `${Math.round(ms / SECOND)} s` : formatMs(Math.max(ms, 2 * MINUTE));
}

function formatMs(ageMs: number): string {
  if (ageMs < 2 * MINUTE) return inUnits(ageMs, SECOND, 's');
  if (ageMs < 10 * MINUTE) return inUnits(ageMs, MINUTE, 'm') + rest(ageMs % MINUTE, SECOND, 's');
  if (ageMs < 3 * HOUR) return inUnits(ageMs, MINUTE, 'm');
  if (ageMs < 8 * HOUR) return inUnits(ageMs, HOUR, 'h') + rest(ageMs % HOUR, MINUTE, 'm');
  if (ageMs < 2 * DAY) return inUnits(ageMs, HOUR, 'h');
  if (ageMs < 8 * DAY) return inUnits(ageMs, DAY, 'd') + rest(ageMs % DAY, HOUR, 'h');
  return inUnits(ageMs, DAY, 'd');
}

function inUnits(ms: number, unitMs: number, unit: string): string {
  return `${Math.floor(ms / unitMs)}${unit}`;
}

function rest(ms: number, unitMs: number, unit: string): string {
  return ms < unitMs ? '' : inUnits(ms, unitMs, unit);
}
