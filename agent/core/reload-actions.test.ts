import {
  BOTH,
  both,
  cordons,
  DELETE,
  drainSince,
  drains,
  FAILING,
  FOREIGN,
  held,
  holds,
  NEW,
  NEW_EFFECT,
  NEW_KEY,
  NEW_VALUE,
  policy,
  RELOADED_AT,
  taints,
  testReloads,
  UNDONE,
} from '../../test/harness/reload-row.ts';
import { SAMPLE_DRAIN as DRAIN, SAMPLE_NOW, SAMPLE_TAINT } from './samples.ts';

/** What a changed policy means for what is on the node. */

testReloads('what is removed', [
  ['a removed policy is undone', [both()], [], { ...UNDONE, counts: {} }],
  ['a renamed policy is undone and counts anew', [both()], [policy('b', BOTH)], { ...UNDONE, counts: { b: NEW } }],
  [
    'a policy that selects the node no more is undone',
    [both()],
    [both({}, { nodeSelector: { matchLabels: { role: 'web' } } })],
    { ...UNDONE, counts: {} },
  ],
  [
    'a removed policy is undone though it was paused',
    [both({}, { paused: true })],
    [],
    { ...UNDONE, counts: {} },
    { heldBy: [both()] },
  ],
  ['a policy without actions holds nothing', [both()], [policy('a', {})], UNDONE],
  [
    'a removed cordon is undone, the taint stays',
    [both()],
    [policy('a', { taint: SAMPLE_TAINT })],
    {
      writes: { unschedulable: null },
      ledger: held({ a: holds(false, SAMPLE_TAINT) }, SAMPLE_TAINT, null),
    },
  ],
  [
    'a removed taint is undone, the cordon stays',
    [both()],
    [cordons('a')],
    { writes: { taints: [FOREIGN] }, ledger: held({ a: holds(true, null) }, null) },
  ],
  [
    "a person's cordon and taint survive a removed policy",
    [both()],
    [],
    { counts: {}, writes: { drainState: 'drainNotActive' }, ledger: null },
    { meanwhile: { taints: [NEW_VALUE], unschedulable: false } },
  ],
  [
    'another policy that wants the cordon keeps it when the first is removed',
    [both(), cordons('b')],
    [cordons('b')],
    { writes: { taints: [FOREIGN] }, counts: { b: FAILING }, ledger: held({ b: holds(true, null) }, null) },
  ],
  [
    'another policy that wants the taint gives it its value when the first is removed',
    [both(), policy('b', { cordon: true, taint: NEW_VALUE })],
    [policy('b', { cordon: true, taint: NEW_VALUE })],
    {
      writes: { taints: [FOREIGN, NEW_VALUE] },
      counts: { b: FAILING },
      ledger: held({ b: holds(true, NEW_VALUE) }, NEW_VALUE),
    },
  ],
]);

testReloads('a taint is replaced in one write by', [
  [
    'a new key',
    [both()],
    [taints(NEW_KEY)],
    { writes: { taints: [FOREIGN, NEW_KEY] }, ledger: held({ a: holds(true, NEW_KEY) }, NEW_KEY) },
  ],
  [
    'a new value',
    [both()],
    [taints(NEW_VALUE)],
    { writes: { taints: [FOREIGN, NEW_VALUE] }, ledger: held({ a: holds(true, NEW_VALUE) }, NEW_VALUE) },
  ],
  [
    'a new effect',
    [both()],
    [taints(NEW_EFFECT)],
    { writes: { taints: [FOREIGN, NEW_EFFECT] }, ledger: held({ a: holds(true, NEW_EFFECT) }, NEW_EFFECT) },
  ],
]);

testReloads('a drain', [
  [
    'a drain that is added begins, from now on',
    [cordons('a')],
    [drains('a')],
    {
      writes: { drainState: 'drainActive' },
      ledger: held({ a: holds(true, null, drainSince(RELOADED_AT)) }, null),
      drainBy: [drains('a')],
    },
  ],
  [
    'a drain that is added brings its cordon',
    [policy('a', { taint: SAMPLE_TAINT })],
    [policy('a', { taint: SAMPLE_TAINT, drain: DRAIN })],
    {
      writes: { unschedulable: true, drainState: 'drainActive' },
      ledger: held({ a: holds(true, SAMPLE_TAINT, drainSince(RELOADED_AT)) }, SAMPLE_TAINT),
      drainBy: [drains('a')],
    },
  ],
  [
    'a drain that is removed stops, the cordon stays',
    [drains('a')],
    [cordons('a')],
    { writes: { drainState: 'drainNotActive' }, ledger: held({ a: holds(true, null) }, null) },
  ],
  [
    'a drain that is removed takes along the cordon that only it wanted',
    [policy('a', { taint: SAMPLE_TAINT, drain: DRAIN })],
    [policy('a', { taint: SAMPLE_TAINT })],
    {
      writes: { unschedulable: null, drainState: 'drainNotActive' },
      ledger: held({ a: holds(false, SAMPLE_TAINT) }, SAMPLE_TAINT, null),
    },
  ],
  [
    'another onTimeout holds for the drain under way, whose deadline stays',
    [drains('a')],
    [drains('a', DELETE)],
    { drainBy: [drains('a', DELETE)] },
  ],
  [
    'another policy goes on with its own drain when the first is removed',
    [drains('a'), drains('b', DELETE)],
    [drains('b', DELETE)],
    {
      writes: {},
      counts: { b: FAILING },
      ledger: held({ b: holds(true, null, drainSince(SAMPLE_NOW)) }, null),
      drainBy: [drains('b', DELETE)],
    },
  ],
  [
    "a drain that is added after a person's uncordon neither cordons nor evicts",
    [cordons('a')],
    [drains('a')],
    {
      writes: { drainState: 'drainActive' },
      ledger: held({ a: holds(true, null, drainSince(RELOADED_AT)) }, null, 'TakenAway'),
    },
    { meanwhile: { unschedulable: false } },
  ],
]);
