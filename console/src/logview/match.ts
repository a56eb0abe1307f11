// What is searched for in a log: where it occurs in a line, for highlighting
// and for jumping. Patterns come from people and from links, so those that
// could keep the browser busy for minutes are refused.
import { t } from '../words/words';

export interface Matcher {
  /** Whether it occurs. */
  test(text: string): boolean;
  /** Where it occurs, as [from, to) pairs in order; at most 64 of them. */
  ranges(text: string): [number, number][];
}

export type Compiled = { matcher?: Matcher; problem?: string };

/** Only so much of a line is searched: a matcher runs for every line. */
const reach = 8 << 10;
const maxRanges = 64;

/** Makes a matcher. An empty search gives none; a pattern that cannot be used gives a problem in words. */
export function compileMatch(search: string, regex: boolean): Compiled {
  if (search === '') return {};
  if (search.length > 1024) return { problem: t('A search has at most {n} characters', { n: '1,024' }) };
  if (regex && isRisky(search)) return { problem: t('This pattern repeats a repetition: matches are not marked here') };
  // Without regard to case: a search that has regard finds less, and marking more of it does no harm.
  const { source, flags } = regex
    ? readFlags(search)
    : { source: search.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), flags: 'i' };
  let expression: RegExp;
  try {
    expression = new RegExp(source, `g${flags}`);
  } catch (e) {
    return { problem: t('The pattern cannot be read: {error}', { error: e instanceof Error ? e.message : '' }) };
  }
  return { matcher: matcher(expression) };
}

/** Go's leading flags, as in (?s), which JavaScript does not know in this place. */
function readFlags(search: string): { source: string; flags: string } {
  const m = /^\(\?([ims]{1,3})\)/.exec(search);
  return { source: search.slice(m?.[0].length ?? 0), flags: [...new Set(`i${m?.[1] ?? ''}`)].join('') };
}

function matcher(expression: RegExp): Matcher {
  const cut = (text: string) => (text.length > reach ? text.slice(0, reach) : text);
  return {
    test(text) {
      expression.lastIndex = 0;
      return expression.test(cut(text));
    },
    ranges(text) {
      const found: [number, number][] = [];
      expression.lastIndex = 0;
      const searched = cut(text);
      for (let m = expression.exec(searched); m && found.length < maxRanges; m = expression.exec(searched)) {
        if (m[0] === '') expression.lastIndex++;
        else found.push([m.index, m.index + m[0].length]);
      }
      return found;
    },
  };
}

/**
 * Tells a pattern that can take exponential time in a backtracking engine: a
 * repeated group which itself repeats or chooses, or a reference back. Refuses
 * some harmless ones too; then only the marks are missing.
 */
export function isRisky(pattern: string): boolean {
  const groups: boolean[] = [];
  let loose = 0;
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!;
    if (c === '\\') {
      const next = pattern[i + 1] ?? '';
      if ((next >= '1' && next <= '9') || next === 'k') return true;
      i++;
    } else if (c === '[') {
      for (i++; i < pattern.length && (pattern[i] !== ']' || pattern[i - 1] === '['); i++) if (pattern[i] === '\\') i++;
    } else if (c === '(') groups.push(false);
    else if (c === '|') mark(groups);
    else if (c === ')') {
      const inner = groups.pop() ?? false;
      if (inner && repeats(pattern, i + 1)) return true;
      if (inner || repeats(pattern, i + 1)) mark(groups);
    } else if (repeats(pattern, i)) {
      mark(groups);
      if (pattern[i - 1] !== ')') loose++;
    }
  }
  // Several free repetitions in a row are a high power of the line's length.
  return loose > 4;
}

function mark(groups: boolean[]): void {
  if (groups.length > 0) groups[groups.length - 1] = true;
}

const repeats = (p: string, at: number): boolean =>
  p[at] === '*' || p[at] === '+' || (p[at] === '{' && /^\{\d+(,\d*)?\}/.test(p.slice(at, at + 12)));
