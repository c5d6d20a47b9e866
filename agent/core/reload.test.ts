import {
  BOTH,
  both,
  COUNTING,
  cordons,
  DELETE,
  DONE,
  drains,
  FAILING,
  FOREIGN,
  held,
  holds,
  NEW,
  NEW_KEY,
  OTHER,
  policy,
  RECOVERED,
  REMEMBERED,
  taints,
  testReloads,
  UNDONE,
} from '../../test/harness/reload-row.ts';
import { SAMPLE_DRAIN as DRAIN, SAMPLE_TAINT } from './samples.ts';

/** What a changed policy means for what its check has counted, and for what may be done because of it. */

testReloads('what a check has counted', [
  [
    'a raised failureThreshold releases nothing',
    [both()],
    [both({ failureThreshold: 9 })],
    { counts: { a: { ...FAILING, remembered: true } } },
  ],
  [
    'a raised failureThreshold is what has to be reached before anything is added',
    [both({}, { mode: 'Observe' })],
    [both({ failureThreshold: 9 })],
    { counts: { a: { ...FAILING, failing: false } } },
  ],
  [
    'a failureThreshold raised less than was counted changes nothing',
    [both({ failureThreshold: 2 })],
    [both({ failureThreshold: 3 })],
  ],
  [
    'a lowered failureThreshold acts at once on what was counted',
    [both()],
    [both({ failureThreshold: 3 })],
    { ...DONE, counts: { a: { ...COUNTING, failing: true } } },
    { health: COUNTING },
  ],
  [
    'a lowered successThreshold recovers at once by what was counted',
    [both({ successThreshold: 2 })],
    [both()],
    { ...UNDONE, counts: { a: RECOVERED } },
    { heldBy: [both()], health: { ...RECOVERED, failing: true } },
  ],
  ['another period keeps the counters', [both()], [both({ periodSeconds: 60 })], {}, { health: COUNTING }],
  ['another timeout keeps the counters', [both()], [both({ timeoutSeconds: 60 })], {}, { health: COUNTING }],
  ['another period keeps what is held', [both()], [both({ periodSeconds: 60 })]],
  ['another command starts at zero', [both()], [both(OTHER)], { counts: { a: NEW } }, { health: COUNTING }],
  [
    'another env starts at zero',
    [both()],
    [both({ env: [{ name: 'LEVEL', value: 'deep' }] })],
    { counts: { a: NEW } },
    { health: COUNTING },
  ],
  ['another runIn starts at zero', [both()], [both({ runIn: 'Host' })], { counts: { a: NEW } }, { health: COUNTING }],
  ['another command keeps what is held until it recovers', [both()], [both(OTHER)], { counts: { a: REMEMBERED } }],
  [
    'another command after a recovery that could not be undone yet keeps what is held',
    [both({}, { paused: true })],
    [both(OTHER)],
    { counts: { a: REMEMBERED } },
    { heldBy: [both()], health: RECOVERED },
  ],

  [
    'what is held is undone by what was counted meanwhile, whatever the new failureThreshold',
    [both({}, { paused: true })],
    [both({ failureThreshold: 9 })],
    UNDONE,
    { heldBy: [both()], health: COUNTING },
  ],
]);

testReloads('a check that starts anew', [
  [
    'another command begins no drain before it has failed often enough itself',
    [both()],
    [policy('a', { ...BOTH, drain: DRAIN }, OTHER)],
    { counts: { a: REMEMBERED }, withheld: ['a: BelowThreshold'] },
  ],
  [
    'another command keeps the old taint until it has failed often enough to be given the new one',
    [both()],
    [taints(NEW_KEY, OTHER)],
    { counts: { a: REMEMBERED }, withheld: ['a: BelowThreshold'] },
  ],
  [
    'another command loses what its policy asks for no more',
    [both()],
    [policy('a', { taint: SAMPLE_TAINT }, OTHER)],
    {
      counts: { a: REMEMBERED },
      writes: { unschedulable: null },
      ledger: held({ a: holds(false, SAMPLE_TAINT) }, SAMPLE_TAINT, null),
    },
  ],
  [
    'another command that has failed often enough is given all that its policy asks for',
    [taints(NEW_KEY, OTHER)],
    [taints(NEW_KEY, OTHER)],
    { writes: { taints: [FOREIGN, NEW_KEY] }, ledger: held({ a: holds(true, NEW_KEY) }, NEW_KEY) },
    { heldBy: [both()] },
  ],
  [
    'another command goes on with the drain of the one before',
    [drains('a')],
    [policy('a', { cordon: true, drain: DRAIN }, OTHER)],
    { counts: { a: REMEMBERED }, drainBy: [drains('a')] },
  ],

  [
    'another command that holds nothing any more is failing no more',
    [both(OTHER)],
    [both({ ...OTHER, periodSeconds: 60 })],
    { counts: { a: NEW } },
    { heldBy: [], health: REMEMBERED },
  ],
  [
    'another command loses a cordon while a new taint waits',
    [both()],
    [policy('a', { taint: NEW_KEY }, OTHER)],
    {
      counts: { a: REMEMBERED },
      writes: { unschedulable: null },
      ledger: held({ a: holds(false, SAMPLE_TAINT) }, SAMPLE_TAINT, null),
      withheld: ['a: BelowThreshold'],
    },
  ],
  [
    'another command loses a taint while a drain waits',
    [both()],
    [policy('a', { drain: DRAIN }, OTHER)],
    {
      counts: { a: REMEMBERED },
      writes: { taints: [FOREIGN] },
      ledger: held({ a: holds(true, null) }, null),
      withheld: ['a: BelowThreshold'],
    },
  ],
  [
    'another command loses a drain while a new taint waits',
    [policy('a', { ...BOTH, drain: DRAIN })],
    [taints(NEW_KEY, OTHER)],
    {
      counts: { a: REMEMBERED },
      writes: { drainState: 'drainNotActive' },
      ledger: held({ a: holds(true, SAMPLE_TAINT) }, SAMPLE_TAINT),
      withheld: ['a: BelowThreshold'],
    },
  ],
  [
    'another command whose drain waits does not rule the drain of another policy',
    [cordons('a'), drains('b')],
    [policy('a', { drain: DELETE }, OTHER), drains('b')],
    { counts: { a: REMEMBERED, b: FAILING }, withheld: ['a: BelowThreshold'], drainBy: [drains('b')] },
  ],
]);

testReloads('mode, pause and budget', [
  [
    'mode Observe undoes, and counts on',
    [both()],
    [both({}, { mode: 'Observe' })],
    { ...UNDONE, withheld: ['a: Observe'] },
  ],
  ['mode Enforce acts at once on what was counted under Observe', [both({}, { mode: 'Observe' })], [both()], DONE],
  [
    'paused freezes what is held, whatever else is edited',
    [both()],
    [policy('a', { taint: NEW_KEY }, OTHER, { paused: true })],
    { counts: { a: REMEMBERED }, withheld: ['a: Paused'] },
  ],
  [
    'paused does nothing new',
    [both({ failureThreshold: 9 })],
    [both({}, { paused: true })],
    { withheld: ['a: Paused'] },
    { heldBy: [] },
  ],
  ['unpaused does what would have been done', [both({}, { paused: true })], [both()], DONE],
  [
    'unpaused undoes what would have been undone',
    [both({}, { paused: true })],
    [both()],
    UNDONE,
    { heldBy: [both()], health: RECOVERED },
  ],
  ['a budget undoes nothing', [both()], [both()], {}, { slot: 'Denied' }],
  [
    'a budget that was not asked yet stops nothing that joins an episode, whose node has its slots',
    [both()],
    [taints(NEW_KEY)],
    { writes: { taints: [FOREIGN, NEW_KEY] }, ledger: held({ a: holds(true, NEW_KEY) }, NEW_KEY) },
    { slot: 'Pending' },
  ],
]);
