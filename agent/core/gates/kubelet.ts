import type { Gate } from './gate.ts';

/** The node of a kubelet that is not ready is already being handled by the control plane. */
export const kubeletGate: Gate = (_wanted, kept, { node }) =>
  node.ready ? null : { why: 'KubeletNotReady', because: null, hold: kept };
