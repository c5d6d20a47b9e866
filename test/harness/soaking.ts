/**
 * Whether this run may take an hour: `make soak` sets NSC_SOAK. Without it the same rules are held by something that costs
 * less, and once end to end.
 */
export const SOAKING = Boolean(process.env.NSC_SOAK);

/** For a test's `skip`: false in `make soak`, else what is left out. */
export function skipUnlessSoaking(what: string): string | false {
  return SOAKING ? false : `${what}: make soak has it`;
}
