import { posix } from 'node:path';
import type { LocatedMap } from '../located.ts';
import type { Note } from '../notes.ts';
import type { Place } from '../source.ts';
import { Fields, type Findings } from './fields.ts';

/** A custom plugin monitor as node-problem-detector reads it, its defaults filled in. */
export type Monitor = {
  readonly source: string;
  readonly rules: readonly Rule[];
  /** What of it no policy can say. */
  readonly notes: readonly Note[];
};

export type Rule = {
  readonly place: Place;
  /** As `rules[0] of ntp-monitor`. */
  readonly name: string;
  readonly reason: string;
  /** The condition that a permanent rule sets, and where it says so; null for a temporary one, which makes Events only. */
  readonly condition: { readonly type: string; readonly place: Place } | null;
  /** The path as it was written. */
  readonly writtenPath: string;
  /** Path, from the root where it was relative, and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
};

const DEFAULT_INTERVAL_SECONDS = 30;
const DEFAULT_TIMEOUT_SECONDS = 5;

const LEFT_OUT_OF_CONFIG = {
  concurrency: 'each check runs on its own here, none waits for another',
  max_output_length: 'the words of a run are its first line, at most 256 bytes',
  enable_message_change_based_condition_update: 'a condition is written when it changes, not with each new message',
  skip_initial_status: 'a condition is Unknown until a run has said how the node is, never healthy by default',
};
const LEFT_OUT = { metricsReporting: 'every check has metrics' };
const LEFT_OUT_OF_CONDITION = {
  reason: 'the reason of a healthy condition is CheckHealthy',
  message: 'the message of a condition names the policy and its last run',
};
const LOG_MONITORS = ['kmsg', 'filelog', 'journald', 'abrt'];

/** Why a file of node-problem-detector cannot be translated by what its `plugin` says; null if it can. */
export function wrongPlugin(plugin: string): string | null {
  if (plugin === 'custom') return null;
  const reads = 'must be custom: only monitors that run scripts can be translated';
  return LOG_MONITORS.includes(plugin) ? `${reads}, this one watches a log` : reads;
}

/** Reads a monitor, and refuses what node-problem-detector refuses when it starts. */
export function readMonitor(root: LocatedMap, findings: Findings): Monitor {
  const fields = new Fields(root, '$', findings);
  fields.string('plugin');
  const source = fields.needed('source');
  const config = fields.objects('pluginConfig')[0];
  const intervalSeconds = config?.seconds('invoke_interval') ?? DEFAULT_INTERVAL_SECONDS;
  const timeoutSeconds = config?.seconds('timeout') ?? DEFAULT_TIMEOUT_SECONDS;
  const conditions = fields.objects('conditions').map((condition) => readCondition(condition));
  const types = conditions.map(({ type }) => type);
  const ruleFields = fields.objects('rules');
  if (ruleFields.length === 0 && findings.errors.length === 0) fields.refuse('rules', 'must have at least one rule');
  const defaults = { intervalSeconds, timeoutSeconds, types, source };
  const rules = ruleFields.map((rule, index) => readRule(rule, index, defaults));
  const set = rules.map(({ condition }) => condition?.type);
  const unset = conditions.filter(({ type }) => type !== '' && !set.includes(type));
  const notes = [
    ...(config ? [...config.leaveOut(LEFT_OUT_OF_CONFIG), ...config.leaveOutUnknown()] : []),
    ...fields.leaveOut(LEFT_OUT),
    ...fields.leaveOutUnknown(),
    ...conditions.flatMap((condition) => condition.notes),
    ...unset.map(({ type, place }) => ({ what: `condition ${type}`, place, why: 'no permanent rule sets it' })),
    ...ruleFields.flatMap((rule) => rule.leaveOutUnknown()),
  ];
  return { source, rules, notes };
}

function readCondition(fields: Fields): { type: string; place: Place; notes: Note[] } {
  const type = fields.needed('type');
  const notes = fields.leaveOut(LEFT_OUT_OF_CONDITION);
  fields.leaveOut({ status: '', transition: '' }); // always overwritten when it starts
  return { type, place: fields.placeOf('type'), notes: [...notes, ...fields.leaveOutUnknown()] };
}

type Defaults = {
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly types: readonly string[];
  readonly source: string;
};

function readRule(fields: Fields, index: number, defaults: Defaults): Rule {
  const type = fields.needed('type');
  if (type !== '' && type !== 'permanent' && type !== 'temporary')
    fields.refuse('type', 'must be permanent or temporary');
  const condition = fields.string('condition');
  if (type === 'permanent' && !defaults.types.includes(condition)) {
    fields.refuse('condition', `must be one of $.conditions (${defaults.types.join(', ')})`);
  }
  const timeoutSeconds = fields.seconds('timeout') ?? defaults.timeoutSeconds;
  if (timeoutSeconds > defaults.timeoutSeconds) {
    fields.refuse('timeout', `must be at most $.pluginConfig.timeout, ${defaults.timeoutSeconds} s`);
  }
  const writtenPath = fields.needed('path');
  const isRelative = writtenPath.includes('/') && !writtenPath.startsWith('/');
  return {
    place: fields.place,
    name: `rules[${index}] of ${defaults.source}`,
    reason: fields.needed('reason'),
    condition: type === 'permanent' ? { type: condition, place: fields.placeOf('condition') } : null,
    writtenPath,
    command: [isRelative ? posix.join('/', writtenPath) : writtenPath, ...fields.strings('args')],
    intervalSeconds: fields.seconds('invoke_interval') ?? defaults.intervalSeconds,
    timeoutSeconds,
  };
}
