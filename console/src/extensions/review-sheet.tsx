// The review of a package: what it asks for in plain words, the dangerous first, then consent, then the progress of the installation.
import { useQueryClient } from '@tanstack/react-query';
import { Boxes, Check, Database, Gauge, LayoutDashboard, type LucideIcon, Route, Shield } from 'lucide-react';
import { useState } from 'react';
import { problemOf, sentence } from '../api/problem';
import type { Ask, Review } from '../api/types';
import { exactSpan } from '../format/time';
import { Button, CopyButton } from '../kit/button';
import { Sheet } from '../kit/dialog';
import { Icon } from '../kit/icon';
import { StatusShape } from '../kit/status';
import type { Problem } from '../stream';
import { t } from '../words/words';
import { install } from './install';

const sections = (): { kinds: string[]; title: string; icon: LucideIcon }[] => [
  { kinds: ['kubernetes'], title: t('Reads and changes Kubernetes for the person who asks'), icon: Boxes },
  { kinds: ['upstream'], title: t('Asks back ends that an administrator binds'), icon: Database },
  { kinds: ['role'], title: t('Adds to roles'), icon: Shield },
  { kinds: ['route'], title: t('Answers at addresses of its own'), icon: Route },
  { kinds: ['console'], title: t('Adds to the console'), icon: LayoutDashboard },
  { kinds: ['limit', 'isolation'], title: t('May use'), icon: Gauge },
];

/** What a package asks for, in groups; what no group knows stands in the last. */
export function Asks({ asks }: { asks: readonly Ask[] }) {
  const all = sections();
  const known = new Set(all.flatMap((one) => one.kinds));
  const groups = [...all, { kinds: [] as string[], title: t('More'), icon: Check }].map((group) => ({
    ...group,
    asks: asks
      .filter((ask) => (group.kinds.length > 0 ? group.kinds.includes(ask.kind) : !known.has(ask.kind)))
      .sort((a, b) => Number(b.dangerous ?? false) - Number(a.dangerous ?? false)),
  }));
  return (
    <>
      {groups
        .filter((group) => group.asks.length > 0)
        .map((group) => (
          <section key={group.title} aria-label={group.title}>
            <h3>
              <Icon of={group.icon} />
              {group.title} <span className="muted">{group.asks.length}</span>
            </h3>
            <ul>
              {group.asks.map((ask) => (
                <li key={`${ask.text}/${ask.reason}`} className={ask.dangerous ? 'add' : ''}>
                  {ask.dangerous ? <StatusShape shape="warn" /> : <Icon of={Check} />}
                  <span className="what">{ask.text}</span>
                  {ask.dangerous ? <span className="badge warn">{t('look twice')}</span> : null}
                  {ask.reason ? <span className="d">{t('Why: {reason}', { reason: ask.reason })}</span> : null}
                </li>
              ))}
            </ul>
          </section>
        ))}
    </>
  );
}

type Step = 'consent' | 'installing' | 'appearing' | 'done' | 'failed';

export function ReviewSheet({ review, file, onClose }: { review: Review; file: Blob; onClose: () => void }) {
  const [step, setStep] = useState<Step>('consent');
  const [took, setTook] = useState<number>();
  const [problem, setProblem] = useState<Problem>();
  const queries = useQueryClient();
  const asks = review.asks ?? [];
  const dangerous = asks.filter((ask) => ask.dangerous).length;
  const title = review.title || review.name;
  const run = async () => {
    setStep('installing');
    const began = performance.now();
    try {
      await install(file, review.consent);
      setTook(performance.now() - began);
      setStep('done');
      await queries.invalidateQueries({ queryKey: ['extensions'] });
    } catch (error) {
      setProblem(problemOf(error));
      setStep('failed');
    }
  };
  const verb = review.installed ? t('Consent and replace') : t('Consent and install');
  return (
    <Sheet
      open
      onClose={onClose}
      firm={step === 'installing'}
      className="perm-sheet"
      title={
        step === 'done'
          ? t('{name} is installed', { name: title })
          : t('Review what {name} {version} asks for', { name: title, version: review.version })
      }
      sub={
        <>
          <span className="mono">{review.digest.slice(0, 19)}…</span> · {review.name}
          {review.installed ? ` · ${t('{version} is installed now', { version: review.installed })}` : ''}
        </>
      }
      footer={
        step === 'done' ? (
          <Button look="primary" onClick={onClose}>
            {t('Close the review')}
          </Button>
        ) : (
          <>
            <Button look="primary" busy={step === 'installing'} onClick={() => void run()}>
              {verb}
            </Button>
            <Button onClick={onClose}>
              {review.installed ? t('Keep {version}', { version: review.installed }) : t('Do not install')}
            </Button>
            <span className="right">
              <CopyButton text={JSON.stringify(review, null, 2)} label={t('Copy the review')} />
            </span>
          </>
        )
      }
    >
      <div className="perm">
        {problem && step === 'failed' ? (
          <div className="alert bad" role="alert">
            <StatusShape shape="bad" />
            <strong>{t('Could not install {name}', { name: title })}</strong>
            <span className="b">{sentence(problem)}</span>
          </div>
        ) : dangerous > 0 ? (
          <div className="alert warn">
            <StatusShape shape="warn" />
            <strong>
              {t('{n, plural, one {# thing deserves} other {# things deserve}} a second look', { n: dangerous })}
            </strong>
            <span className="b">{t('They are marked below. Nothing runs before you consent.')}</span>
          </div>
        ) : (
          <div className="alert">
            <StatusShape shape="done" />
            <strong>{t('It never gets more than the person who uses it has')}</strong>
            <span className="b">{t('Nothing runs before you consent.')}</span>
          </div>
        )}
        {review.description ? <p className="second about">{review.description}</p> : null}
        {asks.length === 0 ? <p className="second">{t('It asks for nothing.')}</p> : <Asks asks={asks} />}
        <h3>{t('What it cannot do')}</h3>
        <p className="second">
          {t(
            'Open connections of its own, read files of the server, draw its own HTML, or do for a person what that person may not do.',
          )}
        </p>
        <h3>{t('Installation')}</h3>
        <ol className="steps">
          <StepLine done label={t('Read the package and checked its rules')} />
          <StepLine
            done={step !== 'consent'}
            now={step === 'consent'}
            label={t('Consent')}
            end={step === 'consent' ? t('waits for you') : undefined}
          />
          <StepLine
            done={step === 'done'}
            now={step === 'installing'}
            failed={step === 'failed'}
            label={t('Record it and switch its routes on')}
            end={took === undefined ? undefined : exactSpan(took)}
          />
          <StepLine done={step === 'done'} label={t('Its pages appear in every open browser')} />
        </ol>
      </div>
    </Sheet>
  );
}

function StepLine({
  done,
  now,
  failed,
  label,
  end,
}: {
  done?: boolean;
  now?: boolean;
  failed?: boolean;
  label: string;
  end?: string;
}) {
  return (
    <li className={done ? 'ok' : failed ? 'bad' : now ? 'info' : 'todo'}>
      <StatusShape shape={done ? 'done' : failed ? 'bad' : now ? 'run' : 'wait'} />
      <span>{label}</span>
      <span className="t">{end ?? ''}</span>
    </li>
  );
}
