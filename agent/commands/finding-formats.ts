import { WARNING_RULES } from '../policy/warnings/list.ts';
import { VERSION } from '../version.ts';
import { ERROR_RULE, type Finding } from './finding.ts';
import { printableJson } from './printable-json.ts';

/** Findings as another program reads them, in lines. */
export type FindingFormat = (findings: readonly Finding[]) => string[];

/** By the value of `--output`. */
export const FINDING_FORMATS = {
  /** Workflow commands, which GitHub shows beside the lines of a pull request (docs.github.com, Workflow commands). */
  github: (findings) =>
    findings.map(({ level, file, line, column, rule, message }) => {
      const properties = { file, line: String(line), col: String(column), title: rule };
      const list = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(value)}`);
      return `::${level} ${list.join(',')}::${escapeData(message)}`;
    }),
  /** A report of GitLab's Code Quality (docs.gitlab.com, Code Quality report format). */
  gitlab: (findings) => [
    printableJson(
      findings.map(({ level, file, line, rule, message, fingerprint }) => ({
        description: message,
        check_name: rule,
        fingerprint,
        severity: level === 'error' ? 'blocker' : 'minor',
        location: { path: relative(file), lines: { begin: line } },
      })),
    ),
  ],
  /** SARIF 2.1.0, for code scanning. */
  sarif: (findings) => [
    printableJson({
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: {
            driver: { name: 'node-svc-checker', version: VERSION, rules: RULE_IDS.map((id) => ({ id })) },
          },
          columnKind: 'unicodeCodePoints',
          results: findings.map(({ level, file, line, column, rule, message, fingerprint }) => ({
            ruleId: rule,
            ruleIndex: RULE_IDS.indexOf(rule),
            level,
            message: { text: message },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: toUri(file) },
                  region: { startLine: line, startColumn: column },
                },
              },
            ],
            partialFingerprints: { 'nodeSvcChecker/v1': fingerprint },
          })),
        },
      ],
    }),
  ],
} as const satisfies Readonly<Record<string, FindingFormat>>;

const RULE_IDS: readonly string[] = [ERROR_RULE, ...WARNING_RULES.map(({ id }) => id)];

/** As the programs know files: from the root of the repository, which is where they run. */
function relative(file: string): string {
  return file.replace(/^(\.\/)+/, '');
}

/** Relative to the root of the repository, unless the file is named absolutely. */
function toUri(file: string): string {
  const path = relative(file).split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${path}` : path;
}

/** As the runner's own toolkit does (actions/toolkit, command.ts). */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
