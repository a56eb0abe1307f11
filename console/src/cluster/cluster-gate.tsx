// Pages of a cluster are shown once it is ready. One that was ready and is lost keeps its pages, under a banner.
import { Outlet } from '@tanstack/react-router';
import { Boxes } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Empty, Failed, Skeleton } from '../kit/states';
import { StatusShape } from '../kit/status';
import { Link } from '../routing/link';
import { paths } from '../routing/paths';
import { useCluster, useScope } from '../shell/scope';
import { t } from '../words/words';
import { ComingUp } from './coming-up';

export function ClusterGate() {
  const { clusters, place } = useScope();
  const cluster = useCluster();
  const name = place && 'cluster' in place ? place.cluster : '';
  const ready = cluster?.phase === 'Ready';
  const [wasReady, setWasReady] = useState('');
  useEffect(() => {
    if (ready) setWasReady(name);
  }, [ready, name]);
  if (clusters.value === undefined) {
    if (clusters.phase === 'failed' && clusters.problem)
      return <Failed title={t('Could not load the clusters')} problem={clusters.problem} />;
    return (
      <div className="page-body">
        <Skeleton />
      </div>
    );
  }
  if (!cluster) {
    return (
      <Empty
        icon={Boxes}
        title={t('There is no cluster {cluster}', { cluster: name })}
        actions={
          <Link className="btn" to={paths.clusters()}>
            {t('All clusters')}
          </Link>
        }
      >
        {t('It may have been removed, or you may not see it.')}
      </Empty>
    );
  }
  if (ready) return <Outlet />;
  if (wasReady !== name) return <ComingUp cluster={cluster} />;
  return (
    <>
      <div className="banner" role="status">
        <StatusShape shape="warn" />
        <span>
          <b className="strong">{t('{cluster} does not answer.', { cluster: cluster.title || cluster.name })}</b>{' '}
          {cluster.message || t('What you see is as of the last moment of contact.')}
        </span>
      </div>
      <Outlet />
    </>
  );
}
