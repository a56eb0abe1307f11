// One line of a log: time, level, who wrote it, what it says; opened, the
// whole of it. Text only, whatever the line holds.
import { memo } from 'react';
import { exact, readTime } from '../format/time';
import { CopyButton } from '../kit/button';
import { t } from '../words/words';
import type { LogLine } from './buffer';
import { clockOf } from './clock';
import { lineText } from './export';
import type { Matcher } from './match';
import { piecesOf } from './pieces';
import type { Source } from './series';

/** What of a line's source is shown: nothing, the pod, or pod and container. */
export type Naming = 'none' | 'pod' | 'container' | 'both';

export interface RowProps {
  line: LogLine;
  today: string;
  times: boolean;
  levels: boolean;
  naming: Naming;
  matcher?: Matcher;
  open: boolean;
  here: boolean;
  onPick(seq: number, toggle: boolean): void;
}

const words = { error: 'ERROR', warn: 'WARN', info: 'INFO', debug: 'DEBUG', '': '' } as const;

/** Drawn again only when something of this line changed. */
export const LogRow = memo(function LogRow(p: RowProps) {
  const { line } = p;
  if (line.notice) return <Notice line={line} />;
  const { pieces, json } = piecesOf(line.text, p.matcher);
  const at = line.time ? readTime(line.time) : undefined;
  return (
    <div className="log-row" data-seq={line.seq}>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/noStaticElementInteractions: the keys belong to the log around it */}
      <div
        className={`l ${line.level}${p.open ? ' open' : ''}${p.here ? ' here' : ''}`}
        onClick={() => p.onPick(line.seq, json !== undefined && (getSelection()?.isCollapsed ?? true))}
      >
        {p.times ? (
          <span className="ts" title={at === undefined ? line.time : exact(at)}>
            {clockOf(line.time, p.today)}
          </span>
        ) : null}
        {p.levels ? <span className="lv">{words[line.level]}</span> : null}
        {p.naming === 'none' ? null : <From source={line.source} naming={p.naming} />}
        <span className="m">
          <Pieces of={pieces} />
        </span>
      </div>
      {p.open ? <Opened line={line} tokens={json?.tokens()} /> : null}
    </div>
  );
});

/** Pieces of text, each with its look and perhaps marked. */
function Pieces({ of }: { of: { text: string; look: string; marked?: boolean }[] }) {
  return of.map(({ text, look, marked }, i) => {
    if (!look && !marked) return text;
    const words = marked ? <mark>{text}</mark> : text;
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a text never change places
      <span key={i} className={look || undefined}>
        {words}
      </span>
    );
  });
}

function From({ source, naming }: { source: Source; naming: Naming }) {
  const full = source.container ? `${source.pod} / ${source.container}` : source.pod;
  const name = naming === 'container' ? source.container : source.short;
  return (
    <span className="src" title={full}>
      <span className={`sw sw${source.colour}`} />
      {name}
      {naming === 'both' && source.container ? <span className="muted">/{source.container}</span> : null}
    </span>
  );
}

function Notice({ line }: { line: LogLine }) {
  return (
    <div className="log-row" data-seq={line.seq}>
      <div className="cut">
        {line.source.short ? <span className={`sw sw${line.source.colour}`} /> : null}
        {line.source.short ? `${line.source.short}${line.source.container ? ` / ${line.source.container}` : ''}: ` : ''}
        {line.text}
      </div>
    </div>
  );
}

function Opened({ line, tokens }: { line: LogLine; tokens?: { text: string; look: string }[] }) {
  return (
    <div className="json">
      <pre>
        <Pieces of={tokens ?? [{ text: lineText(line, false), look: '' }]} />
      </pre>
      <CopyButton text={line.text} label={t('Copy line')} />
    </div>
  );
}
