import type { WarningRule } from './warning.ts';

/** Of all annotations of an object (apimachinery, TotalAnnotationSizeLimitB); client-side apply keeps the whole object in one. */
const MAX_ANNOTATION_BYTES = 262_144;

/** A merge would fail in the cluster that is green in Git. */
export const largeConfigMap: WarningRule = {
  id: 'LargeConfigMap',
  *find(_, { configMap }) {
    if (!configMap || configMap.bytes <= MAX_ANNOTATION_BYTES) return;
    yield {
      ...configMap.at,
      path: '$',
      problem: `the ConfigMap holds ${configMap.bytes} bytes, and client-side apply fails above ${MAX_ANNOTATION_BYTES}`,
      advice: 'apply it server-side, or split the scripts from the policies',
    };
  },
};
