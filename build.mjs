// Makes dist/agent.mjs: the whole program in one file, the same for Node and Deno.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import ncc from '@vercel/ncc';
import { build } from 'esbuild';

const OUTPUT = 'dist/agent.mjs';

// client-node names undici only to make dispatchers for fetch; the agent calls over node:https and never makes one.
// Left out, it saves 0.7 MB of bundle and 10 MB of memory on every node.
const UNDICI = `
const unused = () => { throw new Error('undici is not part of this bundle; calls go over node:https'); };
export const fetch = unused;
export class Agent { constructor() { unused(); } }
export class ProxyAgent { constructor() { unused(); } }
`;
// The proxy agents log with it. It reads every variable of the environment to find its own, which on Deno would take the
// right to all of them.
const DEBUG = 'module.exports = () => () => {};';
// prom-client asks it for the span to show beside its own CPU time; nothing here ever begins one.
const TRACING = 'exports.context = { active: () => ({}) }; exports.trace = { getSpan: () => undefined };';
const STAND_INS = { undici: UNDICI, debug: DEBUG, '@opentelemetry/api': TRACING };

const OWN_PACKAGE = resolve('package.json');

/** Packages that only define things when imported, though their package.json does not say so. */
const PURE =
  /node_modules\/(@kubernetes\/client-node|openid-client|oauth4webapi|jose|tar-fs|ws|isomorphic-ws|stream-buffers|form-data)\//;

const leaveOutWhatIsUnused = {
  name: 'leave-out-what-is-unused',
  setup(build) {
    build.onResolve({ filter: /^(undici|debug|@opentelemetry\/api)$/ }, ({ path }) => ({
      path,
      namespace: 'stand-in',
      sideEffects: false,
    }));
    build.onLoad({ filter: /.*/, namespace: 'stand-in' }, ({ path }) => ({ contents: STAND_INS[path] }));
    // The rest of it is for who works on the program, and would change the bundle with every script.
    build.onLoad({ filter: /package\.json$/ }, async ({ path }) => {
      if (path !== OWN_PACKAGE) return undefined;
      const { version } = JSON.parse(await readFile(path, 'utf8'));
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
    build.onResolve({ filter: /.*/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === 'resolved') return undefined;
      // Most imports are such, and asking esbuild back for each takes most of the time of a build.
      const beside = join(from.resolveDir, path);
      if (PURE.test(from.importer) && /^\..*\.js$/.test(path) && existsSync(beside)) {
        return { path: beside, sideEffects: false };
      }
      const resolved = await build.resolve(path, { ...from, pluginData: 'resolved' });
      return PURE.test(resolved.path) ? { ...resolved, sideEffects: false } : resolved;
    });
  },
};

await mkdir('dist', { recursive: true });
// Put together apart and then renamed, so that whoever runs the old one meanwhile always finds a whole file.
const workshop = await mkdtemp('dist/.build-');
const bundle = join(workshop, 'agent.mjs');
const { metafile } = await build({
  entryPoints: ['agent/main.ts'],
  outfile: bundle,
  bundle: true,
  // Paths are part of the output: a linked node_modules must not change them.
  preserveSymlinks: true,
  platform: 'node',
  target: 'node22.19',
  format: 'esm',
  // White space stays: an error then shows its own line of source, not half a megabyte of it.
  minifySyntax: true,
  legalComments: 'none',
  metafile: true,
  // Optional native helpers and colours of dependencies, which go without them.
  external: ['bufferutil', 'utf-8-validate', 'supports-color'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  plugins: [leaveOutWhatIsUnused],
  logLevel: 'warning',
});

// ncc follows what is still loaded at run time; anything it finds beside the one file would be missing on a node.
// It writes down paths from where it runs; from the workshop they are the same in every build. There it wants a tsconfig.
await writeFile(join(workshop, 'tsconfig.json'), '{}');
const home = process.cwd();
process.chdir(workshop);
const { code, assets } = await ncc(resolve('agent.mjs'), { target: 'es2024', quiet: true });
process.chdir(home);
const strays = Object.keys(assets).filter((name) => name !== 'package.json');
if (strays.length > 0) throw new Error(`${OUTPUT} must be the only file, but it also needs ${strays.join(', ')}`);
await writeFile(bundle, code, { mode: 0o755 });
await rename(bundle, OUTPUT);
await rm(workshop, { recursive: true });
await writeFile('dist/THIRD_PARTY_LICENSES.txt', await collectLicenses(Object.keys(metafile.inputs)));
process.stdout.write(`${OUTPUT}  ${Math.round(code.length / 1024)} KiB\n`);

/** The licence of every package that is part of the bundle, as their terms ask for. */
async function collectLicenses(inputs) {
  const packages = inputs.map((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  const texts = [...new Set(packages)]
    .filter(Boolean)
    .sort()
    .map(async (folder) => {
      const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
      const file = (await readdir(folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
      const text = file ? await readFile(join(folder, file), 'utf8') : 'No licence file in the package.';
      return `${name} ${version} (${license})\n\n${text.trim()}\n`;
    });
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`);
}
