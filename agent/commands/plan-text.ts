import type { Plan } from '../core/plan/plan.ts';
import { toPrintable } from '../policy/format-error.ts';
import type { NamedPlan } from './plan.ts';
import { type PlanLine, planHeadline, planSections } from './plan-words.ts';
import { wrap } from './terminal-text.ts';

const LONGEST_LABEL = 40;

/** The plan for a terminal. @param columns at most so many in a line; Infinity: none is wrapped */
export function formatPlan(plan: Plan, columns: number): string[] {
  const { revision, risks } = plan;
  const sections = planSections(plan);
  const labels = sections.flatMap(({ lines }) => lines.map(({ label }) => label.length));
  const width = Math.min(LONGEST_LABEL, Math.max(0, ...labels));
  return [
    ...wrap(`${planHeadline(plan)} (revision ${revision.before} → ${revision.after})`, columns),
    ...sections.flatMap(({ title, lines }) => [
      '',
      toPrintable(title),
      ...lines.flatMap((line) => lineText(line, width, columns)),
    ]),
    ...(risks.length === 0 ? [] : ['', 'look twice:']),
    ...risks.flatMap(({ kind, of, why }) => indent(`${kind}: ${of}: ${why}`, 2, columns)),
  ];
}

function lineText({ label, text }: PlanLine, width: number, columns: number): string[] {
  const whole = typeof text === 'string' ? text : `${text.before} → ${text.after}`;
  const [first = '', ...more] = wrap(toPrintable(whole), columns - width - 4);
  const name = toPrintable(label);
  const start =
    name.length > width ? [`  ${name}`, `${' '.repeat(width + 4)}${first}`] : [`  ${name.padEnd(width)}  ${first}`];
  return [...start, ...more.map((rest) => `${' '.repeat(width + 4)}${rest}`)];
}

function indent(text: string, by: number, columns: number): string[] {
  return wrap(toPrintable(text), columns - by).map((line) => `${' '.repeat(by)}${line}`);
}

/** Several plans, each under its ConfigMap. @param columns of the terminal; undefined: it is none */
export function formatPlansText(plans: readonly NamedPlan[], columns: number | undefined): string[] {
  return plans.flatMap(({ configMaps, plan }, index) => [
    ...(index > 0 ? [''] : []),
    ...(configMaps === null ? [] : [toPrintable(`ConfigMap ${configMaps.join(', ')}:`)]),
    ...formatPlan(plan, columns ?? Number.POSITIVE_INFINITY),
  ]);
}
