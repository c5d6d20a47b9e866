import type { Plan } from '../core/plan/plan.ts';
import { RISKS } from '../core/plan/risks.ts';
import { toPrintable } from '../policy/format-error.ts';
import type { NamedPlan } from './plan.ts';
import { type PlanLine, type PlanSection, planHeadline, planSections } from './plan-words.ts';

/** Several plans as GitHub-flavoured Markdown, each under its ConfigMap. */
export function formatPlansMarkdown(plans: readonly NamedPlan[]): string[] {
  return plans.flatMap(({ configMaps, plan }) => [
    ...(configMaps === null ? [] : [`### ConfigMap ${configMaps.map(code).join(', ')}`, '']),
    ...formatPlanMarkdown(plan),
  ]);
}

/** One plan: a line that says what it comes to, its risks, and a table for each policy and budget. */
export function formatPlanMarkdown(plan: Plan): string[] {
  const { revision, risks } = plan;
  return [
    `**${plain(capital(planHeadline(plan)))}** (revision ${code(revision.before)} → ${code(revision.after)})`,
    '',
    ...risks.map(({ kind, of, why }) => `- **${kind}**, ${plain(of)}: ${plain(why)}`),
    ...(risks.length > 0 ? [''] : []),
    ...planSections(plan).flatMap(sectionMarkdown),
  ];
}

/** What the kinds of risks mean, for whoever sees them for the first time. */
export function risksLegend(kinds: Iterable<keyof typeof RISKS>): string[] {
  return [...new Set(kinds)].map((kind) => `${kind}: ${RISKS[kind]}`);
}

function sectionMarkdown({ title, lines }: PlanSection): string[] {
  return [`**${plain(title)}**`, '', ...(lines.length === 0 ? [] : table(lines)), ''];
}

function table(lines: readonly PlanLine[]): string[] {
  return ['| | before | after |', '|---|---|---|', ...lines.map(row)];
}

function row({ label, isField, text }: PlanLine): string {
  const show = isField ? code : plain;
  const cells = typeof text === 'string' ? ['', plain(text)] : [show(text.before), show(text.after)];
  return `| ${[show(label), ...cells].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** Text in which nothing is markup, a link or a mention. */
function plain(text: string): string {
  return toPrintable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\\`*_{}[\]~]/g, '\\$&')
    .replaceAll(/[@#]/g, '$&&#8203;')
    .replaceAll('://', ':&#8203;//');
}

/** A value as it stands; its backticks are inside a fence that is longer. */
function code(text: string): string {
  const printable = toPrintable(text);
  const longest = Math.max(0, ...[...printable.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const gap = /^`|`$|^ .* $/.test(printable) ? ' ' : '';
  return printable === '' ? '' : `${fence}${gap}${printable}${gap}${fence}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
