import { expect, it } from 'vitest';
import { readQuantity, sayCpu, sayMemory } from './quantity';

it.each([
  ['250m', 0.25],
  ['1', 1],
  ['128974848', 128974848],
  ['211Mi', 211 * 2 ** 20],
  ['1.5Gi', 1.5 * 2 ** 30],
  ['12345678n', 0.012345678],
  ['1e3', 1000],
  ['', undefined],
  ['many', undefined],
  [' -250m ', -0.25],
  ['1e999', undefined],
  [Number.POSITIVE_INFINITY, undefined],
  [null, undefined],
])('reads %s', (text, want) => {
  const got = readQuantity(text);
  if (want === undefined) expect(got).toBeUndefined();
  else expect(got).toBeCloseTo(want, 9);
});

it('says cores and bytes with their unit', () => {
  expect(sayCpu(0.182)).toEqual(['182', 'm']);
  expect(sayCpu(0.0001)).toEqual(['<1', 'm']);
  expect(sayCpu(1.36)).toEqual(['1.36', 'cores']);
  expect(sayCpu(12.5)).toEqual(['12.5', 'cores']);
  expect(sayMemory(211 * 2 ** 20)).toEqual(['211', 'Mi']);
  expect(sayMemory(1.36 * 2 ** 30)).toEqual(['1.36', 'Gi']);
  expect(sayMemory(512)).toEqual(['512', 'B']);
});
