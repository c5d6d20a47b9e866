import type { Fault } from './faults.ts';
import type { KubeObject, KubeStatus, WatchEvent } from './types.ts';
import { tooOld, type WatchSink } from './watch.ts';

/** An answer that is no watch. */
export interface BodyAnswer {
  readonly code: number;
  /** Sent as JSON, or as text when it is a string. */
  readonly body: unknown;
  /** `application/json`, or `text/plain` for a string, when absent. */
  readonly contentType?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

/** The way of a watch's lines to who asked. What comes after its end is lost. */
export interface WatchWire {
  /** Sends a value as one line of JSON. */
  sendItem(item: object): void;
  /** Sends a line as it is. */
  sendLine(line: string): void;
  /** Ends it in good order. */
  end(): void;
  /** Breaks it. */
  cut(): void;
}

/** A watch that is open now, as tests disturb it. */
export interface OpenWatch {
  /** With the query, as asked. */
  readonly path: string;
  readonly userAgent: string;
  /** Breaks the connection. */
  cut(): void;
  /** Ends it in good order, as servers do after a while. */
  end(): void;
  /** Sends a line as it is, for example no JSON. */
  sendLine(line: string): void;
  /** Sends an object as MODIFIED, for example one that is older than what was sent. */
  resend(object: KubeObject): void;
  /** Sends the ERROR event of a forgotten version, then ends it. */
  expire(): void;
}

/** Opens the answer to a watch request, damaged as the fault says. */
export function openWatchConnection(
  wire: WatchWire,
  { path, userAgent }: { readonly path: string; readonly userAgent: string },
  fault: Fault | undefined,
): { readonly watch: OpenWatch; readonly sink: WatchSink } {
  const sink: WatchSink = { send: damagedSend(wire, fault), end: wire.end };
  const watch: OpenWatch = {
    path,
    userAgent,
    cut: wire.cut,
    end: wire.end,
    sendLine: wire.sendLine,
    resend: (object) => wire.sendItem({ type: 'MODIFIED', object }),
    expire() {
      sink.send({ type: 'ERROR', object: tooOld(1, 2) });
      wire.end();
    },
  };
  return { watch, sink };
}

function damagedSend(wire: WatchWire, fault: Fault | undefined): WatchSink['send'] {
  let sent = 0;
  let first: WatchEvent<KubeObject | KubeStatus> | undefined;
  let changes = 0;
  return (event) => {
    if (fault?.kind === 'watchCut' && sent >= fault.afterEvents) {
      wire.cut();
      return;
    }
    if (fault?.kind === 'watchSilent' && sent >= fault.afterEvents) return;
    sent += 1;
    wire.sendItem(event);
    if (fault?.kind !== 'watchReplay' || event.type === 'BOOKMARK') return;
    first ??= event;
    changes += 1;
    if (changes === fault.afterEvents) wire.sendItem({ type: 'MODIFIED', object: first.object });
  };
}
