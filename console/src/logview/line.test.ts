// Reading lines: levels, colours, JSON, names; whatever they hold.
import { describe, expect, test } from 'vitest';
import { ansiSpans, hasControls, stripControls } from './ansi';
import { clockOf } from './clock';
import { readJsonLine } from './json';
import { detectLevel } from './level';
import { compileMatch, isRisky } from './match';
import { piecesOf } from './pieces';
import { Sources, shortPod } from './series';

describe('the level of a line', () => {
  test.each([
    ['2026-11-23 14:17:42 ERROR dial tcp: refused', 'error'],
    ['E1123 14:17:42.318 1 reflector.go:147] failed', 'error'],
    ['W1123 14:17:42.318 1 reflector.go:147] slow', 'warn'],
    ['level=warning msg="slow"', 'warn'],
    ['time=x level=info msg="no error here"', 'info'],
    ['{"msg":"declined","level":"error"}', 'error'],
    ['{"level":50,"msg":"pino"}', 'error'],
    ['{"severity":"NOTICE","message":"x"}', 'info'],
    ['[warn] 7#7: conflicting server name', 'warn'],
    ['error: something', 'error'],
    ['panic: runtime error', 'error'],
    ['\u001b[31mERROR\u001b[0m red', 'error'],
    ['GET /error-page 200', ''],
    ['no errors found', ''],
    ['{"msg":"level is error"}', ''],
    ['', ''],
  ])('of %j is %j', (line, level) => expect(detectLevel(line)).toBe(level));

  test('what the extension says goes first', () => {
    expect(detectLevel('ERROR in words', 'info')).toBe('info');
    expect(detectLevel('ERROR in words', { not: 'a word' })).toBe('error');
  });
});

describe('terminal colours', () => {
  test('become classes of a closed set', () => {
    expect(ansiSpans('a\u001b[1;31mred\u001b[0m \u001b[38;5;82mgreen\u001b[m \u001b[48;2;0;0;250mblue')).toEqual([
      { text: 'a', look: '' },
      { text: 'red', look: 'af1 a-bold' },
      { text: ' ', look: '' },
      { text: 'green', look: 'af10' },
      { text: ' ', look: '' },
      { text: 'blue', look: 'ab12' },
    ]);
  });

  test('everything else that a terminal obeys is taken out', () => {
    const nasty =
      'x\u001b]0;title\u0007\u001b[2J\u001b[10;10H\u001b]8;;javascript:alert(1)\u001b\\link\u001b]8;;\u001b\\\u0007\u001bc\u009b31my\u001b[?25l\u0000z';
    expect(stripControls(nasty)).toBe('xlinkyz');
    expect(hasControls(stripControls(nasty))).toBe(false);
  });

  test('no text is lost, none is made up and no class is unknown, whatever comes', () => {
    let seed = 7;
    const random = (n: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return seed % n;
    };
    const alphabet = [
      '\u001b',
      '[',
      ']',
      'm',
      ';',
      '3',
      '8',
      '5',
      '2',
      'A',
      'é',
      '\u009b',
      '\u0007',
      '\n',
      ' ',
      '<',
      '"',
      ':',
      '\\',
      'P',
    ];
    for (let i = 0; i < 5000; i++) {
      const text = Array.from({ length: random(40) }, () => alphabet[random(alphabet.length)]).join('');
      const spans = ansiSpans(text);
      expect(spans.map((s) => s.text).join('')).toBe(stripControls(text));
      for (const s of spans) expect(s.look).toMatch(/^((af|ab)\d{1,2}|a-(bold|dim|italic|under|strike)| )*$/);
    }
  });
});

describe('JSON lines', () => {
  test('are message and fields, without what has its own column', () => {
    const json = readJsonLine('{"time":"t","level":"error","msg":"payment declined","order":"a b","n":2,"o":{"x":1}}');
    expect(json?.message).toBe('payment declined');
    expect(json?.fields).toEqual([
      { name: 'order', value: '"a b"' },
      { name: 'n', value: '2' },
      { name: 'o', value: '{"x":1}' },
    ]);
  });

  test('opened, hold the whole object in coloured tokens', () => {
    const raw = { 'a"b': 'x: "1", {', n: -1.5e3, t: true, z: null, l: [1, 'q'], html: '<img src=x onerror=alert(1)>' };
    const tokens = readJsonLine(JSON.stringify(raw))!.tokens();
    expect(JSON.parse(tokens.map((k) => k.text).join(''))).toEqual(raw);
    expect(tokens.filter((k) => k.look === 'k')).toHaveLength(6);
  });

  test.each(['{', '{}x', '[1]', '"x"', '{"a":}', 'null', `{"a":"${'x'.repeat(70_000)}"}`])('%.20s is none', (text) => {
    expect(readJsonLine(text)).toBeUndefined();
  });
});

describe('the search', () => {
  const marks = (text: string, search: string, regex = false) =>
    piecesOf(text, compileMatch(search, regex).matcher)
      .pieces.filter((p) => p.marked)
      .map((p) => p.text);

  test('marks words without regard to case and patterns too', () => {
    expect(marks('Payment of payment', 'payment')).toEqual(['Payment', 'payment']);
    expect(marks('a.b a+b', 'a.b')).toEqual(['a.b']);
    expect(marks('payment refused', 'pay\\w+|refused', true)).toEqual(['payment', 'refused']);
    expect(marks('PAY\nx', '(?s)pay.x', true)).toEqual(['PAY\nx']);
  });

  test('goes over the borders of colours', () => {
    expect(marks('re\u001b[31mfus\u001b[0med', 'refused')).toEqual(['re', 'fus', 'ed']);
  });

  test('shows a JSON line whole when the match is not in its short form', () => {
    const text = '{"level":"error","msg":"declined"}';
    expect(marks(text, 'declined')).toEqual(['declined']);
    expect(marks(text, '"level"')).toEqual(['"level"']);
  });

  test('says in words what is wrong with a pattern', () => {
    expect(compileMatch('(', true).problem).toMatch(/.+/);
    expect(compileMatch('', true)).toEqual({});
    expect(compileMatch('a*'.repeat(2000), true).problem).toContain('1,024');
  });

  test.each(['(a+)+$', '(a|a)*b', '(a*)*', '(?:\\w+\\s?)*$', '(x+x+)+y', '(.)\\1', '((a{2,})b?){3,}', 'a*a*a*a*a*a*b'])(
    'refuses %s, which could keep a browser busy for minutes',
    (pattern) => {
      expect(isRisky(pattern)).toBe(true);
    },
  );
  test.each(['error|warn', 'a+b*', '\\d{3}', '[*+]+', '(get|post) /', 'id=(\\w+)', '\\(x\\)+', '(abc)+'])(
    'takes %s',
    (pattern) => {
      expect(isRisky(pattern)).toBe(false);
    },
  );

  test('an empty match ends', () => {
    expect(compileMatch('x*', true).matcher?.ranges('aaxxa')).toEqual([[2, 4]]);
  });
});

describe('who wrote a line', () => {
  test.each([
    ['checkout-api-7d9c6bd8f4-m0tcl', 'checkout-api-m0tcl'],
    ['ledger-export-28841190-4t6wd', 'ledger-export-4t6wd'],
    ['postgres-0', 'postgres-0'],
    ['coredns-abc', 'coredns-abc'],
    ['my-long-name', 'my-long-name'],
  ])('%s is short for people as %s', (pod, short) => expect(shortPod(pod)).toBe(short));

  test('keeps its colour, and the first eight have eight colours', () => {
    const s = new Sources();
    const colours = Array.from({ length: 8 }, (_, i) => s.of(`pod-${i}`, 'c').colour);
    expect(new Set(colours).size).toBe(8);
    expect(s.of('pod-3', 'c').colour).toBe(colours[3]);
    expect(s.pods).toBe(8);
  });

  test('a flood of names does not fill the memory', () => {
    const s = new Sources();
    for (let i = 0; i < 5000; i++) s.of(`pod-${i}`, 'c');
    expect(s.containers).toBe(1000);
  });
});

test('the clock is UTC to the millisecond, with the day when it is another one', () => {
  expect(clockOf('2026-11-23T14:17:41.377123456Z', '2026-11-23')).toBe('14:17:41.377');
  expect(clockOf('2026-11-22T14:17:41Z', '2026-11-23')).toBe('11-22 14:17:41');
  expect(clockOf('2026-11-23T15:17:41.5+01:00', '2026-11-23')).toBe('14:17:41.500');
  expect(clockOf('yesterday evening', '2026-11-23')).toBe('yesterday even');
  expect(clockOf('', '2026-11-23')).toBe('');
});
