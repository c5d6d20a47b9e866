// Plays a fleet in a thread of its own, and posts its report.
import { parentPort, workerData } from 'node:worker_threads';
import { playFleet } from './fleet.ts';

const { size, seed } = workerData as { readonly size: number; readonly seed: number };
parentPort?.postMessage(await playFleet(size, seed));
