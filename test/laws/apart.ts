import { Worker } from 'node:worker_threads';

/** Most of what a history makes is garbage at its end; in a small nursery much of it is copied before that. */
const NURSERY_MB = 64;

/**
 * Runs a module in a thread of its own, with its data as `workerData`: node:test follows every promise of its own thread, and
 * a history makes thousands of them.
 *
 * @param path of the module
 * @returns what the module posts to its parent; undefined when it ends without
 * @throws Error what the module throws
 */
export async function runApart(path: string, data: unknown, signal?: AbortSignal): Promise<unknown> {
  const worker = new Worker(path, { workerData: data, resourceLimits: { maxYoungGenerationSizeMb: NURSERY_MB } });
  const end = () => void worker.terminate();
  signal?.addEventListener('abort', end, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      let posted: unknown;
      worker.once('message', (message) => {
        posted = message;
      });
      worker.once('error', reject);
      worker.once('exit', () => resolve(posted));
    });
  } finally {
    signal?.removeEventListener('abort', end);
  }
}
