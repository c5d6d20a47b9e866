// Makes dist/nsc: dist/agent.mjs and the Node that runs this file, in one executable that needs no other runtime.
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const BUNDLE = 'dist/agent.mjs';
const OUTPUT = 'dist/nsc';
/** Where Node looks, in its own executable, for an application; both are fixed by Node's documentation. */
const INJECTION = ['NODE_SEA_BLOB', 'agent.blob', '--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'];

if (process.platform !== 'linux') throw new Error(`${OUTPUT} is made on Linux only, found ${process.platform}`);

// Put together apart and then renamed, so that whoever runs the old one meanwhile always finds a whole file.
const workshop = await mkdtemp('dist/.executable-');
const run = (program, args) => promisify(execFile)(program, args, { cwd: workshop });
const executable = join(workshop, 'nsc');

// Node 24 embeds CommonJS only. Made from the bundle, it is the program that was tested.
await build({
  entryPoints: [BUNDLE],
  outfile: join(workshop, 'agent.cjs'),
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  define: { 'import.meta.url': 'bundleUrl' },
  banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
  external: ['bufferutil', 'utf-8-validate', 'supports-color'],
  legalComments: 'none',
  logLevel: 'warning',
});
const config = { main: 'agent.cjs', output: 'agent.blob', disableExperimentalSEAWarning: true, useCodeCache: true };
await writeFile(join(workshop, 'sea.json'), JSON.stringify(config));
// The code cache fits only the Node that wrote it, so that one is shipped.
await run(process.execPath, ['--experimental-sea-config', 'sea.json']);
await copyFile(process.execPath, executable);
await leaveOutSymbols();
await run('postject', ['nsc', ...INJECTION]);
await rename(executable, OUTPUT);
await rm(workshop, { recursive: true });
process.stdout.write(`${OUTPUT}  ${Math.round((await stat(OUTPUT)).size / 1024 / 1024)} MiB\n`);

/** They are a seventh of the size. Where binutils are not installed they stay, and all works the same. */
async function leaveOutSymbols() {
  await run('strip', ['--strip-all', 'nsc']).catch((error) => {
    if (error.code !== 'ENOENT') throw error;
    process.stderr.write(`${OUTPUT} keeps its symbols: there is no strip (binutils) in PATH\n`);
  });
}
