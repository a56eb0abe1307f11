// Above and below a log: what is in it, how it is shown, and whether it is live.
import {
  ArrowDownToLine,
  ChevronDown,
  ChevronUp,
  Clock,
  Copy,
  Download,
  type LucideIcon,
  Pause,
  Play,
  WrapText,
} from 'lucide-react';
import { count } from '../format/number';
import { Button } from '../kit/button';
import { Status } from '../kit/status';
import { t } from '../words/words';
import type { LogBuffer } from './buffer';
import type { LogPhase } from './LogView';

export interface Search {
  count: number;
  /** Which match is chosen, from one; 0 for none. */
  rank: number;
  next(backwards: boolean): void;
}

export interface ToolProps {
  buffer: LogBuffer;
  phase: LogPhase;
  following: boolean;
  wrap: boolean;
  times: boolean;
  search?: Search;
  /** Why matches are not marked, in words. */
  searchProblem?: string;
  onFollow(): void;
  onWrap(): void;
  onTimes?(): void;
  onCopy(): void;
  onDownload(): void;
}

export function LogTools(p: ToolProps) {
  const errors = p.buffer.count('error');
  const warnings = p.buffer.count('warn');
  const still = p.phase === 'ended' || p.phase === 'failed';
  return (
    <div className="toolbar log-tools">
      <span>{t('{count, plural, one {# line} other {# lines}}', { count: p.buffer.length })}</span>
      {errors > 0 ? (
        <Status tone="bad" shape="bad">
          {t('{n} error', { n: count(errors) })}
        </Status>
      ) : null}
      {warnings > 0 ? (
        <Status tone="warn" shape="warn">
          {t('{n} warn', { n: count(warnings) })}
        </Status>
      ) : null}
      {p.search ? <Found search={p.search} /> : null}
      {p.searchProblem ? <span className="muted trunc">{p.searchProblem}</span> : null}
      <span className="right row">
        {p.onTimes ? <Toggle on={p.times} icon={Clock} onClick={p.onTimes} words={t('Times')} optional /> : null}
        <Toggle on={p.wrap} icon={WrapText} onClick={p.onWrap} words={t('Wrap')} />
        {still ? (
          <Button icon={ArrowDownToLine} onClick={p.onFollow}>
            {t('To the end')}
          </Button>
        ) : (
          <Toggle
            on={p.following}
            icon={p.following ? Pause : Play}
            onClick={p.onFollow}
            words={p.following ? t('Following') : t('Follow')}
          />
        )}
        <Button look="quiet" className="opt-m" icon={Copy} label={t('Copy all lines')} onClick={p.onCopy} />
        <Button look="quiet" className="opt-m" icon={Download} label={t('Download as a file')} onClick={p.onDownload} />
      </span>
    </div>
  );
}

function Toggle(p: { on: boolean; icon: LucideIcon; words: string; onClick: () => void; optional?: boolean }) {
  return (
    <Button aria-pressed={p.on} icon={p.icon} onClick={p.onClick} className={p.optional ? 'opt-m' : ''}>
      {p.words}
    </Button>
  );
}

function Found({ search }: { search: Search }) {
  return (
    <span className="row found">
      <span className="muted nowrap">
        {search.rank > 0
          ? t('match {rank} of {count}', { rank: count(search.rank), count: count(search.count) })
          : t('{count, plural, one {# match} other {# matches}}', { count: search.count })}
      </span>
      <Button look="quiet" icon={ChevronUp} label={t('Previous match')} onClick={() => search.next(true)} />
      <Button look="quiet" icon={ChevronDown} label={t('Next match')} onClick={() => search.next(false)} />
    </span>
  );
}

export function LogFoot({ buffer, phase, following }: { buffer: LogBuffer; phase: LogPhase; following: boolean }) {
  const { pods, containers } = buffer.sources;
  return (
    <footer className="table-foot log-foot">
      {pods > 0 ? (
        <span className="nowrap">
          {t('{count, plural, one {# pod} other {# pods}}', { count: pods })},{' '}
          {t('{count, plural, one {# container} other {# containers}}', { count: containers })}
        </span>
      ) : null}
      <Liveness phase={phase} following={following} />
      <span className="muted trunc opt-m">
        {buffer.dropped > 0
          ? t('keeps the last {cap} lines here; {dropped} older ones were dropped', {
              cap: count(buffer.cap),
              dropped: count(buffer.dropped),
            })
          : t('keeps the last {cap} lines here', { cap: count(buffer.cap) })}
      </span>
      <span className="right muted opt-l nowrap">
        <kbd>f</kbd> {t('follow')}&ensp; <kbd>w</kbd> {t('wrap')}&ensp; <kbd>n</kbd> {t('next match')}&ensp;{' '}
        <kbd>↵</kbd> {t('expand')}
      </span>
    </footer>
  );
}

function Liveness({ phase, following }: { phase: LogPhase; following: boolean }) {
  const [look, words] =
    phase === 'reconnecting'
      ? [' stale', t('reconnecting')]
      : phase === 'failed'
        ? [' stale', t('interrupted')]
        : phase === 'ended'
          ? [' paused', t('ended')]
          : phase === 'connecting'
            ? [' paused', t('connecting')]
            : following
              ? ['', t('live')]
              : [' paused', t('paused')];
  return (
    <span className={`live${look}`} role="status">
      {words}
    </span>
  );
}
