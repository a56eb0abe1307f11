// A cluster that comes up: its parts with state, time and detail, live, so that nobody looks at a silent page while Kubernetes is built.
import type { Cluster, ClusterPart } from '../api/types';
import { useNow } from '../format/clock';
import { exactSpan, readTime } from '../format/time';
import { CopyButton } from '../kit/button';
import { PageHead } from '../kit/page';
import { Status, StatusShape } from '../kit/status';
import { t } from '../words/words';
import { partState, phaseState } from './phase';

function headline(cluster: Cluster): string {
  switch (cluster.phase) {
    case 'Building':
      return t('Kubernetes is being built from source. The first time takes some minutes; later starts take seconds.');
    case 'Starting':
      return t('The parts of Kubernetes are starting.');
    case 'Failed':
      return t('The cluster could not come up.');
    case 'Unreachable':
      return t('The cluster does not answer. It is tried again every few seconds.');
    default:
      return t('Waiting for the cluster to come up.');
  }
}

function heading(phase: Cluster['phase'], cluster: string): string {
  if (phase === 'Failed') return t('{cluster} did not come up', { cluster });
  if (phase === 'Unreachable') return t('{cluster} is not reachable', { cluster });
  return t('{cluster} is coming up', { cluster });
}

/** How many parts of those that there are have come up. */
export const progress = (parts: readonly ClusterPart[]): { ready: number; of: number } => ({
  ready: parts.filter((part) => part.state === 'ready').length,
  of: parts.length,
});

export function ComingUp({ cluster }: { cluster: Cluster }) {
  const parts = cluster.parts ?? [];
  const { ready, of } = progress(parts);
  const state = phaseState(cluster.phase);
  const title = cluster.title || cluster.name;
  return (
    <>
      <PageHead
        name={title}
        title={heading(cluster.phase, title)}
        state={
          <Status tone={state.tone} shape={state.shape}>
            {state.word}
          </Status>
        }
        sub={headline(cluster)}
      />
      <div className="page-body stack coming-up" aria-live="polite">
        {cluster.phase === 'Failed' || cluster.phase === 'Unreachable' ? (
          <div className={`alert ${cluster.phase === 'Failed' ? 'bad' : 'warn'}`} role="alert">
            <StatusShape shape={state.shape} />
            <strong>{cluster.message || state.word}</strong>
            {cluster.phase === 'Failed' ? (
              <span className="a">
                <CopyButton text={JSON.stringify(cluster, null, 2)}>{t('Copy report')}</CopyButton>
              </span>
            ) : null}
            {cluster.reason ? <span className="b">{cluster.reason}</span> : null}
          </div>
        ) : null}
        {of > 0 ? (
          <>
            <div className="row">
              <div
                className="progress grow"
                role="progressbar"
                aria-label={t('Parts that are up')}
                aria-valuemin={0}
                aria-valuemax={of}
                aria-valuenow={ready}
                aria-valuetext={t('{ready} of {of} parts are up', { ready, of })}
              >
                <svg aria-hidden="true">
                  <rect width={`${(100 * ready) / of}%`} height="4" />
                </svg>
              </div>
              <span className="second nowrap">{t('{ready} of {of} parts are up', { ready, of })}</span>
            </div>
            <ol className="parts">
              {parts.map((part) => (
                <Part key={part.name} part={part} />
              ))}
            </ol>
          </>
        ) : cluster.message ? (
          <p className="second">{cluster.message}</p>
        ) : null}
        <Elapsed since={cluster.since} />
        {cluster.node === 'simulated' && cluster.reason ? (
          <p className="muted">{t('Nodes are simulated: {reason}', { reason: cluster.reason })}</p>
        ) : null}
      </div>
    </>
  );
}

function Part({ part }: { part: ClusterPart }) {
  const state = partState(part.state);
  return (
    <li className={part.state} data-part={part.name}>
      <span className={`st ${state.tone}`}>
        <StatusShape shape={state.shape} />
      </span>
      <span className="what">{part.title || part.name}</span>
      <span className="word">{state.word}</span>
      <span className="t num">{part.seconds ? exactSpan(part.seconds * 1000) : ''}</span>
      {part.detail ? <span className={`d${part.state === 'failed' ? ' mono' : ''}`}>{part.detail}</span> : null}
    </li>
  );
}

function Elapsed({ since }: { since: string | undefined }) {
  const at = readTime(since);
  const now = useNow();
  return at === undefined ? null : (
    <p className="muted">{t('In this state for {span}', { span: exactSpan(Math.max(0, now - at)) })}</p>
  );
}
