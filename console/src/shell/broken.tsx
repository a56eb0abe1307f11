// Pages that are not: no such address, or a page that broke. The frame around them lives.
import type { ErrorComponentProps } from '@tanstack/react-router';
import { Compass, RotateCw } from 'lucide-react';
import { Button } from '../kit/button';
import { Empty } from '../kit/states';
import { StatusShape } from '../kit/status';
import { Link } from '../routing/link';
import { paths } from '../routing/paths';
import { t } from '../words/words';

export function NotFound() {
  return (
    <Empty
      icon={Compass}
      title={t('There is no page at this address')}
      actions={
        <Link className="btn" to={paths.home()}>
          {t('Go home')}
        </Link>
      }
    >
      {t('It may have been the page of an extension that was removed, or of an object that is gone.')}
    </Empty>
  );
}

export function Broken({ error, reset }: ErrorComponentProps) {
  // A page's code that cannot be loaded any more: Atoll was upgraded under an open tab.
  const message = error instanceof Error ? error.message : String(error);
  const outdated = /dynamically imported module|Importing a module|Failed to fetch/.test(message);
  return (
    <div className="empty" role="alert">
      <span className="st bad">
        <StatusShape shape="bad" />
        <b className="strong">{outdated ? t('This page comes from an older Atoll') : t('This page broke')}</b>
      </span>
      <p>{outdated ? t('Atoll was upgraded while this tab was open. Load it again to go on.') : message}</p>
      <div className="actions">
        {outdated ? (
          <Button look="primary" icon={RotateCw} onClick={() => window.location.reload()}>
            {t('Load again')}
          </Button>
        ) : (
          <Button icon={RotateCw} onClick={reset}>
            {t('Retry')}
          </Button>
        )}
      </div>
    </div>
  );
}
