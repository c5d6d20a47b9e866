// nsc for shells, which know its arguments only when they get there: `node nsc.ts validate -`.
import { spawnSync } from 'node:child_process';
import { nscCommand } from './nsc-command.ts';

const [program, ...args] = nscCommand(process.argv.slice(2), { env: process.env });
process.exitCode = spawnSync(program, args, { stdio: 'inherit' }).status ?? 1;
