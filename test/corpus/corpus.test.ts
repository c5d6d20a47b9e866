import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { DEFAULT_PATH } from '../../agent/check/launcher.ts';
import { type AllSaid, HERE, type Player, PROGRAMS, type Said } from './players.ts';
import { DIR, type Part } from './stage.ts';
import { type Row, TABLE } from './table.ts';

const SCRIPTS = join(import.meta.dirname, 'scripts');
const ROWS = Object.entries(TABLE);
const PLAY = { files: SCRIPTS, parts: ROWS.filter(([, row]) => !lacks(row)).map(partOf) };

suite('scripts as people have them', () => {
  playedBy(HERE);
  // At the same time, since most of it is waiting for scripts that hang; we start them all, so this process plays before.
  suite('run by the program', { concurrency: true }, () => PROGRAMS.forEach(playedBy));
});

test('every script of the corpus is in the table', () => {
  const files = readdirSync(SCRIPTS, { withFileTypes: true }).filter((file) => !file.isDirectory());
  const played = new Set(ROWS.map(([, { script }]) => script));
  assert.deepEqual(
    files.map(({ name }) => name).filter((name) => !played.has(name)),
    [],
  );
});

function playedBy({ name, skip, play }: Player): void {
  suite(`run by ${name}`, { skip }, () => {
    let said: AllSaid = new Map();
    before(async () => {
      said = await play(PLAY);
    });
    for (const [policy, row] of ROWS) {
      test(`say what they have to: ${policy}`, { skip: lacks(row) }, () =>
        assert.deepEqual(said.get(policy), expected(row)),
      );
    }
  });
}

function partOf([policy, { script, args = [], check, verdict }]: readonly [string, Row]): Part {
  return { policy, command: [`${DIR}/${script}`, ...args], check, endsAgent: verdict === 'Fatal' };
}

function expected({ verdict, mapped, words = '' }: Row): Said {
  return { verdict, mapped: mapped ?? null, words };
}

/** For a test's `skip`. */
function lacks({ needs = [] }: Row): string | false {
  const isThere = (program: string) => DEFAULT_PATH.split(':').some((dir) => existsSync(join(dir, program)));
  const missing = needs.filter((program) => !isThere(program));
  return missing.length > 0 && `needs ${missing.join(', ')} in the PATH that checks have`;
}
