// Reading and installing a package: review first, then consent to exactly what was reviewed.
import { call } from '../api/client';
import type { Extension, Review } from '../api/types';

/** Larger files are no package; the core has the same limit. */
export const largest = 64 << 20;

const asTar = (file: Blob): Blob => file.slice(0, file.size, 'application/x-tar');

/** Asks the core what a package is and what it asks for. Nothing is installed. */
export const review = (file: Blob): Promise<Review> => call<Review>('/api/v1/extensions:review', { file: asTar(file) });

/** Installs a package with the consent to its review. */
export const install = (file: Blob, consent: string): Promise<Extension> =>
  call<Extension>(`/api/v1/extensions?consent=${encodeURIComponent(consent)}`, { file: asTar(file) });

/** What is wrong with a file before it is sent; nothing when it may be a package. */
export function fileTrouble(file: { name: string; size: number }): 'not a tar' | 'too large' | 'empty' | undefined {
  if (!/\.tar$/i.test(file.name)) return 'not a tar';
  if (file.size === 0) return 'empty';
  if (file.size > largest) return 'too large';
  return undefined;
}
