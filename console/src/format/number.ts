// Numbers and quantities in the console's words.
import { language } from '../words/words';

/** A whole number with the language's separators: 31,204. */
export const count = (n: number): string => new Intl.NumberFormat(language()).format(n);

/** Bytes in binary units with a thin space: "3.0 Mi". */
export function bytes(n: number): string {
  const units = ['B', 'Ki', 'Mi', 'Gi', 'Ti'];
  let value = n;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)}\u2009${units[unit]}`;
}
