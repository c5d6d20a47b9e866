import type { WarningRule } from './warning.ts';

/** An agent would never see another policy. */
export const immutableConfigMap: WarningRule = {
  id: 'ImmutableConfigMap',
  *find(_, { configMap }) {
    if (!configMap?.immutable) return;
    yield {
      ...configMap.immutable,
      path: '$.immutable',
      problem: 'the ConfigMap is immutable, so no change of a policy reaches the agents that watch it',
      advice: 'leave immutable out',
    };
  },
};
