// The states every list and page can be in, in the console's words.
import { Lock, type LucideIcon, RotateCw } from 'lucide-react';
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { problemOf, sentence } from '../api/problem';
import { useNow } from '../format/clock';
import { span } from '../format/time';
import type { Problem } from '../stream';
import { t } from '../words/words';
import { Button, CopyButton } from './button';
import { Icon } from './icon';
import { Status } from './status';

/** Says what this is and what to do next. */
export function Empty({
  icon,
  title,
  children,
  actions,
}: {
  icon?: LucideIcon;
  title: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <div className="empty">
      {icon ? <Icon of={icon} /> : null}
      <h2>{title}</h2>
      {children ? <p>{children}</p> : null}
      {actions ? <div className="actions">{actions}</div> : null}
    </div>
  );
}

/** Names the missing permission and who can grant it. */
export function Forbidden({ what, problem }: { what: string; problem?: Problem }) {
  const missing = problem?.missing;
  const platform = missing?.scope === 'platform';
  return (
    <div className="empty">
      <Icon of={Lock} />
      <h2>{what}</h2>
      <p>
        {missing ? (
          <>
            {t('Missing')} <code>{missing.permission}</code>
            {platform
              ? ` ${t('on the platform')}`
              : missing.scope
                ? ` ${t('in {scope}', { scope: missing.scope })}`
                : ''}
            .{' '}
          </>
        ) : problem?.detail ? (
          `${problem.detail.replace(/\.?$/, '.')} `
        ) : null}
        {platform
          ? t('A platform administrator can grant it.')
          : t('An administrator of the project or of its workspace can grant it.')}
      </p>
    </div>
  );
}

/** How an instance of an extension ends by its own fault, as the core classes it. */
export function faultWords(fault: string): string {
  switch (fault) {
    case 'start':
      return t('it did not start');
    case 'trap':
      return t('it crashed');
    case 'time':
      return t('it took too long');
    case 'memory':
      return t('it wanted too much memory');
    case 'stack':
      return t('its calls went too deep');
    case 'wire':
    case 'window':
      return t('it broke the protocol');
    case 'crash':
      return t('the sandbox ended while it ran');
    default:
      return fault;
  }
}

/** Why something failed, in a sentence. */
function whyOf(problem: Problem): string {
  if (problem.class !== 'breaker') return sentence(problem);
  return problem.cause
    ? t(
        'This extension failed here again and again ({cause}) and is given a rest. Other workspaces are not affected.',
        {
          cause: faultWords(problem.cause),
        },
      )
    : t('This extension failed here again and again and is given a rest. Other workspaces are not affected.');
}

/** What failed, where, and when it is tried again. */
export function Failed({
  title,
  problem,
  onRetry,
  nextTry,
}: {
  title: string;
  problem?: Problem;
  onRetry?: () => void;
  nextTry?: number;
}) {
  const now = useNow();
  return (
    <div className="empty" role="alert">
      <Status tone="bad" shape="bad">
        <b className="strong">{title}</b>
      </Status>
      <p>{problem ? whyOf(problem) : t('There was no answer.')}</p>
      {problem?.instance ? (
        <p className="muted">
          {t('Request')} <code>{problem.instance}</code>{' '}
          <CopyButton text={JSON.stringify(problem, null, 2)} label={t('Copy details')} />
        </p>
      ) : null}
      <div className="actions">
        {onRetry ? (
          <Button icon={RotateCw} onClick={onRetry}>
            {t('Retry')}
          </Button>
        ) : null}
        {nextTry && nextTry > now ? (
          <span className="muted">{t('again by itself in {span}', { span: span(nextTry - now) })}</span>
        ) : null}
      </div>
    </div>
  );
}

/** Forbidden, not found or failed, whichever the problem is. */
export function Trouble({
  what,
  problem,
  onRetry,
  nextTry,
}: {
  what: string;
  problem: Problem;
  onRetry?: () => void;
  nextTry?: number;
}) {
  if (problem.status === 401) return <SignedOut />;
  if (problem.status === 403) return <Forbidden what={t('You may not see {what} here', { what })} problem={problem} />;
  return <Failed title={t('Could not load {what}', { what })} problem={problem} onRetry={onRetry} nextTry={nextTry} />;
}

/** What stands where a list will be: lines while it is on its way, or why it did not come. */
export function Awaited({ what, error, onRetry }: { what: string; error: Error | null; onRetry: () => void }) {
  if (error) return <Trouble what={what} problem={problemOf(error)} onRetry={onRetry} />;
  return (
    <div className="page-body">
      <Skeleton />
    </div>
  );
}

/** What is to be done when something was refused because nobody is signed in. */
export const Refused = createContext<() => void>(() => undefined);

/** What was refused because nobody is signed in; the question for the password is over the page. */
function SignedOut() {
  const ask = useContext(Refused);
  useEffect(() => ask(), [ask]);
  return <Empty icon={Lock} title={t('Your session ended')} />;
}

/** True once 120 ms have passed: what is quicker shows no skeleton. */
export function usePatience(): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 120);
    return () => clearTimeout(timer);
  }, []);
  return late;
}

const widths = ['w55', 'w70', 'w40', 'w85', 'w30'];

/** Lines of a page that is on its way. */
export function Skeleton({ lines = 6 }: { lines?: number }) {
  const late = usePatience();
  return (
    <div className="stack" aria-busy="true">
      <span className="sr">{t('Loading')}</span>
      {late
        ? // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place
          Array.from({ length: lines }, (_, i) => <span key={i} className={`skel ${widths[i % widths.length]}`} />)
        : null}
    </div>
  );
}
