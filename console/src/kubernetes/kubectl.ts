// What a page shows, as a kubectl command.
import type { Kind } from './kinds';

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

const nameOf = (kind: Kind): string =>
  kind.group === '' || kind.group === 'apps' || kind.group === 'batch'
    ? kind.resource
    : `${kind.resource}.${kind.group}`;

/** Lists a kind of a project. */
export const kubectlList = (kind: Kind, project: string, selector?: string): string =>
  ['kubectl', 'get', nameOf(kind), '-n', quoted(project), ...(selector ? ['-l', quoted(selector)] : [])].join(' ');

/** Reads one object. */
export const kubectlObject = (kind: Kind, project: string, name: string): string =>
  ['kubectl', 'get', nameOf(kind), quoted(name), '-n', quoted(project), '-o', 'yaml'].join(' ');
