import { expect, it } from 'vitest';
import { tokensOf } from './yaml-tokens';

const kinds = (yaml: string) =>
  tokensOf(yaml).map((line) => line.filter((token) => token.as).map((token) => `${token.as}:${token.text.trim()}`));

it('colours keys, strings and numbers', () => {
  expect(kinds('kind: Pod\nspec:\n  replicas: 3\n  - name: web\n  - 4\n# said')).toEqual([
    ['k:kind:', 'v:Pod'],
    ['k:spec:'],
    ['k:replicas:', 'd:3'],
    ['k:name:', 'v:web'],
    ['d:4'],
    ['c:# said'],
  ]);
});

it('keeps a colon within a value', () => {
  expect(kinds('image: registry:5000/web:1.2')).toEqual([['k:image:', 'v:registry:5000/web:1.2']]);
});

it('takes block text as text until it ends', () => {
  expect(kinds('data: |\n  a: 1\n\n  b: 2\nkind: X')).toEqual([
    ['k:data:'],
    ['v:a: 1'],
    ['v:'],
    ['v:b: 2'],
    ['k:kind:', 'v:X'],
  ]);
});

it('loses no character', () => {
  const yaml = '- a: "x: y"\n  "b c": [1, 2]\n  c: >-\n    text\nd:\n  - - 1\n';
  expect(
    tokensOf(yaml)
      .map((line) => line.map((token) => token.text).join(''))
      .join('\n'),
  ).toBe(yaml);
});
