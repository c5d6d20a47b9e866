/** What no policy may call a condition of its own: those to which Kubernetes gives a meaning. */
const KUBERNETES_CONDITIONS: readonly string[] = [
  'Ready',
  'MemoryPressure',
  'DiskPressure',
  'PIDPressure',
  'NetworkUnavailable',
  'DrainInProgress',
  'Drained',
  'MaintenancePlanned',
  'MaintenanceInProgress',
  'GracefulNodeShutdownInProgress',
];
const CONDITION_TYPE =
  /^(?:(?=[^/]{1,253}\/)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\/)?[A-Z][A-Za-z0-9]{0,62}$/;
const LONGEST_NAME = 63;

/** Whether a policy may publish a condition of that type. */
export function isConditionType(type: string): boolean {
  return CONDITION_TYPE.test(type) && !KUBERNETES_CONDITIONS.includes(type);
}

/** Whether it may stand for an exit code: CamelCase. */
export function isReason(reason: string): boolean {
  return /^[A-Z][A-Za-z0-9]{0,62}$/.test(reason);
}

/** Names for policies: DNS-1123 labels, each given once. */
export class PolicyNames {
  readonly #taken = new Set<string>();
  /** By label, the number to try next. */
  readonly #next = new Map<string, number>();

  /** As `ntp-problem` for `NTPProblem`; a number is added to what is taken already. */
  nameFor(text: string): string {
    const words = text.replace(/([a-z0-9])(?=[A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$2-');
    const label = words.toLowerCase().replace(/[^a-z0-9]+/g, '-');
    const name = this.#free(trim(label) || 'check');
    this.#taken.add(name);
    return name;
  }

  #free(label: string): string {
    for (let number = this.#next.get(label) ?? 1; ; number++) {
      this.#next.set(label, number + 1);
      const end = number === 1 ? '' : `-${number}`;
      const name = trim(label.slice(0, LONGEST_NAME - end.length)) + end;
      if (!this.#taken.has(name)) return name;
    }
  }
}

function trim(label: string): string {
  return label.slice(0, LONGEST_NAME).replace(/^-+|-+$/g, '');
}
