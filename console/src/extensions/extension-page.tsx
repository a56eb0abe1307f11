// A page of an extension. It comes and goes with the extension, in the open browser.
import { useParams } from '@tanstack/react-router';
import { Puzzle } from 'lucide-react';
import { useEffect } from 'react';
import type { FragmentScope } from '../fragments';
import { Empty, Skeleton } from '../kit/states';
import { Link } from '../routing/link';
import { paths } from '../routing/paths';
import { safeMode, useScope } from '../shell/scope';
import { t } from '../words/words';
import { ContributedPage } from './contributed-fragment';
import { labelOf, navEntries, pageAt } from './contributions';

export function ExtensionPage() {
  const { extension, _splat: route = '' } = useParams({ strict: false }) as { extension: string; _splat?: string };
  const { place, contributions, contributionsKnown } = useScope();
  const page = pageAt(contributions, extension, `/${route}`);
  const entry = place
    ? navEntries(contributions, place.area).find((one) => one.extension === extension && one.route === page?.route)
    : undefined;
  const label = entry ? labelOf(entry) : page ? labelOf(page) : extension;
  useEffect(() => {
    document.title = `${label} · Atoll`;
  }, [label]);
  if (!contributionsKnown) {
    return (
      <div className="page-body">
        <Skeleton />
      </div>
    );
  }
  if (!page) {
    return (
      <Empty
        icon={Puzzle}
        title={
          safeMode()
            ? t('No extension is loaded in safe mode')
            : t('The extension {name} has no page here', { name: extension })
        }
        actions={
          <Link className="btn" to={paths.home()}>
            {t('Go home')}
          </Link>
        }
      >
        {t('It may have been removed. When it is installed again, this page appears at once.')}
      </Empty>
    );
  }
  const scope: FragmentScope =
    place && 'cluster' in place
      ? { cluster: place.cluster, project: 'project' in place ? place.project : undefined }
      : place?.area === 'workspace'
        ? { workspace: place.workspace }
        : {};
  return (
    <div className="fragment-page" data-extension={extension}>
      <ContributedPage key={`${page.extension}/${page.id}`} contribution={page} scope={scope} label={label} />
    </div>
  );
}
