// A real anchor with a checked address; a plain click stays in the page.
import type { MouseEvent, ReactNode } from 'react';
import { t } from '../words/words';
import { useHost } from './host';
import type { Target } from './link';

/** A link to a checked target; the words alone when there is none. */
export function HostLink({
  target,
  className,
  children,
}: {
  target: Target | undefined;
  className?: string;
  children: ReactNode;
}) {
  const { go } = useHost();
  if (!target) return <span className={className}>{children}</span>;
  if (target.external)
    return (
      <a
        className={className}
        href={target.href}
        target="_blank"
        rel="noopener noreferrer"
        referrerPolicy="no-referrer"
      >
        {children} <span className="muted">({new URL(target.href).host})</span>
        <span className="sr">, {t('opens in a new window')}</span>
      </a>
    );
  const click = (e: MouseEvent) => {
    if (e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    go(target.href);
  };
  return (
    <a className={className} href={target.href} onClick={click}>
      {children}
    </a>
  );
}
