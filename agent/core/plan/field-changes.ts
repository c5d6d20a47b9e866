/** One field of a document that is not what it was. */
export type FieldChange = {
  /** Below the document's `spec`, as `check.failureThreshold`. */
  readonly path: string;
  /** undefined: it was not there, or is not. */
  readonly before: unknown;
  readonly after: unknown;
};

/**
 * The fields in which two specs differ, patches applied and defaults filled in, so that only what makes a difference is told.
 * A list is one value, and so is what stands on one side only.
 */
export function fieldChanges(before: object, after: object): FieldChange[] {
  return compare(before, after, '');
}

function compare(before: unknown, after: unknown, path: string): FieldChange[] {
  if (isEqual(before, after)) return [];
  if (!isRecord(before) || !isRecord(after)) return [{ path, before, after }];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => {
    const below = /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
    return compare(fieldOf(before, name), fieldOf(after, name), path === '' ? name : `${path}${below}`);
  });
}

/** Whether two values of JSON say the same, in whatever order their fields stand. */
export function isEqual(a: unknown, b: unknown): boolean {
  return sortedJson(a) === sortedJson(b);
}

function sortedJson(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner: unknown) =>
    isRecord(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

/** A field may be named `constructor`, as every object inherits. */
function fieldOf(record: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
