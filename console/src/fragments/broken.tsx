// A fragment, or a part of one, that cannot be shown: a card that says whose it
// is, which rule it broke and where. The page around it lives.
import { Component, type ReactNode } from 'react';
import { CopyButton } from '../kit/button';
import { Status } from '../kit/status';
import { t } from '../words/words';
import { useHost } from './host';

export interface Breach {
  extension: string;
  version?: string;
  rule?: string;
  pointer?: string;
  detail?: string;
  slot?: string;
  requestId?: string;
}

export function BrokenCard({ breach, actions }: { breach: Breach; actions?: ReactNode }) {
  const name = `${breach.extension}${breach.version ? ` ${breach.version}` : ''}`;
  const report = JSON.stringify({ part: 'fragment', ...breach }, null, 2);
  return (
    <div className="empty" role="alert">
      <Status tone="warn" shape="warn">
        <b className="strong">{t('Part of {extension} cannot be shown', { extension: name })}</b>
      </Status>
      <dl className="facts">
        {breach.rule || breach.detail ? (
          <>
            <dt>{t('Rule')}</dt>
            <dd>{[breach.rule, breach.detail].filter(Boolean).join(': ')}</dd>
          </>
        ) : null}
        {breach.pointer !== undefined ? (
          <>
            <dt>{t('At')}</dt>
            <dd className="mono">{breach.pointer || '/'}</dd>
          </>
        ) : null}
        {breach.slot ? (
          <>
            <dt>{t('Slot')}</dt>
            <dd>{breach.slot}</dd>
          </>
        ) : null}
        {breach.requestId ? (
          <>
            <dt>{t('Request')}</dt>
            <dd className="mono">{breach.requestId}</dd>
          </>
        ) : null}
      </dl>
      <div className="actions">
        <CopyButton text={report}>{t('Copy report')}</CopyButton>
        {actions}
      </div>
    </div>
  );
}

/** Keeps a failure of one node from its neighbours. */
export class Boundary extends Component<
  { pointer: string; node: unknown; children: ReactNode },
  { failed?: string; node?: unknown }
> {
  override state: { failed?: string; node?: unknown } = {};

  static getDerivedStateFromError(e: unknown): { failed: string } {
    return { failed: e instanceof Error ? e.message : String(e) };
  }

  // Another node in the same place gets its own chance.
  static getDerivedStateFromProps(props: { node: unknown }, state: { node?: unknown }) {
    return props.node === state.node ? null : { node: props.node, failed: undefined };
  }

  override render(): ReactNode {
    if (this.state.failed === undefined) return this.props.children;
    return <BrokenNode pointer={this.props.pointer} detail={this.state.failed} />;
  }
}

function BrokenNode({ pointer, detail }: { pointer: string; detail: string }) {
  const { title, version } = useHost();
  return <BrokenCard breach={{ extension: title, version, rule: t('drawing failed'), detail, pointer }} />;
}
