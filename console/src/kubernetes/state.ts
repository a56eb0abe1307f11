// The state of an object in a shape, a tone and a word. Kubernetes' words stay as Kubernetes writes them.
import type { Shape, Tone } from '../kit/status';
import { t } from '../words/words';

export type State = { tone: Tone; shape: Shape; word: string; why?: string };

const failing =
  /BackOff|^Err|Error|OOMKilled|Evicted|^Failed|Invalid|Cannot|CreateContainer|RunContainer|DeadlineExceeded|NodeLost|UnexpectedAdmission|OutOf|StartError|ContainerStatusUnknown/;
const waiting =
  /^(Pending|ContainerCreating|PodInitializing|Init:\d+\/\d+|SchedulingGated|Waiting|Suspended|PreemptionByScheduler)$/;

/** The state of a pod from the words of its Status and Ready columns ("CrashLoopBackOff", "0/1"). */
export function podState(status: string, ready: string): State {
  const word = status === '' ? 'Unknown' : status;
  if (word === 'Running') {
    const [have, want] = fraction(ready);
    if (want > have) return { tone: 'warn', shape: 'warn', word, why: t('{have} of {want} ready', { have, want }) };
    return { tone: 'ok', shape: 'ok', word };
  }
  if (word === 'Completed' || word === 'Succeeded') return { tone: 'idle', shape: 'done', word };
  if (word === 'Terminating') return { tone: 'idle', shape: 'end', word };
  if (word === 'Unknown') return { tone: 'warn', shape: 'unknown', word };
  if (word === 'NotReady') return { tone: 'warn', shape: 'warn', word };
  if (failing.test(word)) return { tone: 'bad', shape: 'bad', word };
  if (waiting.test(word)) return { tone: 'idle', shape: 'wait', word };
  return { tone: 'warn', shape: 'unknown', word };
}

/** The state of something that wants a number of pods. */
export function replicaState(have: number, want: number): State {
  if (want === 0) return { tone: 'idle', shape: 'idle', word: t('Scaled to 0') };
  if (have >= want) return { tone: 'ok', shape: 'ok', word: t('Ready') };
  return { tone: 'warn', shape: 'warn', word: t('Not ready'), why: t('{have} of {want} ready', { have, want }) };
}

/** The state of a Job from its Status column, or from its completions where there is none. */
export function jobState(status: string, completions: string): State {
  const [have, want] = fraction(completions);
  switch (status) {
    case 'Complete':
    case 'SuccessCriteriaMet':
      return { tone: 'idle', shape: 'done', word: 'Complete' };
    case 'Failed':
    case 'FailureTarget':
      return { tone: 'bad', shape: 'bad', word: 'Failed' };
    case 'Suspended':
      return { tone: 'idle', shape: 'wait', word: status };
    case 'Terminating':
      return { tone: 'idle', shape: 'end', word: status };
    case '':
      return have >= want && want > 0
        ? { tone: 'idle', shape: 'done', word: 'Complete' }
        : { tone: 'info', shape: 'run', word: 'Running' };
    default:
      return { tone: 'info', shape: 'run', word: status };
  }
}

/** The state of a condition: True is good, except for those that tell of trouble. */
export function conditionState(type: string, status: string): Pick<State, 'tone' | 'shape'> {
  const trouble = /Failure|Failed|Pressure|Unavailable|DisruptionTarget|Degraded|Stalled/.test(type);
  if (status === 'Unknown') return { tone: 'warn', shape: 'unknown' };
  if ((status === 'True') !== trouble) return { tone: trouble ? 'idle' : 'ok', shape: trouble ? 'idle' : 'done' };
  // A pod that is about to be moved is worth a look, not yet broken.
  return trouble && type !== 'DisruptionTarget' ? { tone: 'bad', shape: 'bad' } : { tone: 'warn', shape: 'warn' };
}

/** Reads "2/3" as its two numbers; what cannot be read counts as nothing. */
export function fraction(text: string): [have: number, want: number] {
  const match = /^(\d+)\/(\d+)/.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : [0, 0];
}
