import { type Located, type LocatedMap, stringAt } from '../located.ts';
import { readJson } from '../read-json.ts';
import { readYaml } from '../read-yaml.ts';
import { partOf, Refusal, type Source } from '../source.ts';
import type { Findings } from './fields.ts';
import { type Monitor, readMonitor, wrongPlugin } from './monitor.ts';

/** The field of the node-problem-detector chart's values that holds files by name. */
const HELM_FIELD = 'custom_monitor_definitions';

/**
 * The custom plugin monitors of a file: JSON as node-problem-detector takes it, ConfigMaps that hold such files, or values of
 * its Helm chart; several documents of these, in any order. Of files that hold more, such as its other monitors and scripts,
 * what is no custom plugin monitor is noted.
 */
export function readMonitors(file: Source, findings: Findings): Monitor[] {
  const [errorsBefore, notesBefore] = [findings.errors.length, findings.notes.length];
  const monitors: Monitor[] = [];
  for (const document of splitDocuments(file)) {
    try {
      for (const root of readDocument(document)) monitors.push(...monitorsOf(root, findings));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      findings.add(error);
    }
  }
  if (monitors.length === 0 && findings.errors.length === errorsBefore) {
    const others = findings.notes.slice(notesBefore).filter(({ what }) => what.endsWith('.json'));
    const requirement = 'must have a custom plugin monitor in it';
    if (others.length === 0) findings.refuse(file.placeOf(0), '$', requirement);
    for (const { place, what, why } of others) findings.refuse(place, '$', requirement, `${what}: ${why}`);
  }
  return monitors;
}

/** At lines of three dashes, which stand in no JSON and in no indented text. */
function splitDocuments(source: Source): Source[] {
  const separators = [...source.text.matchAll(/^---(?:[ \t].*)?\r?$/gm)];
  const starts = [0, ...separators.map(({ index, 0: { length } }) => index + length)];
  const ends = [...separators.map(({ index }) => index), source.text.length];
  return starts.map((start, index) => partOf(source, start, ends[index] ?? start));
}

function readDocument(source: Source): Located[] {
  if (/^\s*[{[]/.test(source.text)) return readJson(source);
  const root = readYaml(source);
  return root ? [root] : [];
}

function monitorsOf(root: Located, findings: Findings): Monitor[] {
  if (root.kind === 'map') {
    if (stringAt(root, 'kind')?.endsWith('List')) {
      const items = root.fields.get('items')?.node;
      return items?.kind === 'list' ? items.items.flatMap((item) => monitorsOf(item, findings)) : [];
    }
    if (stringAt(root, 'kind') === 'ConfigMap')
      return root.fields.has('data') ? inFiles(root.fields.get('data')?.node, findings) : [];
    if (stringAt(root, 'apiVersion') !== undefined && stringAt(root, 'kind') !== undefined) return [];
    if (root.fields.has('plugin') || root.fields.has('rules')) return directMonitor(root, findings);
    const definitions = findFields(root, HELM_FIELD);
    if (definitions.length > 0) return definitions.flatMap((files) => inFiles(files, findings));
  }
  const requirement = `must be a custom plugin monitor, a ConfigMap with such, or Helm values with ${HELM_FIELD}`;
  throw new Refusal(root.place, '$', requirement);
}

function directMonitor(root: LocatedMap, findings: Findings): Monitor[] {
  const plugin = stringAt(root, 'plugin') ?? '';
  const requirement = wrongPlugin(plugin);
  if (requirement === null) return [readMonitor(root, findings)];
  throw new Refusal(
    root.fields.get('plugin')?.node.place ?? root.place,
    '$.plugin',
    requirement,
    JSON.stringify(plugin),
  );
}

/** Files by name, as a ConfigMap has them. */
function inFiles(files: Located | undefined, findings: Findings): Monitor[] {
  if (files?.kind !== 'map') return [];
  return [...files.fields].flatMap(([name, { keyPlace, node }]) => {
    const skip = (why: string) => {
      findings.notes.push({ what: name, place: keyPlace, why });
      return [];
    };
    if (!name.endsWith('.json')) return skip('no monitor; a script has to be where the policy names it');
    if (node.kind !== 'scalar' || typeof node.value !== 'string') {
      throw new Refusal(node.place, '$', `must have the text of ${name}`);
    }
    const [root, ...more] = readJson(node.inside);
    if (root?.kind !== 'map' || more.length > 0)
      throw new Refusal(node.place, '$', `must have one JSON object as ${name}`);
    const plugin = stringAt(root, 'plugin') ?? '';
    return wrongPlugin(plugin) === null
      ? [readMonitor(root, findings)]
      : skip(`no custom plugin monitor, its plugin is ${JSON.stringify(plugin)}`);
  });
}

/** Wherever the chart is a part of another one, its values are a part of that one's. */
function findFields(node: Located, name: string): Located[] {
  if (node.kind === 'list') return node.items.flatMap((item) => findFields(item, name));
  if (node.kind === 'scalar') return [];
  return [...node.fields].flatMap(([key, field]) => (key === name ? [field.node] : findFields(field.node, name)));
}
