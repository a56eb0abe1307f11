// The page of one object: summary, events, related objects, YAML, and the tabs of extensions. Everything on it is live.
import { useParams } from '@tanstack/react-router';
import { Copy, Trash2 } from 'lucide-react';
import { lazy, Suspense, useEffect, useRef } from 'react';
import { ContributedTab } from '../extensions/contributed-fragment';
import { labelOf, tabsFor } from '../extensions/contributions';
import { Button } from '../kit/button';
import { Origin } from '../kit/icon';
import { PageHead } from '../kit/page';
import { Empty, Skeleton, Trouble } from '../kit/states';
import { Status } from '../kit/status';
import { Ago } from '../kit/times';
import { Link, useGo, useQueryValue } from '../routing/link';
import { type ProjectAt, paths } from '../routing/paths';
import { NotFound } from '../shell/broken';
import { useProject, useScope } from '../shell/scope';
import { type KubeObject, useListWatch } from '../stream';
import { t } from '../words/words';
import { Name } from './cell';
import { Facts } from './facts';
import { apiVersionOf, gvrOf, type Kind, kindOf, titleOf } from './kinds';
import { copy, Liveness } from './list-page';
import { list, metaOf, stateOf, text, at as valueAt } from './object';
import { Conditions, Containers, Events, Owners, Selected } from './parts';
import { eventsUrl, listUrl, selectorText } from './url';

const YamlView = lazy(() => import('./yaml-view').then((m) => ({ default: m.YamlView })));

export function ObjectPage() {
  const { resource, name } = useParams({ strict: false }) as { resource: string; name: string };
  const kind = kindOf(resource);
  return kind ? <ObjectOfKind key={`${resource}/${name}`} kind={kind} name={name} /> : <NotFound />;
}

function ObjectOfKind({ kind, name }: { kind: Kind; name: string }) {
  const at = useProject();
  const live = useListWatch(listUrl(at.cluster, kind, at.project, { fieldSelector: `metadata.name=${name}` }));
  const events = useListWatch(
    eventsUrl(at.cluster, at.project, {
      fieldSelector: `involvedObject.kind=${kind.kind},involvedObject.name=${name}`,
    }),
  );
  const last = useRef<KubeObject | undefined>(undefined);
  const now = live.items[0];
  if (now) last.current = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...now };
  const object = last.current;
  const gone = now === undefined && live.asOf > 0;

  if (!object) {
    if (live.problem && live.asOf === 0 && (live.phase === 'failed' || live.problem.status))
      return <Trouble what={name} problem={live.problem} onRetry={live.retry} nextTry={live.nextTry} />;
    if (gone) {
      return (
        <Empty
          icon={kind.icon}
          title={t('There is no {kind} {name} in {project}', { kind: kind.one(), name, project: at.project })}
          actions={
            <Link className="btn" to={paths.list(at, kind.resource)}>
              {t('All {kind}', { kind: kind.many() })}
            </Link>
          }
        >
          {t('It may have been deleted. If it is created again, it appears here at once.')}
        </Empty>
      );
    }
    return (
      <div className="page-body">
        <Skeleton />
      </div>
    );
  }
  return <Known kind={kind} object={object} name={name} at={at} live={live} events={events} gone={gone} />;
}

type Live = ReturnType<typeof useListWatch>;

function Known({
  kind,
  object,
  name,
  at,
  live,
  events,
  gone,
}: {
  kind: Kind;
  object: KubeObject;
  name: string;
  at: ProjectAt;
  live: Live;
  events: Live;
  gone: boolean;
}) {
  const { contributions, contributionsKnown } = useScope();
  const [tab, setTab] = useQueryValue('tab');
  const go = useGo();
  const meta = metaOf(object);
  const state = stateOf(kind.kind, object);
  const extended = tabsFor(contributions, kind);
  const warnings = events.items.filter((one) => one.type === 'Warning').length;
  const link = (id: string) => paths.object(at, kind.resource, name, id || undefined);
  const chosen = extended.find((one) => `${one.extension}.${one.id}` === tab);

  // The tab of an extension that was removed is gone; the page goes back to its summary.
  const lost = contributionsKnown && tab.includes('.') && !chosen;
  useEffect(() => {
    if (lost) go(paths.object(at, kind.resource, name), { replace: true });
  }, [lost, go, at, kind, name]);

  const tabs: { id: string; label: string; count?: number; warn?: boolean; from?: string }[] = [
    { id: '', label: t('Summary') },
    { id: 'events', label: t('Events'), count: events.items.length, warn: warnings > 0 },
    ...(hasRelated(kind, object) ? [{ id: 'related', label: t('Related') }] : []),
    { id: 'yaml', label: t('YAML') },
    ...extended.map((one) => ({
      id: `${one.extension}.${one.id}`,
      label: labelOf(one),
      from: one.title || one.extension,
    })),
  ];
  const here = tabs.some((one) => one.id === tab) ? tab : '';
  const panel = chosen ? (
    <ContributedTab
      key={`${chosen.extension}/${chosen.id}`}
      contribution={chosen}
      scope={{ cluster: at.cluster, project: at.project }}
      object={{ gvr: gvrOf(kind), namespace: at.project, name, uid: meta.uid || undefined }}
    />
  ) : here === 'events' ? (
    <Events live={events} />
  ) : here === 'related' ? (
    <Related kind={kind} object={object} at={at} />
  ) : here === 'yaml' ? (
    <Suspense fallback={<Skeleton />}>
      <YamlView object={object} name={name} />
    </Suspense>
  ) : (
    <div className="stack l">
      <section className="section" aria-label={t('Facts')}>
        <Facts kind={kind} object={object} project={at} />
      </section>
      {kind.kind === 'Pod' ? <Containers pod={object} cluster={at.cluster} project={at.project} name={name} /> : null}
      <Pods kind={kind} object={object} at={at} />
      <Conditions object={object} />
      <Events live={events} most={6} onAll={() => setTab('events')} />
    </div>
  );
  return (
    <div className={chosen ? 'fixed-page' : 'contents'}>
      {gone ? (
        <div className="banner" role="status">
          <Trash />
          <span>
            <b className="strong">{t('This {kind} was deleted.', { kind: kind.one() })}</b>{' '}
            {t('What you see is how it was.')}
          </span>
          <Link className="right" to={paths.list(at, kind.resource)}>
            {t('All {kind}', { kind: kind.many() })}
          </Link>
        </div>
      ) : null}
      <PageHead
        name={`${name} · ${at.project}`}
        crumbs={
          <nav className="crumbs" aria-label={t('Breadcrumb')}>
            <Link to={paths.list(at, kind.resource)}>{titleOf(kind.many())}</Link>
            {meta.owners.length > 0 ? (
              <>
                <span aria-hidden="true">/</span>
                <span>{t('owned by')}</span> <Owners project={at} owners={meta.owners} />
              </>
            ) : null}
          </nav>
        }
        title={<Name of={name} />}
        state={
          <>
            <Button
              look="quiet"
              icon={Copy}
              label={t('Copy the name')}
              onClick={() => void copy(name, t('the name'))}
            />
            {state && !gone ? (
              <Status tone={state.tone} shape={state.shape} why={state.why ?? <Ago at={meta.createdAt} />}>
                {state.word}
              </Status>
            ) : null}
            {gone ? null : (
              <span className="opt-m">
                <Liveness live={live} />
              </span>
            )}
          </>
        }
      />
      <nav className="tabs" aria-label={t('Parts of {name}', { name })}>
        {tabs.map((one) => (
          <Link key={one.id} to={link(one.id)} aria-current={one.id === here ? 'page' : undefined}>
            {one.label}
            {one.count ? <span className={`count${one.warn ? ' warn' : ''}`}>{one.count}</span> : null}
            {one.from ? <Origin from={one.from} /> : null}
          </Link>
        ))}
      </nav>
      {chosen ? <div className="fragment-panel">{panel}</div> : <div className="page-body">{panel}</div>}
    </div>
  );
}

const Trash = () => <Trash2 className="i" size={16} aria-hidden="true" />;

const hasRelated = (kind: Kind, object: KubeObject): boolean =>
  kind.kind === 'Pod' || (kind.selectsPods === true && selectorText(valueAt(object, 'spec', 'selector')) !== undefined);

/** The pods that a workload chose. */
function Pods({ kind, object, at }: { kind: Kind; object: KubeObject; at: ProjectAt }) {
  const selector = kind.selectsPods ? selectorText(valueAt(object, 'spec', 'selector')) : undefined;
  return selector ? <Selected project={at} kind={kindOf('pods')!} selector={selector} title={t('Pods')} /> : null;
}

function Related({ kind, object, at }: { kind: Kind; object: KubeObject; at: ProjectAt }) {
  if (kind.kind !== 'Pod') {
    const selector = selectorText(valueAt(object, 'spec', 'selector'))!;
    return (
      <div className="stack l">
        <Pods kind={kind} object={object} at={at} />
        {kind.kind === 'Deployment' ? (
          <Selected project={at} kind={kindOf('replicasets')!} selector={selector} title={t('Replica sets')} />
        ) : null}
      </div>
    );
  }
  const meta = metaOf(object);
  // What a controller or a roll-out added tells pods of one owner apart; siblings are found without it.
  const own =
    /^(pod-template-hash|controller-revision-hash|statefulset\.kubernetes\.io\/pod-name|apps\.kubernetes\.io\/pod-index|batch\.kubernetes\.io\/.*|controller-uid|job-name)$/;
  const labels = meta.labels.filter(([key]) => !own.test(key));
  const mounted = list(valueAt(object, 'spec', 'volumes')).flatMap((one) => [
    { kind: 'ConfigMap', name: text(valueAt(one, 'configMap', 'name')) },
    { kind: 'Secret', name: text(valueAt(one, 'secret', 'secretName')) },
    { kind: 'PersistentVolumeClaim', name: text(valueAt(one, 'persistentVolumeClaim', 'claimName')) },
  ]);
  const used = mounted.filter((one) => one.name !== '');
  return (
    <div className="stack l">
      <section className="section">
        <dl className="facts">
          <dt>{t('Managed by')}</dt>
          <dd>
            <Owners project={at} owners={meta.owners} />
          </dd>
          {used.length > 0 ? (
            <>
              <dt>{t('Mounts')}</dt>
              <dd>
                <Owners project={at} owners={used.map((one) => ({ ...one, apiVersion: 'v1' }))} />
              </dd>
            </>
          ) : null}
        </dl>
      </section>
      {labels.length > 0 ? (
        <Selected
          project={at}
          kind={kindOf('pods')!}
          selector={labels.map(([key, value]) => `${key}=${value}`).join(',')}
          title={t('Pods with the same labels')}
          keep={(name) => name !== meta.name}
        />
      ) : null}
    </div>
  );
}
