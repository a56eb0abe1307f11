// Where an extension is given a rest because it failed again and again.
import type { Breaker } from '../api/types';
import { exact, readTime, timeOfDay } from '../format/time';
import { faultWords } from '../kit/states';
import { Status, StatusShape } from '../kit/status';
import { t } from '../words/words';

/** For whom it fails, and until when it is not asked. */
function sentence({ workspace, user, until }: Breaker): string {
  const time = timeOfDay(readTime(until) ?? 0);
  if (workspace && user)
    return t('Failing in workspace {workspace} for {user} until {time}', { workspace, user, time });
  if (workspace) return t('Failing in workspace {workspace} until {time}', { workspace, time });
  return t('Failing for {user} until {time}', { user: user ?? '', time });
}

/** The state of an extension that fails somewhere: where, or in how many places. */
export function FailingStatus({ breakers }: { breakers: Breaker[] }) {
  const [first] = breakers;
  return first && breakers.length === 1 ? (
    <Status tone="warn" shape="warn" why={faultWords(first.class)}>
      {sentence(first)}
    </Status>
  ) : (
    <Status tone="warn" shape="warn">
      {t('Failing in {n, plural, one {# place} other {# places}}', { n: breakers.length })}
    </Status>
  );
}

/** All places where it fails, one by one. */
export function FailingList({ breakers }: { breakers: Breaker[] }) {
  if (breakers.length === 0) return null;
  return (
    <section aria-label={t('Where it fails')}>
      {breakers.map((one) => (
        <div key={`${one.workspace ?? ''}/${one.user ?? ''}`} className="alert warn">
          <StatusShape shape="warn" />
          <strong>{sentence(one)}</strong>
          <span className="b" title={exact(readTime(one.until) ?? 0)}>
            {t('{n, plural, one {# fault} other {# faults}}, at last: {fault}. Nobody else is affected.', {
              n: one.faults,
              fault: faultWords(one.class),
            })}
          </span>
        </div>
      ))}
    </section>
  );
}
