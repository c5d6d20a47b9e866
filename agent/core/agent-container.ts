import { wordsOf } from './words.ts';

/** An agent's container, as the kubelet tells of it in the status of its pod. */
export type AgentContainer = {
  readonly nodeName: string;
  /** RFC 3339, when its pod was created; empty: not known. */
  readonly createdAt: string;
  /** Why it does not run, such as CrashLoopBackOff; null: it runs, or is about to for the first time. */
  readonly waiting: { readonly reason: string; readonly message: string } | null;
  /** How it ended last; null: it has not. */
  readonly ended: {
    readonly reason: string;
    readonly exitCode: number;
    /** RFC 3339. */
    readonly finishedAt: string;
    /** The end of its log, where it wrote no other. */
    readonly message: string;
  } | null;
};

/** One that ended with an error is spoken of for so long after it was started again, in milliseconds. */
const RECENT_MS = 600_000;
/** What the kubelet says of any container that it is about to start. */
const STARTING: readonly string[] = ['ContainerCreating', 'PodInitializing'];
/** In milliseconds. Where it takes longer, a volume is missing, say, of which the kubelet tells in Events alone. */
const STARTS_WITHIN_MS = 120_000;

/** What a person should look into, with the last words of the container; null: nothing. */
export function containerProblem(
  { createdAt, waiting, ended }: AgentContainer,
  nowMs: number,
): { readonly reason: 'AgentNotRunning' | 'AgentRestarted'; readonly error: string } | null {
  const lastWords = ended === null || ended.exitCode === 0 ? '' : lastLine(ended.message);
  // Of a container that ends again and again the kubelet says how long it waits.
  const why = lastWords || (ended === null ? lastLine(waiting?.message ?? '') : '');
  if (waiting !== null && STARTING.includes(waiting.reason)) {
    // One that had run starts anew after a reboot, say.
    const since = ended !== null && ended.finishedAt > createdAt ? ended.finishedAt : createdAt;
    if (nowMs - Date.parse(since) >= STARTS_WITHIN_MS) {
      return { reason: 'AgentNotRunning', error: joined(`${waiting.reason} since ${lastLine(since)}`, why) };
    }
  } else if (waiting !== null) {
    return { reason: 'AgentNotRunning', error: joined(lastLine(waiting.reason), why) };
  }
  if (ended === null || ended.exitCode === 0 || !(nowMs - Date.parse(ended.finishedAt) < RECENT_MS)) return null;
  const how = `${lastLine(ended.reason)}, exit code ${ended.exitCode}, at ${lastLine(ended.finishedAt)}`;
  return { reason: 'AgentRestarted', error: joined(how, lastWords) };
}

function joined(what: string, why: string): string {
  return why === '' ? what : `${what}: ${why}`;
}

/** As a script's: whatever wrote it, it forges no line. */
function lastLine(text: string): string {
  return wordsOf({ stdout: text, stdoutEnd: text, stderr: '' }, 'LastLine');
}
