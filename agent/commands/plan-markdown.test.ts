import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planChange } from '../core/plan/plan.ts';
import { sampleBudget, samplePolicy } from '../core/samples.ts';
import { formatPlansMarkdown } from './plan-markdown.ts';

const set = (revision: string, command: string, maxUnavailable: number) => ({
  revision,
  policies: [samplePolicy('storage', { check: { command: ['/x', command] } })],
  budgets: [sampleBudget('cluster', { maxUnavailable })],
});
const markdown = (command: string, configMaps: readonly string[] | null = null) => {
  const plan = planChange(set('000000000000', 'old', 1), set('111111111111', command, 2), null);
  return formatPlansMarkdown([{ configMaps, plan }]);
};

test('a plan in Markdown is a headline, its risks, and a table of what was and what is', () => {
  assert.deepEqual(markdown('new', ['checks/policy']), [
    '### ConfigMap `checks/policy`',
    '',
    '**1 policy and 1 budget changed** (revision `000000000000` → `111111111111`)',
    '',
    '- **disrupts-more**, budget cluster: maxUnavailable is 2, was 1',
    '- **acts-sooner**, policy storage: its check is another one, which may fail where the one before did not',
    '',
    '**policy storage: changed**',
    '',
    '| | before | after |',
    '|---|---|---|',
    '| `check.command` | `["/x","old"]` | `["/x","new"]` |',
    '| its check |  | is another one: its runs are counted from zero |',
    '| a node it holds |  | keeps cordon |',
    '',
    '**budget cluster: changed**',
    '',
    '| | before | after |',
    '|---|---|---|',
    '| `maxUnavailable` | `1` | `2` |',
    '| more at once |  | maxUnavailable is 2, was 1 |',
    '',
  ]);
});

const HOSTILE: Readonly<Record<string, readonly [value: string, cell: string]>> = {
  'a pipe': ['a|b', '`["/x","a\\|b"]`'],
  'a backtick': ['a`b', '``["/x","a`b"]``'],
  'backticks that would end a fence': ['``', '```["/x","``"]```'],
  'a tag and a mention': ['<b>@all</b>', '`["/x","<b>@all</b>"]`'],
  'a new line': ['a\nb', '`["/x","a\\nb"]`'],
  'what turns a line around': ['a\u202eb', '`["/x","a\\u{202e}b"]`'],
};
for (const [name, [value, cell]] of Object.entries(HOSTILE)) {
  test(`${name} in a value stays in its cell`, () => {
    const row = markdown(value).find((line) => line.includes('check.command'));
    assert.equal(row, `| \`check.command\` | \`["/x","old"]\` | ${cell} |`);
  });
}
