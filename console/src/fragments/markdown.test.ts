// Texts with marks and colours: what people write is read, what machines write ends.
import { describe, expect, test } from 'vitest';
import { readMarkdown } from './markdown';
import { tokens } from './nodes/code';

describe('Markdown', () => {
  test('reads what people write', () => {
    expect(
      readMarkdown(
        '# T *x*\n\none\ntwo **b _i_** `c`\n\n- a\n- b\n  - c\n\n1. x\n2. y\n\n> q\n\n---\n\n```yaml\na: 1\n```',
      ),
    ).toMatchObject([
      { is: 'heading', level: 1 },
      { is: 'paragraph' },
      { is: 'list', ordered: false, items: [[{ is: 'paragraph' }], [{ is: 'paragraph' }, { is: 'list' }]] },
      { is: 'list', ordered: true, items: [[{}], [{}]] },
      { is: 'quote' },
      { is: 'rule' },
      { is: 'code', text: 'a: 1', language: 'yaml' },
    ]);
    expect(readMarkdown('[x](./y) \\*no\\* <b>t</b> ![i](https://x)')[0]).toEqual({
      is: 'paragraph',
      of: [
        { is: 'link', to: './y', of: [{ is: 'text', text: 'x' }] },
        { is: 'text', text: ' *no* <b>t</b> ' },
        { is: 'link', to: 'https://x', of: [{ is: 'text', text: 'i' }] },
      ],
    });
  });

  test('ends soon, whatever is written', () => {
    const nasty = [
      '*'.repeat(5000),
      '['.repeat(5000),
      '`'.repeat(4999),
      `${'> '.repeat(500)}x`,
      `${'- '.repeat(500)}x`,
      '**a '.repeat(2000),
      '[a]('.repeat(2000),
      '_a*'.repeat(2000),
      '\\'.repeat(5000),
      '```\n'.repeat(999),
      '<https://'.repeat(1000),
    ];
    for (const text of nasty) expect(readMarkdown(text).length).toBeGreaterThan(0);
  });
});

test('the colours of code leave the text as it is', () => {
  for (const line of [
    'kind: Pod # c',
    '- name: "a: b"',
    '  - -1',
    '{"a": [1, true, "x:y"]}',
    'url: http://x#y',
    '# all',
    '',
    'a:b',
    '"k": v',
    ': x',
    '- - a: 1',
  ])
    for (const language of ['yaml', 'json', 'text', undefined])
      expect(
        tokens(line, language)
          .map(([text]) => text)
          .join(''),
      ).toBe(line);
});
