import type { NodeEvent } from '../core/event.ts';
import { hasStatus } from './kube-error.ts';
import type { Transport } from './transport.ts';

const COMPONENT = 'node-svc-checker';
/** Where Kubernetes keeps the Events of objects that live in no namespace (client-go, recorder.makeEvent). */
const EVENTS_PATH = '/api/v1/namespaces/default/events';

/** The Node an Event is about. */
export type EventSubject = { readonly name: string; readonly uid: string };

/** An Event that was written, and can be counted up. */
export type WrittenEvent = { readonly name: string; readonly count: number };

export type EventApi = {
  create(subject: EventSubject, event: NodeEvent, at: Date): Promise<WrittenEvent>;
  /** Says that the same happened once more. @returns null when the Event has expired meanwhile */
  repeat(written: WrittenEvent, at: Date): Promise<WrittenEvent | null>;
};

export function createEventApi(transport: Transport): EventApi {
  return {
    async create(subject, event, at) {
      const name = `${subject.name}.${at.getTime().toString(16)}${Math.floor(Math.random() * 0xffff).toString(16)}`;
      await transport.request({
        method: 'POST',
        path: EVENTS_PATH,
        attempt: `write Event ${event.reason}`,
        body: {
          metadata: { name, namespace: 'default' },
          involvedObject: { apiVersion: 'v1', kind: 'Node', name: subject.name, uid: subject.uid },
          type: event.type,
          reason: event.reason,
          message: event.message,
          source: { component: COMPONENT, host: subject.name },
          reportingComponent: COMPONENT,
          reportingInstance: subject.name,
          firstTimestamp: rfc3339(at),
          lastTimestamp: rfc3339(at),
          count: 1,
        },
      });
      return { name, count: 1 };
    },
    async repeat(written, at) {
      const count = written.count + 1;
      try {
        await transport.request({
          method: 'PATCH',
          path: `${EVENTS_PATH}/${written.name}`,
          contentType: 'application/merge-patch+json',
          attempt: `count up Event ${written.name}`,
          body: { count, lastTimestamp: rfc3339(at) },
        });
        return { name: written.name, count };
      } catch (error) {
        if (hasStatus(error, 404)) return null;
        throw error;
      }
    },
  };
}

/** metav1.Time takes whole seconds. */
function rfc3339(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, 'Z');
}
