// The Code node: text in a fixed width with the colours of YAML or JSON.
import { CopyButton } from '../../kit/button';
import { t } from '../../words/words';
import { textOf } from '../env';
import { useEnv, useRoom } from '../host';
import type { PartProps } from '../Part';
import { placed } from '../shape';

/** More lines are left out; the copy has them all. */
const maxLines = 2000;

export function CodePart({ node }: PartProps) {
  const env = useEnv(node);
  const room = useRoom();
  const text = textOf(node.text, env);
  if (room.cell) return <code>{text}</code>;
  const all = text.replace(/\n$/, '').split('\n');
  const lines = all.slice(0, maxLines);
  return (
    <div className="code fr-code">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <pre tabIndex={0}>
        {placed(lines).map(({ of: line, at }) => (
          <span className="ln" data-n={at + 1} key={at}>
            <Coloured line={line} language={node.language} />
            {'\n'}
          </span>
        ))}
        {all.length > maxLines ? (
          <span className="ln muted">{t('{n} more lines', { n: all.length - maxLines })}</span>
        ) : null}
      </pre>
      <span className="fr-copy">
        <CopyButton text={text} />
      </span>
    </div>
  );
}

/** A token of a line: its text and the class of the look. */
export type Token = [text: string, look: '' | 'k' | 'v' | 'd' | 'c'];

function Coloured({ line, language }: { line: string; language: unknown }) {
  return placed(tokens(line, language)).map(({ of: [text, look], at }) =>
    look ? (
      <span className={look} key={at}>
        {text}
      </span>
    ) : (
      text
    ),
  );
}

const json = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b|\b(?:true|false|null)\b/g;
const yaml = /^(\s*(?:- )*)([^\s#'"{[&*!|>%@`-][^:#]{0,120}?|"[^"]{0,120}"|'[^']{0,120}')(:)(?=\s|$)/;

/** The tokens of a line; together they are the line. */
export function tokens(line: string, language: unknown): Token[] {
  if (line.length > 2000) return [[line, '']];
  if (language === 'json') return values(line, true);
  if (language !== 'yaml') return [[line, '']];
  const comment = /(^|\s)#.*$/.exec(line);
  const bare = comment ? line.slice(0, comment.index) : line;
  const end: Token[] = comment ? [[line.slice(comment.index), 'c']] : [];
  const m = yaml.exec(bare);
  if (!m) return [...values(bare, false), ...end];
  const rest = bare.slice(m[0].length);
  const value: Token[] = /^\s*$/.test(rest) ? [[rest, '']] : isScalar(rest) ? [[rest, 'd']] : [[rest, 'v']];
  return [[m[1]!, ''], [m[2]!, 'k'], [':', ''], ...value, ...end].filter(([text]) => text !== '') as Token[];
}

const isScalar = (text: string): boolean => /^\s*(?:-?\d[\d.eE+-]*|true|false|null|~)\s*$/.test(text);

function values(line: string, keys: boolean): Token[] {
  const all: Token[] = [];
  let at = 0;
  json.lastIndex = 0;
  for (let m = json.exec(line); m; m = json.exec(line)) {
    if (m.index > at) all.push([line.slice(at, m.index), '']);
    if (m[1] && m[2] !== undefined && keys) all.push([m[1], 'k'], [m[2], '']);
    else if (m[1]) all.push([m[0], 'v']);
    else all.push([m[0], 'd']);
    at = m.index + m[0].length;
  }
  if (at < line.length) all.push([line.slice(at), '']);
  return all;
}
