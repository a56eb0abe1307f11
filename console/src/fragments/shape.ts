// How a fragment sits on its page. When a log or a table is what it is about,
// the page does not scroll and they take the room; else the page scrolls and
// they stand in it with a height of their own.
import { isRecord } from './env';

/** Nodes that need no room beside what fills the page. */
const slim = new Set(['Filter', 'Text', 'Alert', 'Button', 'Status', 'Badge', 'Value', 'Link', 'ResourceLink']);

/** Whether a node takes the room that there is. */
export function fills(node: unknown, depth = 0): boolean {
  if (!isRecord(node) || depth > 20) return false;
  if (node.is === 'Log' || node.is === 'Table') return true;
  if (node.is === 'Tabs') return list(node.tabs).some((tab) => isRecord(tab) && fills(tab.body, depth + 1));
  if (node.is !== 'Stack') return false;
  const children = list(node.children);
  return children.some((c) => fills(c, depth + 1)) && children.every((c) => fills(c, depth + 1) || isSlim(c));
}

function isSlim(node: unknown): boolean {
  if (!isRecord(node)) return true;
  if (node.is === 'Row') return list(node.children).every(isSlim);
  return typeof node.is === 'string' && slim.has(node.is);
}

/** A list of at most so many items, whatever it is. */
export const list = (v: unknown, most = 500): unknown[] =>
  Array.isArray(v) ? (v.length > most ? v.slice(0, most) : v) : [];

/** Things without names, each with its place, which is what tells it apart. */
export const placed = <T>(all: readonly T[]): { of: T; at: number }[] => all.map((of, at) => ({ of, at }));
