import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Hold, Ledger } from '../ledger.ts';
import type { Taint } from '../policy.ts';
import { SAMPLE_NOW, SAMPLE_SLOTS, SAMPLE_TAINT, sampleBudget, sampleNode } from '../samples.ts';
import { NO_SLOTS_ANSWER } from '../slot.ts';
import { budgetGate } from './budget.ts';
import { type GateView, isPending } from './gate.ts';
import { kubeletGate } from './kubelet.ts';
import { GATES } from './list.ts';
import { tolerationsGate } from './tolerations.ts';

const NO_EXECUTE: Taint = { ...SAMPLE_TAINT, effect: 'NoExecute' };
const WANTED: Hold = { since: SAMPLE_NOW, marks: { cordon: {}, taint: SAMPLE_TAINT }, drain: null };
const KEPT: Hold = { since: SAMPLE_NOW, marks: { cordon: {} }, drain: null };
const DISRUPTED: Ledger = {
  nodeUid: 'uid-1',
  since: SAMPLE_NOW,
  policies: { a: KEPT },
  marks: [{ effect: 'cordon', mark: {}, owner: 'Ours' }],
};
const view = (more: Partial<GateView> = {}): GateView => ({
  node: sampleNode(),
  ledger: null,
  budgets: [],
  slots: NO_SLOTS_ANSWER,
  ownTolerations: null,
  ...more,
});

suite('the kubelet', () => {
  test('that is ready stops nothing', () => assert.equal(kubeletGate(WANTED, null, view()), null));

  test('that is not lets nothing be added, and what is held stay', () => {
    const closed = { why: 'KubeletNotReady', because: null };
    const unready = view({ node: sampleNode({ ready: false }) });
    assert.deepEqual(kubeletGate(WANTED, null, unready), { ...closed, hold: null });
    assert.deepEqual(kubeletGate(WANTED, KEPT, unready), { ...closed, hold: KEPT });
  });
});

suite('the budgets', () => {
  const why = (more: Partial<GateView>) => budgetGate(WANTED, KEPT, view(more))?.why ?? null;

  test('none stop nothing', () => assert.equal(why({}), null));
  test('that all grant stop nothing', () => assert.equal(why(SAMPLE_SLOTS.Granted), null));
  test('that do not select the node stop nothing', () =>
    assert.equal(
      why({ budgets: [sampleBudget('b', { maxUnavailable: 0, nodeSelector: { matchLabels: { x: 'y' } } })] }),
      null,
    ));
  test('that were not heard of have to be waited for', () => assert.equal(why(SAMPLE_SLOTS.Pending), 'SlotPending'));
  test('whose answer was about another Node have to be waited for', () =>
    assert.equal(why({ ...SAMPLE_SLOTS.Granted, node: sampleNode({ uid: 'uid-2' }) }), 'SlotPending'));
  test('of which one has not granted yet have to be waited for', () =>
    assert.equal(
      why({ ...SAMPLE_SLOTS.Granted, budgets: [sampleBudget('cluster'), sampleBudget('zone')] }),
      'SlotPending',
    ));
  test('that were not heard of stop nothing on a node that is disrupted: it has its slots', () =>
    assert.equal(why({ ...SAMPLE_SLOTS.Pending, ledger: DISRUPTED }), null));

  test('of which one denies say which and why, and what is held stays', () => {
    assert.deepEqual(budgetGate(WANTED, KEPT, view(SAMPLE_SLOTS.Denied)), {
      why: 'BudgetDenied',
      because: 'budget cluster is full, 1 of 1 disrupted',
      hold: KEPT,
    });
  });

  for (const maxUnavailable of [0, '0%']) {
    test(`one of ${maxUnavailable} stops every new action, also on a node that is disrupted, and says so`, () => {
      const budgets = [sampleBudget('granting'), sampleBudget('stop', { maxUnavailable })];
      const closed = budgetGate(WANTED, KEPT, view({ ...SAMPLE_SLOTS.Granted, budgets, ledger: DISRUPTED }));
      assert.deepEqual(closed, {
        why: 'BudgetDenied',
        because: 'budget stop lets no node be disrupted (its limit is 0)',
        hold: KEPT,
      });
    });
  }

  test('that cannot count the node say what is missing', () => {
    const denial = { budget: 'cluster', answer: { kind: 'Uncountable', problem: 'no zone' } } as const;
    const { budgets } = SAMPLE_SLOTS.Denied;
    const closed = budgetGate(WANTED, null, view({ budgets, slots: { ...NO_SLOTS_ANSWER, nodeUid: 'uid-1', denial } }));
    assert.deepEqual(closed, { why: 'BudgetDenied', because: 'budget cluster: no zone', hold: null });
  });
});

suite("the agent's tolerations", () => {
  const evicting: Hold = { ...WANTED, marks: { cordon: {}, taint: NO_EXECUTE } };
  const gate = (wanted: Hold, kept: Hold | null, ownTolerations: GateView['ownTolerations']) =>
    tolerationsGate(wanted, kept, view({ ownTolerations }));

  test('matter only for NoExecute, and only to an agent in a pod', () => {
    assert.equal(gate(WANTED, null, []), null);
    assert.equal(gate(evicting, null, null), null);
    assert.equal(gate(evicting, null, [{ operator: 'Exists' }]), null);
  });

  test('that do not cover NoExecute keep that from the node, and nothing else', () => {
    for (const tolerations of [[], [{ operator: 'Exists', tolerationSeconds: 300 }]]) {
      assert.deepEqual(gate(evicting, null, tolerations), {
        why: 'WouldEvictAgent',
        because: null,
        hold: { ...evicting, marks: { cordon: {} } },
      });
    }
  });

  test('that are not read yet keep it from the node without a word', () => {
    const closed = gate(evicting, null, 'Unread');
    assert.deepEqual(closed?.hold?.marks, { cordon: {} });
    assert.ok(isPending(closed.why));
  });

  test('that do not cover NoExecute, where it is all that is wanted, leave nothing', () =>
    assert.equal(gate({ ...evicting, marks: { taint: NO_EXECUTE } }, null, [])?.hold, null));

  test('that no longer cover it leave it where it is', () => {
    const kept = { ...evicting, marks: { taint: NO_EXECUTE } };
    assert.deepEqual(gate(evicting, kept, [])?.hold?.marks, evicting.marks);
  });
});

test('the kubelet is asked first, and the budget last, which costs requests', () => {
  const all = view({ ...SAMPLE_SLOTS.Denied, node: sampleNode({ ready: false }), ownTolerations: [] });
  const wanted = { ...WANTED, marks: { taint: NO_EXECUTE } };
  assert.deepEqual(
    GATES.map((gate) => gate(wanted, null, all)?.why),
    ['KubeletNotReady', 'WouldEvictAgent', 'BudgetDenied'],
  );
});
