// A live log: virtualised, following, searched, coloured. The lines come from
// a LogBuffer; where they come from and whether more will is the owner's.
import './logview.css';
import { ArrowDown } from 'lucide-react';
import {
  type ReactNode,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { Button } from '../kit/button';
import { Icon } from '../kit/icon';
import { Empty, Skeleton, Trouble } from '../kit/states';
import { toast } from '../kit/toasts';
import type { Problem } from '../stream';
import { t } from '../words/words';
import type { LogBuffer } from './buffer';
import { todayUtc } from './clock';
import { download, logText } from './export';
import { LogRow, type Naming } from './LogRow';
import { LogFoot, LogTools } from './LogTools';
import { compileMatch, type Matcher } from './match';
import { Matches } from './matches';
import { useLogKeys } from './useLogKeys';
import { lineHeight, useWindow } from './useWindow';

/** Whether more lines will come. */
export type LogPhase = 'connecting' | 'live' | 'reconnecting' | 'ended' | 'failed';

export interface LogViewProps {
  buffer: LogBuffer;
  phase: LogPhase;
  problem?: Problem;
  onRetry?(): void;
  /** When it is tried again by itself, milliseconds since 1970. */
  nextTry?: number;
  /** What is marked, and whether it is a pattern. */
  highlight?: string;
  regex?: boolean;
  /** Whether it follows at first. */
  follow?: boolean;
  /** Whether times are shown; a person may change it until this changes. */
  timestamps?: boolean;
  /** The page has its own control for the times: this changes it, and there is no second one here. */
  onTimestamps?(on: boolean): void;
  /** Shown when nothing was written. */
  empty?: ReactNode;
  /** Name of the file when downloaded. */
  fileName?: string;
  /** It stands among other things and has a height of its own. */
  boxed?: boolean;
}

/** Whether the last log wrapped: the next one, of another search or pod, does the same. */
let wrapped = false;

/** A log with its tools. Keys: f follow, w wrap, t times, n and N matches, j and k lines, Enter opens. */
export function LogView(p: LogViewProps) {
  const { buffer, phase } = p;
  useSyncExternalStore(buffer.subscribe, buffer.version, buffer.version);
  const [wrap, setWrap] = useState(wrapped);
  const [times, setTimes] = useGiven(p.timestamps ?? true);
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const [here, setHere] = useState(-1);
  const [columns, setColumns] = useState(120);
  const win = useWindow(buffer, p.follow ?? true, wrap ? columns : 0);
  const { matcher, problem: searchProblem } = useMemo(
    () => compileMatch(p.highlight ?? '', p.regex ?? false),
    [p.highlight, p.regex],
  );
  const matches = useMatches(buffer, matcher);
  const naming = namingOf(buffer);
  const levels = buffer.count('') < buffer.length;
  const root = useRef<HTMLElement>(null);

  useLayoutEffect(() => {
    const message = win.rows.current?.querySelector('.m');
    if (wrap && message) setColumns(Math.max(20, Math.floor(message.clientWidth / characterWidth(message))));
  }, [wrap, win.rows]);

  const { remeasure } = win;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a change of these is what makes lines higher or lower
  useLayoutEffect(() => remeasure(), [wrap, columns, remeasure]);
  useWidest(win.rows, wrap);

  const pick = useCallback((seq: number, toggle: boolean) => {
    setHere(seq);
    if (toggle) setOpened((was) => toggled(was, seq));
  }, []);

  const jump = (backwards: boolean) => {
    const seq = matches?.beside(here >= buffer.first ? here : win.top() - 1, backwards);
    if (seq === undefined) return;
    setHere(seq);
    win.reveal(seq);
  };
  const step = (by: number) => {
    const from = here >= buffer.first ? here + by : win.top();
    const seq = Math.max(buffer.first, Math.min(buffer.end - 1, from));
    setHere(seq);
    win.reveal(seq);
  };
  const flipFollow = () => win.follow(!win.following);
  const flipWrap = () => {
    wrapped = !wrap;
    setWrap(wrapped);
  };
  const flipTimes = () => (p.onTimestamps ? p.onTimestamps(!times) : setTimes(!times));
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(logText(buffer));
      toast('ok', t('Copied {count, plural, one {# line} other {# lines}}', { count: buffer.length }));
    } catch {
      toast('bad', t('Could not copy'), t('The browser did not allow it.'));
    }
  };
  useLogKeys(root, [
    ['f', flipFollow],
    ['w', flipWrap],
    ['t', flipTimes],
    ['n', () => jump(false)],
    ['N', () => jump(true)],
    ['j', () => step(1)],
    ['k', () => step(-1)],
    ['Enter', () => here >= buffer.first && pick(here, true)],
  ]);

  const lines = [];
  const today = todayUtc();
  for (let seq = win.from; seq < win.to; seq++) {
    const line = buffer.at(seq);
    if (line)
      lines.push(
        <LogRow
          key={seq}
          line={line}
          today={today}
          times={times}
          levels={levels}
          naming={naming}
          matcher={matcher}
          open={opened.has(seq)}
          here={seq === here}
          onPick={pick}
        />,
      );
  }
  const tide =
    phase === 'reconnecting' || phase === 'failed' ? ' stale' : phase !== 'live' || !win.following ? ' paused' : '';
  const layout = `log${wrap ? ' wrap' : ''}${times ? '' : ' no-ts'}${levels ? '' : ' no-lv'} from-${naming}`;
  return (
    <section className={`log-view${p.boxed ? ' boxed' : ''}`} aria-label={t('Log')} ref={root}>
      <LogTools
        buffer={buffer}
        phase={phase}
        following={win.following}
        wrap={wrap}
        times={times}
        search={matches ? { count: matches.count, rank: matches.rank(here), next: jump } : undefined}
        searchProblem={searchProblem}
        onFollow={flipFollow}
        onWrap={flipWrap}
        onTimes={p.onTimestamps ? undefined : flipTimes}
        onCopy={copy}
        onDownload={() => download(p.fileName ?? 'log.txt', logText(buffer))}
      />
      <div className={`tide${tide}`} />
      <div className="log-box">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
        <div className={layout} role="log" aria-live="off" aria-label={t('Log lines')} tabIndex={0} ref={win.box}>
          {buffer.length === 0 ? (
            <Nothing {...p} />
          ) : (
            <div className="log-all" style={{ height: win.total }}>
              <div className="log-rows" style={{ paddingTop: win.above }} ref={win.rows}>
                {lines}
              </div>
            </div>
          )}
          {buffer.length > 0 && phase === 'ended' ? <div className="cut">{t('The log ended here.')}</div> : null}
        </div>
        {/* Lines that were all there at once are not new. */}
        {win.held > 0 && !(phase === 'ended' && p.follow === false) ? (
          <Button look="primary" className="held" onClick={() => win.follow(true)}>
            <Icon of={ArrowDown} />
            {t('{count, plural, one {# new line} other {# new lines}}', { count: win.held })}
          </Button>
        ) : null}
      </div>
      {buffer.length > 0 && phase === 'failed' && p.problem ? (
        <Interrupted problem={p.problem} onRetry={p.onRetry} />
      ) : null}
      <LogFoot buffer={buffer} phase={phase} following={win.following} />
    </section>
  );
}

function Nothing(p: LogViewProps) {
  if (p.problem && (p.phase === 'failed' || p.phase === 'connecting'))
    return <Trouble what={t('the log')} problem={p.problem} onRetry={p.onRetry} nextTry={p.nextTry} />;
  if (p.phase === 'connecting')
    return (
      <div className="log-wait">
        <Skeleton lines={8} />
      </div>
    );
  if (p.empty) return p.empty;
  return p.phase === 'ended' ? (
    <Empty title={t('Nothing was written')}>{t('The log is empty for what is chosen above.')}</Empty>
  ) : (
    <Empty title={t('No lines yet')}>{t('New lines appear here as they are written.')}</Empty>
  );
}

function Interrupted({ problem, onRetry }: { problem: Problem; onRetry?: () => void }) {
  return (
    <div className="banner bad" role="alert">
      <span>
        <b className="strong">{problem.title}</b> {problem.detail}
      </span>
      {onRetry ? (
        <Button look="link" className="right" onClick={onRetry}>
          {t('Retry')}
        </Button>
      ) : null}
    </div>
  );
}

/** A state that begins as given, and anew whenever what is given changes. */
function useGiven(given: boolean): [boolean, (v: boolean) => void] {
  const [[value, of], set] = useState<[boolean, boolean]>([given, given]);
  if (of !== given) set([given, given]);
  return [of === given ? value : given, (v) => set([v, given])];
}

/** The matches of a search; searches what is new whenever it is drawn, a large backlog over several frames. */
function useMatches(buffer: LogBuffer, matcher: Matcher | undefined): Matches | undefined {
  const [, again] = useReducer((n: number) => n + 1, 0);
  const matches = useMemo(() => (matcher ? new Matches(buffer, matcher) : undefined), [buffer, matcher]);
  const more = matches?.catchUp() ?? false;
  useEffect(() => {
    if (!more) return;
    const frame = requestAnimationFrame(again);
    return () => cancelAnimationFrame(frame);
  });
  return matches;
}

/** Keeps the widest line's room, so that a log which is moved sideways stays where it is. */
function useWidest(rows: { current: HTMLElement | null }, wrap: boolean): void {
  const widest = useRef(0);
  useLayoutEffect(() => {
    const list = rows.current;
    if (!list) return;
    if (wrap) widest.current = 0;
    else widest.current = Math.max(widest.current, list.offsetWidth);
    const parent = list.parentElement;
    if (parent)
      parent.style.minWidth =
        wrap || widest.current <= (parent.parentElement?.clientWidth ?? 0) ? '' : `${widest.current}px`;
  });
}

function characterWidth(of: Element): number {
  const probe = document.createElement('span');
  probe.textContent = '0'.repeat(50);
  probe.className = 'log-probe';
  of.append(probe);
  const width = probe.offsetWidth / 50;
  probe.remove();
  return width || lineHeight / 2.6;
}

function toggled(set: ReadonlySet<number>, seq: number): ReadonlySet<number> {
  const next = new Set(set);
  if (!next.delete(seq)) next.add(seq);
  return next;
}

/** What is the same for every line is not said in every line. */
function namingOf(buffer: LogBuffer): Naming {
  const { pods, containers } = buffer.sources;
  if (pods > 1) return containers > pods ? 'both' : 'pod';
  return containers > 1 ? 'container' : 'none';
}
