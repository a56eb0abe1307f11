// All clusters of this Atoll with their state.
import { Boxes } from 'lucide-react';
import { readTime } from '../format/time';
import { PageHead } from '../kit/page';
import { Empty, Failed, Skeleton } from '../kit/states';
import { Status } from '../kit/status';
import { Age } from '../kit/times';
import { Link } from '../routing/link';
import { paths } from '../routing/paths';
import { useScope } from '../shell/scope';
import { t } from '../words/words';
import { progress } from './coming-up';
import { phaseState } from './phase';

export function ClustersPage() {
  const { clusters, projects } = useScope();
  const items = clusters.value?.items;
  return (
    <>
      <PageHead name={t('Clusters')} title={t('Clusters')} />
      {items === undefined || items === null ? (
        <div className="page-body">
          {clusters.problem && clusters.phase === 'failed' ? (
            <Failed title={t('Could not load the clusters')} problem={clusters.problem} />
          ) : (
            <Skeleton />
          )}
        </div>
      ) : items.length === 0 ? (
        <Empty icon={Boxes} title={t('No cluster yet')}>
          {t('Name a cluster in atoll.yaml under clusters and start Atoll again.')}
        </Empty>
      ) : (
        <div className="table-wrap pad-top">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{t('Name')}</th>
                <th scope="col">{t('Status')}</th>
                <th scope="col">{t('Kubernetes')}</th>
                <th scope="col" className="opt-m">
                  {t('Nodes')}
                </th>
                <th scope="col" className="num">
                  {t('Projects')}
                </th>
                <th scope="col" className="num">
                  {t('Since')}
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((one) => {
                const state = phaseState(one.phase);
                const parts = progress(one.parts ?? []);
                const why =
                  one.phase === 'Ready'
                    ? undefined
                    : parts.of > 0
                      ? t('{ready} of {of} parts are up', parts)
                      : one.message;
                return (
                  <tr key={one.name}>
                    <td>
                      <Link className="name" to={paths.cluster(one.name)}>
                        {one.title || one.name}
                      </Link>
                    </td>
                    <td>
                      <Status tone={state.tone} shape={state.shape} why={why}>
                        {state.word}
                      </Status>
                    </td>
                    <td className="second">{one.version || '–'}</td>
                    <td className="second opt-m" title={one.reason}>
                      {one.node === 'real' ? t('real') : one.node === 'simulated' ? t('simulated') : '–'}
                    </td>
                    <td className="num second">{projects.filter((project) => project.cluster === one.name).length}</td>
                    <td className="num second">
                      <Age at={readTime(one.since)} />
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
