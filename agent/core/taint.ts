import type { Taint } from './policy.ts';

/** A taint as the API server gave it: every field is kept, because the list is written back whole. */
export type NodeTaint = {
  readonly key: string;
  readonly effect: string;
  readonly value?: string;
  readonly timeAdded?: string;
};

/** A pod's toleration (core/v1). */
export type Toleration = {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
  readonly tolerationSeconds?: number;
};

/**
 * Whether a pod stays on a node for good under a NoExecute taint (core/v1 Toleration.ToleratesTaint).
 * A toleration with `tolerationSeconds` only delays the eviction, so it does not count.
 */
export function toleratesForGood(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some(
    (toleration) =>
      toleration.tolerationSeconds === undefined &&
      (!toleration.effect || toleration.effect === taint.effect) &&
      (!toleration.key || toleration.key === taint.key) &&
      (toleration.operator === 'Exists' ||
        (!!toleration.key && (toleration.operator ?? 'Equal') === 'Equal' && (toleration.value ?? '') === taint.value)),
  );
}
