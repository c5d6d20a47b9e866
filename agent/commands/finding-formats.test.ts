import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { toFindings } from './finding.ts';
import { FINDING_FORMATS } from './finding-formats.ts';

const ERROR = {
  file: './policies/a b.yaml',
  line: 3,
  column: 17,
  path: '$.spec.mode',
  requirement: 'must be one of Enforce, Observe',
  found: '"100%"',
};
const WARNING = {
  file: 'policies/b.yaml',
  line: 4,
  column: 2,
  path: '$.spec.actions.drain',
  id: 'NoBudget',
  problem: 'no budget selects these nodes',
  advice: 'add one',
};
const findings = toFindings([ERROR], [WARNING]);
const ofWholeFile = toFindings([{ ...ERROR, line: 0, column: 0 }], []);

suite('findings', () => {
  test('for GitHub are workflow commands, in which nothing ends one early', () => {
    assert.deepEqual(FINDING_FORMATS.github(findings), [
      '::error file=./policies/a b.yaml,line=3,col=17,title=InvalidPolicy::$.spec.mode: must be one of Enforce, Observe, found "100%25"',
      '::warning file=policies/b.yaml,line=4,col=2,title=NoBudget::$.spec.actions.drain: no budget selects these nodes; add one',
    ]);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (file, found) => {
        const [line = '', ...others] = FINDING_FORMATS.github(toFindings([{ ...ERROR, file, found }], []));
        assert.deepEqual(others, []);
        assert.match(line, /^::error file=[^,\r\n]*,line=3,col=17,title=InvalidPolicy::[^\r\n]*$/);
      }),
    );
  });

  test("for GitLab are a Code Quality report, with a path from the repository's root", () => {
    const [text = ''] = FINDING_FORMATS.gitlab(findings);
    assert.deepEqual(JSON.parse(text), [
      {
        description: '$.spec.mode: must be one of Enforce, Observe, found "100%"',
        check_name: 'InvalidPolicy',
        fingerprint: findings[0]?.fingerprint,
        severity: 'blocker',
        location: { path: 'policies/a b.yaml', lines: { begin: 3 } },
      },
      {
        description: '$.spec.actions.drain: no budget selects these nodes; add one',
        check_name: 'NoBudget',
        fingerprint: findings[1]?.fingerprint,
        severity: 'minor',
        location: { path: 'policies/b.yaml', lines: { begin: 4 } },
      },
    ]);
    assert.deepEqual(FINDING_FORMATS.gitlab([]), ['[]']);
  });

  test('as SARIF have a rule each, a place, and a fingerprint', () => {
    const [text = ''] = FINDING_FORMATS.sarif(findings);
    const { version, runs } = JSON.parse(text);
    assert.equal(version, '2.1.0');
    const [{ tool, results }] = runs;
    assert.deepEqual(
      results.map((result: { ruleId: string; ruleIndex: number }) => tool.driver.rules[result.ruleIndex].id),
      ['InvalidPolicy', 'NoBudget'],
    );
    assert.deepEqual(results[0], {
      ruleId: 'InvalidPolicy',
      ruleIndex: 0,
      level: 'error',
      message: { text: '$.spec.mode: must be one of Enforce, Observe, found "100%"' },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: 'policies/a%20b.yaml' },
            region: { startLine: 3, startColumn: 17 },
          },
        },
      ],
      partialFingerprints: { 'nodeSvcChecker/v1': findings[0]?.fingerprint },
    });
  });

  test('about a file as a whole are at its first line', () => {
    assert.deepEqual([ofWholeFile[0]?.line, ofWholeFile[0]?.column], [1, 1]);
  });

  test('keep their fingerprint when they move to another line, and no two have the same', () => {
    const moved = toFindings([{ ...ERROR, line: 30 }], [WARNING, { ...WARNING, line: 9 }]);
    assert.deepEqual(
      moved.slice(0, 2).map(({ fingerprint }) => fingerprint),
      findings.map(({ fingerprint }) => fingerprint),
    );
    assert.equal(new Set(moved.map(({ fingerprint }) => fingerprint)).size, 3);
  });
});
