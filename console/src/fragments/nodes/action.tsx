// Actions: what a person can start. What may not be started stays visible with
// the reason; what this console does not know is disabled too.
import { Button } from '../../kit/button';
import { toast } from '../../kit/toasts';
import { t } from '../../words/words';
import { type Env, isRecord, readValue, textOf } from '../env';
import { plainText } from '../format';
import { type Host, useEnv, useHost } from '../host';
import { iconNamed } from '../icons';
import { targetOf } from '../link';
import type { PartProps } from '../Part';
import { list, placed } from '../shape';

/** What an action comes down to: a label, and either something to run or why not. */
export interface Prepared {
  label: string;
  icon?: string;
  danger: boolean;
  locked?: string;
  run?: () => void;
}

/** Reads an action; undefined when it is none. */
export function prepare(action: unknown, env: Env, host: Host): Prepared | undefined {
  if (!isRecord(action)) return undefined;
  const label = textOf(action.label, env) || (typeof action.id === 'string' ? action.id : '');
  if (label === '') return undefined;
  const prepared: Prepared = {
    label,
    icon: typeof action.icon === 'string' ? action.icon : undefined,
    danger: action.tone === 'danger',
  };
  if (isRecord(action.denied)) {
    const missing = typeof action.denied.missing === 'string' ? action.denied.missing : '';
    return {
      ...prepared,
      locked: missing ? t('Missing: {permission}', { permission: missing }) : t('You may not do this here'),
    };
  }
  const run = runOf(action.run, env, host);
  return typeof run === 'string' ? { ...prepared, locked: run } : { ...prepared, run };
}

/** What a run does, or in words why it cannot. */
function runOf(run: unknown, env: Env, host: Host): (() => void) | string {
  if (!isRecord(run)) return t('This action does nothing');
  switch (run.do) {
    case 'navigate': {
      const target = targetOf(run.to, false, env, host.pages);
      return target ? () => host.go(target.href) : t('There is nothing to go to');
    }
    case 'copy': {
      const text = plainText(readValue(run.value, env));
      return text === '' ? t('There is nothing to copy') : () => void copy(text);
    }
    case 'refresh': {
      const names = list(run.sources, 32).filter((name) => typeof name === 'string');
      return () => host.sources.refresh(names);
    }
    default:
      return t('This action needs a newer console');
  }
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast('ok', t('Copied'));
  } catch {
    toast('bad', t('Could not copy'), t('The browser did not allow it.'));
  }
}

/** One action as a button. */
export function ActionButton({ action, look }: { action: unknown; look?: 'quiet' | 'primary' }) {
  const env = useEnv(action);
  const host = useHost();
  const prepared = prepare(action, env, host);
  if (!prepared) return null;
  return (
    <Button
      look={prepared.danger ? 'danger' : (look ?? 'plain')}
      icon={iconNamed(prepared.icon)}
      locked={prepared.locked}
      onClick={prepared.run}
    >
      {prepared.label}
    </Button>
  );
}

/** A list of actions as buttons. */
export function Actions({ of }: { of: unknown }) {
  return placed(list(of, 16)).map(({ of: action, at }) => <ActionButton key={at} action={action} />);
}

export function ButtonPart({ node }: PartProps) {
  return (
    <span>
      <ActionButton action={node.action} />
    </span>
  );
}
