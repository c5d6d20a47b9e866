import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideEviction, type EvictionAnswer, type EvictionNext } from './eviction-answer.ts';

const LEFT_MS = 600_000;

function answer(overrides: Partial<EvictionAnswer>): EvictionAnswer {
  return { status: 201, message: 'said the server', causes: [], retryAfterMs: null, isNotFound: false, ...overrides };
}

const decide = (overrides: Partial<EvictionAnswer>, { attempt = 0, leftMs = LEFT_MS, random = 0 } = {}): EvictionNext =>
  decideEviction(answer(overrides), 'Evict', attempt, leftMs, random);

const BUDGET = {
  status: 429,
  causes: ['DisruptionBudget'],
  message: "Cannot evict pod as it would violate the pod's disruption budget.",
};
const THROTTLED = { status: 429, message: 'Too many requests, please try again later.' };
const OVERLAP = {
  status: 500,
  message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
};

const WEBHOOK = {
  status: 403,
  message: 'admission webhook "pods.db.example" denied the request: the operator moves its own pods',
};
const CANNOT = {
  status: 403,
  message: 'admission webhook "x" denied the request: User "agent" cannot evict a primary',
};
const POLICY = {
  status: 422,
  message: "pods \"web\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: not this one",
};

const rows: [rule: string, answer: Partial<EvictionAnswer>, next: EvictionNext['kind'], why?: RegExp][] = [
  ['201: the pod goes when its grace period is over', { status: 201 }, 'Wait'],
  ['200, of an older server, is accepted too', { status: 200 }, 'Wait'],
  ['404 that says so of this very pod: there is no such pod', { status: 404, isNotFound: true }, 'Gone'],
  ['404 of anything else, such as its namespace: whether it is there must be read', { status: 404 }, 'Recheck'],
  ['409: whose name it is must be read', { status: 409 }, 'Recheck'],
  ['no whole answer: what came of it must be read', { status: null }, 'Recheck'],
  ["429 of a PodDisruptionBudget waits, with the server's words", BUDGET, 'Retry', /disruption budget/],
  ['429 of API priority-and-fairness waits, and says who asks', THROTTLED, 'Retry', /the API server asks for patience/],
  [
    '500 of overlapping budgets names the misconfiguration',
    OVERLAP,
    'Retry',
    /^more than one PodDisruptionBudget selects it/,
  ],
  [
    '500 of anything else is transient',
    { status: 500, message: 'etcdserver: request timed out' },
    'Retry',
    /etcdserver/,
  ],
  ['502 is transient', { status: 502 }, 'Retry', /said the server/],
  ['503 is transient', { status: 503 }, 'Retry', /said the server/],
  ['504 is transient', { status: 504 }, 'Retry', /said the server/],
  ['408 is transient', { status: 408 }, 'Retry', /said the server/],
  [
    '403 in a terminating namespace waits',
    { status: 403, causes: ['NamespaceTerminating'] },
    'Retry',
    /namespace is being deleted/,
  ],
  [
    '403 of RBAC fails at once',
    { status: 403, message: 'forbidden: User cannot create pods/eviction' },
    'Fail',
    /cannot create/,
  ],
  ['401 is tried again: credentials are replaced at times', { status: 401 }, 'Retry'],
  [
    '403 of a right that we lack to delete fails at once',
    { status: 403, message: '403 pods "web" is forbidden: User "x" cannot delete resource "pods" in API group ""' },
    'Fail',
  ],
  ["403 of a webhook waits, with the webhook's words", WEBHOOK, 'Retry', /^admission webhook .* moves its own pods$/],
  ['403 of a webhook waits, whatever it says that cannot be', CANNOT, 'Retry', /denied the request/],
  ['403 of a proxy waits', { status: 403, message: 'Forbidden' }, 'Retry', /^Forbidden$/],
  ["422 of an admission policy waits, with the policy's words", POLICY, 'Retry', /denied request: not this one/],
  ['a redirect, to the page of a proxy, waits', { status: 302 }, 'Retry'],
  ['405, 407 and whatever else the API server does not say to it, waits', { status: 407 }, 'Retry'],
  ['400 of a webhook waits', { ...WEBHOOK, status: 400 }, 'Retry', /denied the request/],
];

for (const [rule, given, kind, why] of rows) {
  test(rule, () => {
    const next = decide(given);
    assert.equal(next.kind, kind);
    if (why) assert.match('why' in next ? next.why : '', why);
  });
}

const waits: [rule: string, answer: Partial<EvictionAnswer>, minMs: number, maxMs: number][] = [
  ['a budget is asked again after seconds', BUDGET, 500, 10_000],
  ['a transient error is tried again sooner', { status: 503 }, 100, 5_000],
  ['admission is asked again after seconds', POLICY, 1_000, 30_000],
  ['overlapping budgets are tried slowly, somebody has to mend them', OVERLAP, 5_000, 60_000],
];
for (const [rule, given, minMs, maxMs] of waits) {
  test(rule, () => {
    assert.deepEqual(
      [afterMs(decide(given)), afterMs(decide(given, { attempt: 40, random: 0.999_999_999 }))].map(Math.round),
      [minMs, maxMs],
    );
  });
}

test('a pod said not to be there that must be read is tried again slowly', () => {
  const after = (attempt: number) => {
    const next = decide({ status: 404 }, { attempt });
    return next.kind === 'Recheck' ? next.afterMs : 0;
  };
  assert.deepEqual([after(0), after(1), after(9)], [2_500, 5_000, 30_000]);
});

test('a wait is jittered', () => {
  assert.ok(
    afterMs(decide(BUDGET, { attempt: 3, random: 0.9 })) > afterMs(decide(BUDGET, { attempt: 3, random: 0.1 })),
  );
});

test('Retry-After is honoured where it asks for more patience than we have', () => {
  assert.equal(afterMs(decide({ ...BUDGET, retryAfterMs: 40_000 })), 40_000);
  assert.equal(afterMs(decide({ ...THROTTLED, retryAfterMs: 140_000 })), 140_000);
  assert.equal(afterMs(decide({ ...BUDGET, retryAfterMs: 1 })), 500);
});

const days: [most: string, answer: Partial<EvictionAnswer>, ms: number][] = [
  ['ten seconds, of a 503', { status: 503 }, 10_000],
  ['ten seconds, of an admission policy', POLICY, 10_000],
];
for (const [most, given, ms] of days) {
  test(`Retry-After is honoured for no more than ${most}`, () => {
    assert.equal(afterMs(decide({ ...given, retryAfterMs: 86_400_000 })), ms);
  });
}

test('no wait is longer than what is left until the deadline, Retry-After or not', () => {
  for (const given of [BUDGET, THROTTLED, OVERLAP, { status: 503 }]) {
    assert.equal(afterMs(decide({ ...given, retryAfterMs: 3_600_000 }, { leftMs: 70 })), 70);
    assert.equal(afterMs(decide(given, { leftMs: 70, attempt: 9 })), 70);
    assert.equal(afterMs(decide(given, { leftMs: -5 })), 0);
  }
});

function afterMs(next: EvictionNext): number {
  assert.equal(next.kind, 'Retry');
  return next.kind === 'Retry' ? next.afterMs : Number.NaN;
}
