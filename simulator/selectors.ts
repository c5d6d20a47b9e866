import { badRequest } from './api-error.ts';
import { apiVersionOf, type Resource } from './resources.ts';
import type { KubeObject } from './types.ts';

export type Matches = (object: KubeObject) => boolean;

/** What a list or watch asks for by `labelSelector` and `fieldSelector`. @throws ApiError 400 for a malformed one. */
export function selectorOf(resource: Resource, query: URLSearchParams): Matches {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(resource, query.get('fieldSelector') ?? '');
  return (object) => labels(object.metadata.labels ?? {}) && fields(object);
}

type Labels = Readonly<Record<string, string>>;

const SET_BASED = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/;
const EQUALITY = /^([^!=\s]+)\s*(==|=|!=)\s*([^\s=]*)$/;
const EXISTENCE = /^(!?)\s*([A-Za-z0-9][^\s=!(),]*)$/;

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k`; an empty one matches everything. */
export function parseLabelSelector(text: string): (labels: Labels) => boolean {
  const requirements = splitOutsideBrackets(text).map(parseRequirement);
  return (labels) => requirements.every((holds) => holds(labels));
}

function parseRequirement(text: string): (labels: Labels) => boolean {
  const set = SET_BASED.exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    const isIn = (labels: Labels) => key in labels && values.includes(labels[key] ?? '');
    return operator === 'in' ? isIn : (labels) => !isIn(labels);
  }
  const equality = EQUALITY.exec(text);
  if (equality) {
    const [, key = '', operator, value = ''] = equality;
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const existence = EXISTENCE.exec(text);
  if (!existence) throw badRequest(`unable to parse requirement: ${text}`);
  const [, not, key = ''] = existence;
  return (labels) => key in labels === (not === '');
}

function splitOutsideBrackets(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function parseFieldSelector(resource: Resource, text: string): Matches {
  const terms = text.split(',').filter((term) => term !== '');
  const requirements = terms.map((term) => parseFieldTerm(resource, term));
  return (object) => requirements.every((holds) => holds(object));
}

function parseFieldTerm(resource: Resource, term: string): Matches {
  const [, name = term, operator, value = ''] = /^([^!=]+)(==|=|!=)(.*)$/.exec(term) ?? [];
  const read = fieldReader(resource, name);
  return operator === '!=' ? (object) => read(object) !== value : (object) => read(object) === value;
}

function fieldReader(resource: Resource, name: string): (object: KubeObject) => string {
  if (name === 'metadata.name') return (object) => object.metadata.name;
  if (name === 'metadata.namespace' && resource.namespaced) return (object) => object.metadata.namespace ?? '';
  const read = resource.fields[name];
  if (read) return read;
  throw badRequest(
    `Unable to find "${apiVersionOf(resource)}, Resource=${resource.plural}" that match field "${name}"`,
  );
}

/** A metav1.LabelSelector object, as in a PodDisruptionBudget. Absent matches nothing, empty matches everything. */
export function matchesLabelSelector(selector: LabelSelector | undefined, labels: Labels = {}): boolean {
  if (selector === undefined) return false;
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return equal && (selector.matchExpressions ?? []).every((expression) => expressionHolds(expression, labels));
}

export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly LabelExpression[];
}

interface LabelExpression {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values?: readonly string[];
}

function expressionHolds({ key, operator, values = [] }: LabelExpression, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
