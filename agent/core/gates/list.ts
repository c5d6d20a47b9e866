import { budgetGate } from './budget.ts';
import type { Gate } from './gate.ts';
import { kubeletGate } from './kubelet.ts';
import { tolerationsGate } from './tolerations.ts';

/**
 * In the order in which they are asked: the last one that is closed is told. The budget comes at the end, so that no slot is
 * asked for what may not be done anyway.
 */
export const GATES: readonly Gate[] = [kubeletGate, tolerationsGate, budgetGate];
