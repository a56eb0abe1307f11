// Where a link of a fragment leads: a page of the same extension, this page
// with another query, or, marked as external, an https address. The core has
// checked it; here it is checked again, with the values filled in, because a
// value comes from data. What is not allowed is no link.
import { type Env, look } from './env';
import { plainText } from './format';

/** Where pages of an extension stand in the console. */
export interface Pages {
  /** Path of the extension's pages in this scope, as /c/local/p/demo/e/logging; no slash at its end. */
  root: string;
  /** Path of the page that the fragment is on. */
  here: string;
  /** Query that stays whatever ?query says, as tab=logs on an object's page. */
  keep?: string;
}

export interface Target {
  href: string;
  external: boolean;
}

// As in a path of the console: no control characters, spaces, quotes, backslashes or direction marks.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are refused here
const forbidden = /[\u0000-\u0020\u007f-\u00a0\u2028-\u202e\u2066-\u2069"'<>\\^`]/;

/** Fills the {pointer}s of a target or path, each percent-encoded as one segment; undefined when one has no value. */
export function fill(template: string, env: Env, read = look): string | undefined {
  let missing = false;
  const text = template.replace(/\{([^{}]{1,256})\}/g, (_, pointer: string) => {
    const value = read(pointer, env);
    if (value === undefined || value === null || value === '' || typeof value === 'object') missing = true;
    return encode(plainText(value));
  });
  return missing || /[{}]/.test(text) ? undefined : text;
}

/** Percent-encodes a value; what has no place in an address (half a surrogate pair) becomes U+FFFD. */
export function encode(value: string): string {
  return encodeURIComponent(value.slice(0, 1024).replace(/\p{Surrogate}/gu, '\ufffd')).replace(/'/g, '%27');
}

/** Where a target leads; undefined when it leads nowhere or nowhere it may. */
export function targetOf(to: unknown, external: unknown, env: Env, pages: Pages): Target | undefined {
  if (typeof to !== 'string' || to.length > 1024) return undefined;
  if (external === true) return outside(to);
  const text = fill(to, env);
  if (text === undefined || forbidden.test(text) || text.includes('#')) return undefined;
  const cut = text.indexOf('?');
  const path = cut < 0 ? text : text.slice(0, cut);
  const query = cut < 0 ? '' : text.slice(cut + 1);
  if (path === '') {
    if (cut < 0) return undefined;
    const all = [pages.keep ?? '', query].filter(Boolean).join('&');
    return inside(`${pages.here}${all && `?${all}`}`);
  }
  const base = path.startsWith('./') ? pages.here : path.startsWith('/') ? pages.root : undefined;
  const below = path.startsWith('./') ? path.slice(1) : path;
  if (base === undefined || !segmentsAreNames(below)) return undefined;
  return inside(`${base}${below}${query && `?${query}`}`);
}

/** No segment is empty or climbs. */
function segmentsAreNames(path: string): boolean {
  return path
    .slice(1)
    .split('/')
    .every((s) => s !== '' && !/^(?:\.|%2e){1,2}$/i.test(s));
}

/** The last word: an address of our own origin's pages, never of its API. */
function inside(href: string): Target | undefined {
  if (!/^\/(?![/\\])/.test(href) || /^\/(?:api|clusters|x|frames|assets)(?:[/?]|$)/.test(href)) return undefined;
  return { href, external: false };
}

function outside(to: string): Target | undefined {
  if (!to.startsWith('https://') || forbidden.test(to)) return undefined;
  try {
    const url = new URL(to);
    return url.protocol === 'https:' && url.hostname !== '' && url.username === '' && url.password === ''
      ? { href: url.href, external: true }
      : undefined;
  } catch {
    return undefined;
  }
}
