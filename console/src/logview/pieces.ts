// What is drawn for the message of a line: pieces with a look and a mark,
// from terminal colours, JSON fields and the search together. Never HTML.
import { ansiSpans, hasControls, stripControls } from './ansi';
import { type JsonLine, readJsonLine } from './json';
import type { Matcher } from './match';

export interface Piece {
  text: string;
  look: string;
  marked: boolean;
}

/** A line longer than this is drawn cut; it is whole when copied or opened. */
const maxDrawn = 4000;

/** The pieces of a message. JSON in short form unless a match would not be seen in it. */
export function piecesOf(text: string, matcher?: Matcher): { pieces: Piece[]; json?: JsonLine } {
  const json = readJsonLine(text);
  if (json) {
    const short = inShort(json);
    const pieces = marked(short, matcher);
    if (!matcher || pieces.some((p) => p.marked) || !matcher.test(text)) return { pieces, json };
  }
  const spans = hasControls(text) ? ansiSpans(text) : [{ text, look: '' }];
  const pieces = marked(cut(spans), matcher);
  return json ? { pieces, json } : { pieces };
}

type Spans = { text: string; look: string }[];

function inShort(json: JsonLine): Spans {
  const spans: Spans = [];
  if (json.message) spans.push({ text: stripControls(json.message), look: '' });
  for (const { name, value } of json.fields) {
    spans.push({ text: `${spans.length > 0 ? '  ' : ''}${stripControls(name)}=`, look: 'fk' });
    spans.push({ text: stripControls(value), look: 'fv' });
  }
  return spans.length > 0 ? cut(spans) : [{ text: '{}', look: 'fv' }];
}

function cut(spans: Spans): Spans {
  let left = maxDrawn;
  const kept: Spans = [];
  for (const s of spans) {
    if (s.text.length <= left) {
      kept.push(s);
      left -= s.text.length;
      continue;
    }
    kept.push({ text: `${s.text.slice(0, left)}…`, look: s.look });
    break;
  }
  return kept;
}

/** Cuts spans where matches begin and end; a match may go over several spans. */
function marked(spans: Spans, matcher?: Matcher): Piece[] {
  const plain = () => spans.map((s) => ({ ...s, marked: false }));
  if (!matcher) return plain();
  const ranges = matcher.ranges(spans.map((s) => s.text).join(''));
  if (ranges.length === 0) return plain();
  const pieces: Piece[] = [];
  let at = 0;
  let r = 0;
  for (const { text, look } of spans) {
    let from = 0;
    while (from < text.length) {
      while (r < ranges.length && ranges[r]![1] <= at + from) r++;
      const range = ranges[r];
      const inside = range !== undefined && range[0] <= at + from;
      const next = range === undefined ? text.length : (inside ? range[1] : range[0]) - at;
      const to = Math.min(text.length, next);
      pieces.push({ text: text.slice(from, to), look, marked: inside });
      from = to;
    }
    at += text.length;
  }
  return pieces;
}
