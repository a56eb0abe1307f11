// Nodes for states: Alert and Empty; and what the renderer says about sources.
import { Info } from 'lucide-react';
import { Icon } from '../../kit/icon';
import { Empty } from '../../kit/states';
import { StatusShape } from '../../kit/status';
import { textOf } from '../env';
import { useEnv } from '../host';
import type { PartProps } from '../Part';
import { ActionButton } from './action';
import { toneOf } from './text';

export function AlertPart({ node }: PartProps) {
  const env = useEnv(node);
  const [tone, shape] = toneOf(node, env);
  const body = textOf(node.body, env);
  return (
    <div className={`alert ${tone === 'idle' ? '' : tone}`} role={tone === 'bad' ? 'alert' : 'note'}>
      {tone === 'info' || tone === 'idle' ? (
        <Icon of={Info} />
      ) : (
        <StatusShape shape={shape === 'ok' ? 'done' : shape} />
      )}
      <strong>{textOf(node.title, env)}</strong>
      {body ? <span className="b">{body}</span> : null}
      {node.action ? (
        <span className="a">
          <ActionButton action={node.action} />
        </span>
      ) : null}
    </div>
  );
}

export function EmptyPart({ node }: PartProps) {
  const env = useEnv(node);
  const body = textOf(node.body, env);
  return (
    <Empty
      title={textOf(node.title, env)}
      actions={node.action ? <ActionButton action={node.action} look="primary" /> : undefined}
    >
      {body || undefined}
    </Empty>
  );
}
