// Every sentence of the console has its words in Chinese, and every one of those is still said somewhere.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { i18n } from '@lingui/core';
import { afterEach, describe, expect, it } from 'vitest';
import { speak, t } from './words';
import { zh } from './zh';

/** All messages in the sources: the first argument of t(), written as it stands. */
function saidIn(source: string): string[] {
  const found: string[] = [];
  for (const [, single, double, template] of source.matchAll(
    /\bt\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`([^`$]*)`)/g,
  )) {
    found.push((single ?? double ?? template ?? '').replace(/\\(.)/g, '$1'));
  }
  return found;
}

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file) && !/\.test\.tsx?$/.test(file))
  .map((file) => readFileSync(join('src', file), 'utf8'));
// Columns of Kubernetes keep their names in both languages.
const said = new Set(sources.flatMap(saidIn));

/** The named places of a message. */
const places = (message: string) => [...new Set([...message.matchAll(/\{(\w+)/g)].map((match) => match[1]))].sort();

describe('the Chinese catalogue', () => {
  it('says everything that is said', () => {
    expect([...said].filter((message) => zh[message] === undefined)).toEqual([]);
  });
  it('says nothing that is not said any more', () => {
    expect(Object.keys(zh).filter((message) => !said.has(message))).toEqual([]);
  });
  it('keeps the places of each message', () => {
    expect(Object.entries(zh).filter(([message, words]) => places(message).join() !== places(words).join())).toEqual(
      [],
    );
  });
});

describe('saying', () => {
  afterEach(() => speak('en'));
  it('fills places and counts', async () => {
    expect(t('{n, plural, one {# result} other {# results}}', { n: 1 })).toBe('1 result');
    await speak('zh');
    expect(i18n.locale).toBe('zh');
    expect(t('{n, plural, one {# result} other {# results}}', { n: 3 })).toBe('3 个结果');
  });
  it('falls back to English', () =>
    expect(t('A sentence nobody translated, about {x}', { x: 'fish' })).toBe(
      'A sentence nobody translated, about fish',
    ));
});
