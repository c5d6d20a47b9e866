import assert from 'node:assert/strict';
import type { DraftCheck, Imported } from '../draft.ts';
import { fileSource } from '../source.ts';
import { readCfg } from './read-cfg.ts';
import { translateNagios } from './translate.ts';

/** For tests: what becomes of files `a.cfg`, `b.cfg` and `c.cfg` with these texts. */
export function translate(...texts: string[]): Imported {
  return translateNagios(texts.map((text, index) => readCfg(fileSource(`${'abc'[index]}.cfg`, text))));
}

export function define(type: string, directives: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(directives).map(([name, value]) => `  ${name}  ${value}\n`);
  return `define ${type} {\n${lines.join('')}}\n`;
}

export const COMMAND = define('command', { command_name: 'check_x', command_line: '/opt/x -w $ARG1$ "$ARG2$"' });

/** A service that runs {@link COMMAND}, changed where a test says so. */
export function service(directives: Readonly<Record<string, string | number>> = {}): string {
  return define('service', {
    service_description: 'X',
    check_command: 'check_x!1!2',
    max_check_attempts: 3,
    ...directives,
  });
}

/** Of the first policy. */
export function checkOf(...texts: string[]): DraftCheck {
  return translate(...texts).drafts[0]?.check ?? assert.fail();
}
