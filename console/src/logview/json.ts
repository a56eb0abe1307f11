// Lines that are JSON objects: what they say in short (message and fields),
// and in full as coloured tokens when a person opens them.

export interface JsonLine {
  /** The message, '' when the object has none. */
  message: string;
  /** The other fields in their order, without time and level, as one-line texts. */
  fields: { name: string; value: string }[];
  /** The whole object, indented, as tokens. */
  tokens(): Token[];
}

export interface Token {
  text: string;
  /** k a name, v a text, d a number or word, '' anything else: the classes of the look. */
  look: 'k' | 'v' | 'd' | '';
}

/** A longer line is shown as it is. */
const maxJson = 64 << 10;
const maxFields = 40;
const messages = ['msg', 'message', '@message', 'text', 'event', 'log'];
// Shown in their own columns already.
const elsewhere = new Set([
  'time',
  'ts',
  'timestamp',
  '@timestamp',
  't',
  'level',
  'severity',
  'lvl',
  'levelname',
  'log.level',
  'loglevel',
]);

/** Reads a line as a JSON object; undefined when it is none. */
export function readJsonLine(text: string): JsonLine | undefined {
  if (text.charCodeAt(0) !== 123 || text.length > maxJson || !text.trimEnd().endsWith('}')) return undefined;
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof raw !== 'object' || raw === null) return undefined;
  const object = raw as Record<string, unknown>;
  const said = messages.find((name) => typeof object[name] === 'string');
  const fields = Object.keys(object)
    .filter((name) => name !== said && !elsewhere.has(name.toLowerCase()))
    .slice(0, maxFields)
    .map((name) => ({ name, value: short(object[name]) }));
  return { message: said ? (object[said] as string) : '', fields, tokens: () => tokens(object) };
}

function short(value: unknown): string {
  const text =
    typeof value === 'string' ? (/[\s"=]/.test(value) ? JSON.stringify(value) : value) : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

// Names, texts, numbers and words of indented JSON.
const part = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g;

function tokens(object: Record<string, unknown>): Token[] {
  const text = JSON.stringify(object, null, 2);
  const all: Token[] = [];
  let at = 0;
  const plain = (piece: string) => {
    if (piece) all.push({ text: piece, look: '' });
  };
  part.lastIndex = 0;
  for (let m = part.exec(text); m && all.length < 4000; m = part.exec(text)) {
    plain(text.slice(at, m.index));
    at = m.index + m[0].length;
    if (m[1] && m[2] !== undefined) {
      all.push({ text: m[1], look: 'k' });
      plain(m[2]);
    } else all.push({ text: m[0], look: m[1] ? 'v' : 'd' });
  }
  plain(text.slice(at));
  return all;
}
