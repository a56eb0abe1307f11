// Colours for lines of YAML as our own writer makes them: key, string, number, comment. Not a parser; what it does not know stays plain.

export type Token = { text: string; as?: 'k' | 'v' | 'd' | 'c' };

const value = (text: string): Token => {
  const bare = text.trim();
  if (bare === '' || bare === '|' || bare === '|-' || bare === '>-' || bare === '[]' || bare === '{}') return { text };
  if (/^(true|false|null|~|-?\d+(\.\d+)?([eE][+-]?\d+)?)$/.test(bare)) return { text, as: 'd' };
  return { text, as: 'v' };
};

/** Splits lines of YAML in coloured pieces. Block scalars (|) are followed by their indentation. */
export function tokensOf(yaml: string): Token[][] {
  let block = -1;
  return yaml.split('\n').map((line) => {
    const indent = line.length - line.trimStart().length;
    if (block >= 0) {
      if (line.trim() === '' || indent > block) return [{ text: line, as: 'v' as const }];
      block = -1;
    }
    if (line.trimStart().startsWith('#')) return [{ text: line, as: 'c' as const }];
    const match =
      /^(\s*(?:- )*)((?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'#][^:#]*?|[^\s"'#][^\s]*?):)(?=\s|$)(.*)$/.exec(line);
    if (!match) {
      const item = /^(\s*(?:- )+)(.*)$/.exec(line);
      return item ? [{ text: item[1]! }, value(item[2]!)] : [value(line)];
    }
    const [, lead, key, rest] = match;
    if (/^\s*[|>][-+]?\d*$/.test(rest!)) block = indent;
    return [{ text: lead! }, { text: key!, as: 'k' as const }, value(rest!)].filter((token) => token.text !== '');
  });
}
