// Terminal colours as data: a line becomes spans with classes from a closed
// set. Everything else that a terminal would obey (moving the cursor, setting
// the title, ringing) is taken out.

export interface Span {
  text: string;
  /** Class names, '' for plain text. */
  look: string;
}

interface Pen {
  fg: number;
  bg: number;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  under: boolean;
  strike: boolean;
  inverse: boolean;
}

const plain: Pen = {
  fg: -1,
  bg: -1,
  bold: false,
  dim: false,
  italic: false,
  under: false,
  strike: false,
  inverse: false,
};

// One escape sequence: CSI ... letter, OSC ... BEL or ST, other two-character ones; and lone control characters.
const sequence =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  /\x1b\[([0-9;:?<=>]*)[ -/]*([@-~])|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]?|\x9b([0-9;:]*)([@-~])|[\x00-\x08\x0b-\x1f\x7f]/g;

/** Whether a text has anything that `ansiSpans` would change. */
export function hasControls(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if ((c < 32 && c !== 9 && c !== 10) || c === 127 || c === 0x9b) return true;
  }
  return false;
}

/** The text without any control sequence. */
export function stripControls(text: string): string {
  return hasControls(text) ? text.replace(sequence, '') : text;
}

/** Cuts a line into spans. Never longer than the text, whatever it holds. */
export function ansiSpans(text: string): Span[] {
  if (!hasControls(text)) return [{ text, look: '' }];
  const spans: Span[] = [];
  let pen = plain;
  let at = 0;
  const add = (piece: string) => {
    if (piece === '') return;
    const look = classes(pen);
    const last = spans[spans.length - 1];
    if (last && last.look === look) last.text += piece;
    else spans.push({ text: piece, look });
  };
  sequence.lastIndex = 0;
  for (let m = sequence.exec(text); m; m = sequence.exec(text)) {
    add(text.slice(at, m.index));
    at = m.index + m[0].length;
    if (m[2] === 'm') pen = paint(pen, m[1] ?? '');
    else if (m[4] === 'm') pen = paint(pen, m[3] ?? '');
  }
  add(text.slice(at));
  return spans;
}

/** Applies one SGR sequence. */
function paint(was: Pen, parameters: string): Pen {
  const codes = parameters.split(/[;:]/, 32).map((p) => (p === '' ? 0 : Number(p)));
  let pen: Pen = { ...was };
  for (let i = 0; i < codes.length; i++) {
    const c = codes[i]!;
    if (c === 0) pen = { ...plain };
    else if (c === 1) pen.bold = true;
    else if (c === 2) pen.dim = true;
    else if (c === 3) pen.italic = true;
    else if (c === 4) pen.under = true;
    else if (c === 7) pen.inverse = true;
    else if (c === 9) pen.strike = true;
    else if (c === 22) pen.bold = pen.dim = false;
    else if (c === 23) pen.italic = false;
    else if (c === 24) pen.under = false;
    else if (c === 27) pen.inverse = false;
    else if (c === 29) pen.strike = false;
    else if (c >= 30 && c <= 37) pen.fg = c - 30;
    else if (c === 39) pen.fg = -1;
    else if (c >= 40 && c <= 47) pen.bg = c - 40;
    else if (c === 49) pen.bg = -1;
    else if (c >= 90 && c <= 97) pen.fg = c - 90 + 8;
    else if (c >= 100 && c <= 107) pen.bg = c - 100 + 8;
    else if (c === 38 || c === 48) {
      const wide = codes[i + 1] === 2;
      const colour = wide ? nearest(codes[i + 2], codes[i + 3], codes[i + 4]) : indexed(codes[i + 2]);
      i += wide ? 4 : 2;
      if (c === 38) pen.fg = colour;
      else pen.bg = colour;
    }
  }
  return pen;
}

function classes(p: Pen): string {
  const fg = p.inverse ? p.bg : p.fg;
  const bg = p.inverse ? (p.fg < 0 ? 7 : p.fg) : p.bg;
  let s = '';
  if (fg >= 0) s += ` af${fg}`;
  else if (p.inverse) s += ' af0';
  if (bg >= 0) s += ` ab${bg}`;
  if (p.bold) s += ' a-bold';
  if (p.dim) s += ' a-dim';
  if (p.italic) s += ' a-italic';
  if (p.under) s += ' a-under';
  if (p.strike) s += ' a-strike';
  return s.slice(1);
}

/** The 256 colours, each as one of the sixteen that the look has. */
function indexed(n: number | undefined): number {
  if (n === undefined || !(n >= 0 && n <= 255)) return -1;
  if (n < 16) return n;
  if (n >= 232) return n < 238 ? 0 : n < 244 ? 8 : n < 250 ? 7 : 15;
  const step = (v: number) => (v === 0 ? 0 : 55 + v * 40);
  const c = n - 16;
  return nearest(step(Math.floor(c / 36)), step(Math.floor(c / 6) % 6), step(c % 6));
}

/** The one of the sixteen colours that is meant by red, green and blue. */
function nearest(r = 0, g = 0, b = 0): number {
  const most = Math.max(r, g, b);
  const least = Math.min(r, g, b);
  if (!(most > 0)) return 0;
  if (most - least < 32) return most < 64 ? 0 : most < 160 ? 8 : most < 224 ? 7 : 15;
  const middle = (most + least) / 2;
  const bits = (r > middle ? 1 : 0) | (g > middle ? 2 : 0) | (b > middle ? 4 : 0);
  return most > 200 ? bits + 8 : bits;
}
