// JSON Pointers (RFC 6901) into data that anybody may have written: own
// properties only, never a prototype, never a throw.
import { LogBuffer } from '../logview/buffer';

/** The parts of a pointer; a leading slash is left out. */
export function pointerParts(pointer: string): string[] {
  const bare = pointer.startsWith('/') ? pointer.slice(1) : pointer;
  return bare === '' ? [] : bare.split('/', 64).map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'));
}

/** What is at the parts below a value; undefined when there is nothing. */
export function follow(value: unknown, parts: readonly string[]): unknown {
  let at = value;
  for (const part of parts) {
    if (at instanceof LogBuffer) at = at.raw();
    if (Array.isArray(at)) {
      at = /^(0|[1-9]\d{0,8})$/.test(part) ? at[Number(part)] : undefined;
    } else if (typeof at === 'object' && at !== null) {
      at = Object.hasOwn(at, part) ? (at as Record<string, unknown>)[part] : undefined;
    } else return undefined;
  }
  return at;
}

/** Follows a pointer relative to a value. */
export const pointerIn = (value: unknown, pointer: string): unknown => follow(value, pointerParts(pointer));
