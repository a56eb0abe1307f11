// The phases of a cluster and of its parts, in shapes and words.
import type { ClusterPhase, PartState } from '../api/types';
import type { State } from '../kubernetes/state';
import { t } from '../words/words';

/** The state of a cluster. */
export function phaseState(phase: ClusterPhase): State {
  switch (phase) {
    case 'Ready':
      return { tone: 'ok', shape: 'ok', word: t('Ready') };
    case 'Building':
      return { tone: 'info', shape: 'run', word: t('Building') };
    case 'Starting':
      return { tone: 'info', shape: 'run', word: t('Starting') };
    case 'Unreachable':
      return { tone: 'warn', shape: 'warn', word: t('Unreachable') };
    case 'Failed':
      return { tone: 'bad', shape: 'bad', word: t('Failed') };
    default:
      return { tone: 'idle', shape: 'wait', word: t('Waiting') };
  }
}

/** The state of a part of a cluster that is coming up. */
export function partState(state: PartState): State {
  switch (state) {
    case 'ready':
      return { tone: 'ok', shape: 'done', word: t('Ready') };
    case 'building':
      return { tone: 'info', shape: 'run', word: t('Building') };
    case 'starting':
      return { tone: 'info', shape: 'run', word: t('Starting') };
    case 'failed':
      return { tone: 'bad', shape: 'bad', word: t('Failed') };
    default:
      return { tone: 'idle', shape: 'wait', word: t('Waiting') };
  }
}
