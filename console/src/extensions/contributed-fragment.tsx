// What an extension contributes, drawn by the renderer of fragments; or why the person may not see it.
import { lazy, type ReactNode, Suspense } from 'react';
import type { Contribution } from '../api/types';
import type { FragmentScope, TabObject } from '../fragments';
import { Forbidden, Skeleton } from '../kit/states';
import { t } from '../words/words';
import { labelOf } from './contributions';

const FragmentPage = lazy(() => import('../fragments').then((m) => ({ default: m.FragmentPage })));
const FragmentTab = lazy(() => import('../fragments').then((m) => ({ default: m.FragmentTab })));

function Allowed({
  contribution,
  scope,
  children,
}: {
  contribution: Contribution;
  scope: FragmentScope;
  children: ReactNode;
}) {
  if (contribution.allowed === false) {
    const what = t('You may not use {label} here', { label: labelOf(contribution) });
    const where = scope.project ? `${t('project')} ${scope.project}` : undefined;
    return (
      <Forbidden
        what={what}
        problem={{
          title: what,
          missing: contribution.missing ? { permission: contribution.missing, scope: where } : undefined,
        }}
      />
    );
  }
  return (
    <Suspense
      fallback={
        <div className="page-body">
          <Skeleton />
        </div>
      }
    >
      {children}
    </Suspense>
  );
}

const propsOf = (one: Contribution) => ({
  extension: one.extension,
  title: one.title,
  version: one.version,
  digest: one.digest,
  fragment: one.fragment ?? one.id,
});

/** A page that an extension contributes. */
export function ContributedPage({
  contribution,
  scope,
  label,
}: {
  contribution: Contribution;
  scope: FragmentScope;
  label: string;
}) {
  return (
    <Allowed contribution={contribution} scope={scope}>
      <FragmentPage {...propsOf(contribution)} route={contribution.route ?? '/'} label={label} scope={scope} />
    </Allowed>
  );
}

/** A tab that an extension contributes to the page of an object. */
export function ContributedTab({
  contribution,
  scope,
  object,
}: {
  contribution: Contribution;
  scope: FragmentScope;
  object: TabObject;
}) {
  return (
    <Allowed contribution={contribution} scope={scope}>
      <FragmentTab {...propsOf(contribution)} scope={scope} object={object} />
    </Allowed>
  );
}
