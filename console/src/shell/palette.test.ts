import { expect, it } from 'vitest';
import { fits } from './palette';

it('puts what is exactly that before what begins so, before a word, before a piece', () => {
  expect(fits('cart', 'cart')).toBe(4);
  expect(fits('cart-sync', 'cart')).toBe(3);
  expect(fits('old cart', 'cart')).toBe(2);
  expect(fits('mycart', 'cart')).toBe(1);
  expect(fits('queue', 'cart')).toBe(0);
});

it('wants every word, and reads none as a pattern', () => {
  expect(fits('restart deployment cart', 'cart restart')).toBeGreaterThan(0);
  expect(fits('restart deployment cart', 'cart delete')).toBe(0);
  expect(fits('a+b (c)', '(c')).toBeGreaterThan(0);
});
