import { type DraftCheck, MOST_SECONDS } from '../draft.ts';
import type { Note } from '../notes.ts';
import type { FoundCheck } from './find-checks.ts';
import type { CallTimeout } from './nrpe-call.ts';
import type { Settings } from './settings.ts';

/** How long a check may take, and what it is when it takes longer. */
export type Timeout = { readonly seconds: number; readonly means: DraftCheck['onTimeout']; readonly why: string };

/** Of all who would end the check, the one who does it first. */
export function timeoutOf({ runBy, object, callTimeout }: FoundCheck, settings: Settings): Timeout {
  const byNagios = object?.type === 'host' ? ofHost(settings) : ofService(settings);
  if (runBy === 'Nagios') return byNagios;
  const byNrpe: Timeout = {
    seconds: settings.nrpeTimeout,
    means: 'Unknown',
    why: 'NRPE calls a command that takes longer UNKNOWN.',
  };
  if (callTimeout === null) return byNrpe;
  // At the same number of seconds check_nrpe is first as well: it counts from before NRPE begins.
  return [ofCall(callTimeout), byNagios, byNrpe].reduce((first, next) => (next.seconds < first.seconds ? next : first));
}

/** What was not taken of it as it was written. */
export function timeoutNotes(check: FoundCheck, settings: Settings): Note[] {
  const { what, place, callTimeout } = check;
  const notes: Note[] = [];
  if (callTimeout !== null && callTimeout.refused !== null) {
    const why = `must be SECONDS, SECONDS:STATE or :STATE; taken instead: ${callTimeout.seconds} s, ${callTimeout.state}`;
    notes.push({ what: `-t ${callTimeout.refused} of ${what}`, place, why });
  }
  const { seconds } = timeoutOf(check, settings);
  if (seconds > MOST_SECONDS) {
    const why = `cut to ${MOST_SECONDS} s, the most that a policy can have`;
    notes.push({ what: `timeout of ${seconds} s of ${what}`, place, why });
  }
  return notes;
}

function ofService({ serviceTimeout, timeoutState }: Settings): Timeout {
  const isCritical = timeoutState === 'c';
  const why = isCritical
    ? 'Nagios calls a check that takes longer CRITICAL.'
    : `service_check_timeout_state=${timeoutState}: such a check is not CRITICAL.`;
  return { seconds: serviceTimeout, means: isCritical ? 'Failed' : 'Unknown', why };
}

function ofHost({ hostTimeout }: Settings): Timeout {
  return { seconds: hostTimeout, means: 'Failed', why: 'For Nagios such a host is not up.' };
}

function ofCall({ seconds, state }: CallTimeout): Timeout {
  const isNews = state === 'CRITICAL' || state === 'UNKNOWN';
  const why = [
    `check_nrpe gives up after ${seconds} s (-t; 10 if not given) and calls the service ${state}.`,
    ...(isNews ? [] : [`A run that did not end is not known to be ${state}, so it is Unknown here.`]),
  ].join(' ');
  return { seconds, means: state === 'CRITICAL' ? 'Failed' : 'Unknown', why };
}
