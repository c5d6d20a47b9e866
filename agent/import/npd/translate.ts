import { type Draft, type Imported, toSeconds } from '../draft.ts';
import { isConditionType, isReason, PolicyNames } from '../names.ts';
import { formatPlace, type Note } from '../notes.ts';
import type { Source } from '../source.ts';
import { Findings } from './fields.ts';
import type { Rule } from './monitor.ts';
import { readMonitors } from './read-monitors.ts';

/** Where 1 is a problem and 0 is none, all others say nothing. */
const UNKNOWN_CODES = Array.from({ length: 254 }, (_, index) => index + 2);
/** Runs in a row that a person is told to think about. */
const SUGGESTED_FAILURES = 3;

/** Makes policies of the custom plugin monitors of node-problem-detector. */
export function translateNpd(files: readonly Source[]): Imported {
  const findings = new Findings();
  const monitors = files.flatMap((file) => readMonitors(file, findings));
  const scripts = Map.groupBy(
    monitors.flatMap(({ rules }) => rules),
    ({ command }) => JSON.stringify(command),
  );
  const conditions = new Conditions([...scripts.values()]);
  const names = new PolicyNames();
  const drafts = [...scripts.values()].map((rules) => draftOf(rules, names, conditions));
  const notes = [...monitors.flatMap((monitor) => monitor.notes), ...findings.notes];
  return { drafts, notes, errors: findings.errors, omitted: findings.omitted };
}

/** @param rules those that run the same script, of which one check is made */
function draftOf(rules: readonly Rule[], names: PolicyNames, conditions: Conditions): Draft {
  // A condition is what others act on, so the rule that sets one says how often and how long the script runs.
  const rule = rules.find(({ condition }) => condition !== null) ?? (rules[0] as Rule);
  const { nodeCondition, why, notes } = conditions.of(rules, rule);
  const others = rules.filter((other) => other !== rule);
  const periodSeconds = toSeconds(rule.intervalSeconds);
  return {
    name: names.nameFor(nodeCondition ?? rule.condition?.type ?? rule.reason),
    about: aboutOf(rules),
    place: rule.place,
    check: {
      command: [...rule.command],
      runIn: 'Container',
      periodSeconds,
      timeoutSeconds: toSeconds(rule.timeoutSeconds),
      failureThreshold: 1,
      successThreshold: 1,
      onStderr: 'Ignore',
      onTimeout: 'Unknown',
      exitCodes: { unknown: UNKNOWN_CODES, reasons: isReason(rule.reason) ? { 1: rule.reason } : {} },
    },
    ...(nodeCondition !== undefined && { nodeCondition }),
    why: {
      ...commonWhy(rule, periodSeconds),
      ...(nodeCondition !== undefined && { nodeCondition: why }),
    },
    notes: [...notes, ...others.flatMap((other) => differences(other, rule)), ...reasonNotes(rule)],
  };
}

function aboutOf(rules: readonly Rule[]): string {
  const made = rules.map(({ name, place, condition }) => {
    const what = condition === null ? 'temporary' : `permanent, ${condition.type}`;
    return `${name} (${formatPlace(place)}; ${what})`;
  });
  const isOnlyTemporary = rules.every(({ condition }) => condition === null);
  const events = isOnlyTemporary ? ' It made Events only, so there is no nodeCondition.' : '';
  return `Made of ${made.join(' and ')} of node-problem-detector.${events}`;
}

function commonWhy(
  { writtenPath, command: [path], intervalSeconds, timeoutSeconds }: Rule,
  periodSeconds: number,
): Draft['why'] {
  const from = writtenPath === path ? '' : `Written as ${writtenPath}, from / as in its image. `;
  const rounded = (written: number, what: string) =>
    written === toSeconds(written) ? undefined : { [what]: `Written as ${written} s; whole seconds, at most a day.` };
  return {
    mode: 'It runs and reports, and writes nothing to the node. Enforce publishes the condition, if there is one; whatever else is to be done stands in actions, and there are none, as in node-problem-detector.',
    runIn: `${from}The script has to be there in the agent's container; Host takes it from the node.`,
    failureThreshold: `It told the first failure. With ${SUGGESTED_FAILURES}, one bad run tells nothing, and a lasting problem is told ${(SUGGESTED_FAILURES - 1) * periodSeconds} s later.`,
    onStderr: 'It only logged what a script writes there.',
    onTimeout: 'As a run that was killed or could not be started: Unknown, there as here.',
    unknown:
      '1 is a problem. Any other code but 0 said Unknown there, and is no news here: the condition stays as it was.',
    ...rounded(intervalSeconds, 'periodSeconds'),
    ...rounded(timeoutSeconds, 'timeoutSeconds'),
  };
}

function differences(other: Rule, rule: Rule): Note[] {
  const told = (what: string) => ({
    what: `${what} of ${other.name}`,
    place: other.place,
    why: `one check runs the script, as ${rule.name} says`,
  });
  return [
    ...(other.intervalSeconds === rule.intervalSeconds ? [] : [told(`interval of ${other.intervalSeconds} s`)]),
    ...(other.timeoutSeconds === rule.timeoutSeconds ? [] : [told(`timeout of ${other.timeoutSeconds} s`)]),
    ...(other.reason === rule.reason ? [] : [told(`reason ${other.reason}`)]),
  ];
}

function reasonNotes({ reason, place }: Rule): Note[] {
  return isReason(reason)
    ? []
    : [{ what: `reason ${reason}`, place, why: 'a reason has to be CamelCase, letters and digits' }];
}

/** Which policy publishes which condition: the name stays where one script sets it and Kubernetes leaves it to others. */
class Conditions {
  readonly #scriptsOf: ReadonlyMap<string, number>;
  readonly #taken = new Set<string>();

  constructor(scripts: readonly (readonly Rule[])[]) {
    const types = scripts.flatMap((rules) => [...new Set(typesOf(rules))]);
    this.#scriptsOf = new Map([...Map.groupBy(types, (type) => type)].map(([type, { length }]) => [type, length]));
    for (const [type, count] of this.#scriptsOf) if (count === 1) this.#taken.add(type);
  }

  of(rules: readonly Rule[], { reason, condition }: Rule): { nodeCondition?: string; why: string; notes: Note[] } {
    if (condition === null) return { why: '', notes: [] };
    const { type } = condition;
    const same = rules.flatMap((rule) => (rule.condition && rule.condition.type !== type ? [rule.condition] : []));
    const notes = same.map((other) => ({
      what: `condition ${other.type}`,
      place: other.place,
      why: `a policy has one condition, and this one would always say the same as ${type}`,
    }));
    const count = this.#scriptsOf.get(type) ?? 1;
    const nodeCondition = count === 1 ? type : `${type}${reason}`;
    if (!isConditionType(nodeCondition) || (count > 1 && this.#taken.has(nodeCondition))) {
      const why =
        count === 1
          ? 'no policy may publish a condition of that name'
          : `set by ${count} scripts, and ${nodeCondition} is no name for a condition of this one`;
      return { why: '', notes: [...notes, { what: `condition ${type}`, place: condition.place, why }] };
    }
    this.#taken.add(nodeCondition);
    return { nodeCondition, why: turnedSense(type, nodeCondition, count), notes };
  }
}

function turnedSense(type: string, nodeCondition: string, scripts: number): string {
  const name =
    scripts === 1
      ? `The name is kept, its sense is turned`
      : `${type} was set by ${scripts} scripts, the last one to run; here each has its own, with the sense turned`;
  const whileBoth = scripts === 1 ? ' While node-problem-detector writes it too, it is left alone.' : '';
  return `${name}: ${nodeCondition} says True while healthy and False while there is the problem, where node-problem-detector said the opposite. Whoever acts on ${type}=True has to look for ${nodeCondition}=False, or give it another name, before mode is Enforce.${whileBoth}`;
}

function typesOf(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ condition }) => (condition === null ? [] : [condition.type]));
}
