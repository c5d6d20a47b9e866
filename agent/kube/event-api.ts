import type { EventSeries } from '../core/node-event.ts';
import { isAlreadyExists, isNotFound, KubeError } from './kube-error.ts';
import { requireNamed } from './shape.ts';
import type { Transport } from './transport.ts';

const COMPONENT = 'node-svc-checker';
/** Where Kubernetes keeps the Events of objects that live in no namespace (client-go, recorder.makeEvent). */
const EVENTS_PATH = '/api/v1/namespaces/default/events';

/** Of an object's name. */
const MAX_NAME_CHARACTERS = 253;
/** As in client-go. */
const MAX_ATTEMPTS = 12;

/** The Node an Event is about. */
export type EventSubject = { readonly name: string; readonly uid: string };

/** An Event that was written, and can be counted up. */
export type WrittenEvent = { readonly name: string };

export type EventApi = {
  /** @param id tells attempts at the same Event from other Events; one that is there already is fine */
  create(subject: EventSubject, series: EventSeries, id: string): Promise<WrittenEvent>;
  /** Says how often it has happened by now. @returns null when the Event has expired meanwhile */
  repeat(written: WrittenEvent, series: EventSeries): Promise<WrittenEvent | null>;
};

export function createEventApi(transport: Transport): EventApi {
  return {
    async create(subject, { event, count, firstMs, lastMs }, id) {
      const name = eventName(subject.name, id);
      const attempt = `write Event ${event.reason}`;
      try {
        const answer = await transport.request({
          method: 'POST',
          path: EVENTS_PATH,
          attempt,
          body: {
            metadata: { name, namespace: 'default' },
            // kubectl describe asks for the UID of the Node; its name in that place, as the kubelet has it, says less.
            involvedObject: { apiVersion: 'v1', kind: 'Node', name: subject.name, uid: subject.uid },
            type: event.type,
            reason: event.reason,
            message: event.message,
            source: { component: COMPONENT, host: subject.name },
            reportingComponent: COMPONENT,
            reportingInstance: subject.name,
            firstTimestamp: rfc3339(firstMs),
            lastTimestamp: rfc3339(lastMs),
            count,
          },
        });
        requireNamed(answer, 'Event', name, attempt);
      } catch (error) {
        // An attempt before this one landed, and its answer was lost.
        if (!isAlreadyExists(error, 'events', name)) throw error;
      }
      return { name };
    },
    async repeat({ name }, { event, count, lastMs }) {
      const attempt = `count up Event ${name}`;
      try {
        const answer = await transport.request({
          method: 'PATCH',
          path: `${EVENTS_PATH}/${name}`,
          contentType: 'application/merge-patch+json',
          attempt,
          body: { count, message: event.message, lastTimestamp: rfc3339(lastMs) },
        });
        requireNamed(answer, 'Event', name, attempt);
        return { name };
      } catch (error) {
        if (isNotFound(error, 'events', name)) return null;
        throw error;
      }
    },
  };
}

/**
 * Whether another attempt may succeed where this one, the so-manieth of the same Event (from 1), did not: always while
 * there is no answer at all, a few times where the answer is about the server, never where it is about the Event.
 */
export function canRetryEvent(error: unknown, attempts: number): boolean {
  if (!(error instanceof KubeError) || error.status === null) return true;
  // A server that has just started answers 403 to everybody until it has read its roles.
  const isAboutServer = error.status >= 500 || [401, 403, 408, 429].includes(error.status);
  return isAboutServer && attempts < MAX_ATTEMPTS;
}

/** A DNS-1123 subdomain of legal length, whatever the length of the node's name. */
function eventName(node: string, id: string): string {
  return `${node.slice(0, MAX_NAME_CHARACTERS - id.length - 1).replace(/[^a-z0-9]+$/, '')}.${id}`;
}

/** metav1.Time takes whole seconds. */
function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
