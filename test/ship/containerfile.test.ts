import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { readContainerfile, sourcesOf } from './containerfile.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const packageJson = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const { stages } = readContainerfile();
const build = stages.find(({ name }) => name === 'build');
const last = stages.at(-1);
assert.ok(build && last);
const valuesOf = (name: string) => last.instructions.filter((found) => found.name === name).map(({ value }) => value);

test('the image brings Node.js alone, without npm, and runs nothing while it is put together', () => {
  assert.match(last.image, /^docker\.io\/library\/debian:/);
  const copies = valuesOf('COPY');
  assert.ok(copies.includes('--from=node /usr/local/bin/node /usr/local/bin/node'));
  for (const copy of copies) {
    assert.match(copy, /^--from=(node|build) /);
    assert.doesNotMatch(copy, /npm|node_modules|\/src/);
  }
  assert.deepEqual(valuesOf('RUN'), []);
});

test('the image runs as the number that the DaemonSet names, not as root', () => {
  const daemonSet = parse(readFileSync(join(ROOT, 'deploy/kustomize/base/daemonset.yaml'), 'utf8'));
  const { runAsUser, runAsGroup } = daemonSet.spec.template.spec.securityContext;
  assert.deepEqual(valuesOf('USER'), [`${runAsUser}:${runAsGroup}`]);
  assert.ok(runAsUser > 0);
});

test('the image has the command that the DaemonSet names on its PATH', () => {
  const daemonSet = parse(readFileSync(join(ROOT, 'deploy/kustomize/base/daemonset.yaml'), 'utf8'));
  const [command] = daemonSet.spec.template.spec.containers[0].command;
  const makes = build.instructions.filter(({ name }) => name === 'RUN').map(({ value }) => value);
  assert.match(makes.join(), new RegExp(`ln -s \\S+ /image/usr/local/bin/${command}$`));
  assert.ok(valuesOf('COPY').includes('--from=build /image/ /'));
  assert.deepEqual(valuesOf('ENTRYPOINT'), [`["${command}"]`]);
});

test('the image is labelled with its source, licence and version', () => {
  const labels = valuesOf('LABEL').join(' ');
  for (const name of ['source', 'licenses', 'version', 'revision', 'title', 'description']) {
    assert.match(labels, new RegExp(`org\\.opencontainers\\.image\\.${name}=`));
  }
  assert.match(labels, new RegExp(`licenses="${packageJson.license}"`));
  assert.ok(valuesOf('ARG').includes(`VERSION=${packageJson.version}`));
});

test('every image is pulled by a tag, and Node.js is the version that the tests run on', () => {
  for (const { image } of stages)
    assert.match(image, /^docker\.io\/library\/[a-z]+:(?!latest)[\w.-]+(@sha256:[0-9a-f]{64})?$/);
  const { node } = packageJson.devDependencies;
  for (const { name, image } of stages) if (name) assert.match(image, new RegExp(`/node:${node}-`));
});

test('what the build stage copies is there, and nothing else is sent to the builder', () => {
  const sources = sourcesOf(build);
  for (const source of sources) assert.ok(existsSync(join(ROOT, source)), source);
  const sent = readFileSync(join(ROOT, '.containerignore'), 'utf8')
    .match(/^!.+$/gm)
    ?.map((line) => line.slice(1));
  assert.deepEqual(sent?.sort(), sources.sort());
});
