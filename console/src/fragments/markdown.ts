// Reads the part of CommonMark that a fragment may use: headings, paragraphs,
// lists, quotes, rules, code, emphasis and links. No HTML, no images. The
// result is data; what is not understood stays text.

export type Inline =
  | { is: 'text'; text: string }
  | { is: 'code'; text: string }
  | { is: 'strong' | 'em'; of: Inline[] }
  | { is: 'link'; to: string; of: Inline[] };

export type Block =
  | { is: 'heading'; level: number; of: Inline[] }
  | { is: 'paragraph'; of: Inline[] }
  | { is: 'code'; text: string; language: string }
  | { is: 'rule' }
  | { is: 'quote'; of: Block[] }
  | { is: 'list'; ordered: boolean; start: number; items: Block[][] };

const maxText = 32_768;
const maxDepth = 6;

/** The blocks of a text. */
export function readMarkdown(text: string): Block[] {
  return blocks(text.slice(0, maxText).replace(/\r\n?/g, '\n').split('\n'), 0);
}

const bullet = /^( {0,3})([-*+])( +)(?=\S)/;
const numbered = /^( {0,3})(\d{1,9})[.)]( +)(?=\S)/;
const heading = /^ {0,3}(#{1,6})(?:[ \t]+|$)(.*?)(?:[ \t]+#+)?[ \t]*$/;
const rule = /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const fence = /^ {0,3}(`{3,}|~{3,})[ \t]*([\w-]{0,20})[^`]*$/;

function blocks(lines: string[], depth: number): Block[] {
  const all: Block[] = [];
  let i = 0;
  const startsBlock = (line: string) =>
    heading.test(line) ||
    rule.test(line) ||
    fence.test(line) ||
    /^ {0,3}>/.test(line) ||
    bullet.test(line) ||
    /^ {0,3}1[.)] +\S/.test(line);
  while (i < lines.length) {
    const line = lines[i]!;
    if (line.trim() === '') {
      i++;
      continue;
    }
    const f = fence.exec(line);
    if (f) {
      const close = new RegExp(`^ {0,3}${f[1]![0]}{${f[1]!.length},}[ \\t]*$`);
      const from = ++i;
      while (i < lines.length && !close.test(lines[i]!)) i++;
      all.push({ is: 'code', text: lines.slice(from, i).join('\n'), language: f[2] ?? '' });
      i++;
      continue;
    }
    const h = heading.exec(line);
    if (h) {
      all.push({ is: 'heading', level: h[1]!.length, of: inlines(h[2]!) });
      i++;
    } else if (rule.test(line)) {
      all.push({ is: 'rule' });
      i++;
    } else if (/^ {0,3}>/.test(line) && depth < maxDepth) {
      const inner: string[] = [];
      for (; i < lines.length && /^ {0,3}>/.test(lines[i]!); i++) inner.push(lines[i]!.replace(/^ {0,3}> ?/, ''));
      all.push({ is: 'quote', of: blocks(inner, depth + 1) });
    } else if ((bullet.test(line) || numbered.test(line)) && depth < maxDepth) {
      const [block, next] = readList(lines, i, depth);
      all.push(block);
      i = next;
    } else {
      const words: string[] = [line.trim()];
      for (i++; i < lines.length && lines[i]!.trim() !== '' && !startsBlock(lines[i]!); i++)
        words.push(lines[i]!.trim());
      all.push({ is: 'paragraph', of: inlines(words.join('\n')) });
    }
  }
  return all;
}

function readList(lines: string[], from: number, depth: number): [Block, number] {
  const ordered = numbered.test(lines[from]!);
  const marker = ordered ? numbered : bullet;
  const items: Block[][] = [];
  const start = ordered ? Number(numbered.exec(lines[from]!)![2]) : 1;
  let i = from;
  while (i < lines.length) {
    const m = marker.exec(lines[i]!);
    if (!m) break;
    const indent = m[0].length;
    const inner = [lines[i]!.slice(indent)];
    for (i++; i < lines.length; i++) {
      const line = lines[i]!;
      if (line.trim() === '') inner.push('');
      else if (line.search(/\S/) >= Math.min(indent, 2)) inner.push(line.slice(Math.min(indent, line.search(/\S/))));
      else break;
    }
    items.push(blocks(inner, depth + 1));
  }
  return [{ is: 'list', ordered, start, items }, i];
}

// A code span, a link, or something emphasised; images are taken as links' words.
const inline =
  /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|!?\[((?:[^[\]\\]|\\.){0,500})\]\(\s*<?([^\s()<>]{1,1024})>?(?:\s+"[^"]{0,200}")?\s*\)|<(https:\/\/[^\s<>]{1,1024})>|(\*\*|__)(?=\S)([\s\S]{1,2000}?\S)\6|(\*|_)(?=\S)([^*_]{1,2000}?[^\s*_])\8(?![A-Za-z0-9])/g;

function inlines(text: string, depth = 0): Inline[] {
  const all: Inline[] = [];
  const plain = (piece: string) => {
    const words = piece.replace(/\\([!-/:-@[-`{-~])/g, '$1').replace(/ *\n/g, ' ');
    if (words !== '') all.push({ is: 'text', text: words });
  };
  if (depth > maxDepth) {
    plain(text);
    return all;
  }
  let at = 0;
  const search = new RegExp(inline.source, 'g');
  for (let m = search.exec(text); m; m = search.exec(text)) {
    // A mark after a backslash is a letter.
    if (m.index > 0 && text[m.index - 1] === '\\') {
      search.lastIndex = m.index + 1;
      continue;
    }
    plain(text.slice(at, m.index));
    at = m.index + m[0].length;
    if (m[2] !== undefined) all.push({ is: 'code', text: m[2].replace(/\n/g, ' ') });
    else if (m[4] !== undefined) all.push({ is: 'link', to: m[4], of: inlines(m[3] ?? '', depth + 1) });
    else if (m[5] !== undefined) all.push({ is: 'link', to: m[5], of: [{ is: 'text', text: m[5] }] });
    else if (m[7] !== undefined) all.push({ is: 'strong', of: inlines(m[7], depth + 1) });
    else if (m[9] !== undefined) all.push({ is: 'em', of: inlines(m[9], depth + 1) });
  }
  plain(text.slice(at));
  return all;
}
