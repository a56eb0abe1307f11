import { describe, expect, it } from 'vitest';
import { kindOf } from './kinds';
import { columnsOf, filterWords, inQuick, matches, readRestarts, rowsOf, sortRows, splitName } from './rows';

const pods = kindOf('pods')!;
const column = (name: string, type = 'string', priority = 0) => ({ name, type, format: '', description: '', priority });
const list = {
  kind: 'Table',
  columnDefinitions: [
    column('Name'),
    column('Ready'),
    column('Status'),
    column('Restarts'),
    column('Age'),
    column('IP', 'string', 1),
    column('Node', 'string', 1),
    column('Nominated Node', 'string', 1),
    column('Readiness Gates', 'string', 1),
  ],
};
const pod = (name: string, ready: string, status: string, restarts: string, created: string, labels = {}) => ({
  cells: [name, ready, status, restarts, '3d', '10.42.0.9', 'node-a', '<none>', '<none>'],
  object: {
    metadata: { name, namespace: 'demo', uid: `uid-${name}`, creationTimestamp: created, resourceVersion: '1', labels },
  },
});
const items = [
  pod('web-10', '1/1', 'Running', '0', '2026-11-20T00:00:00Z', { app: 'web' }),
  pod('web-2', '0/1', 'CrashLoopBackOff', '27 (41s ago)', '2026-11-22T00:00:00Z', { app: 'web' }),
  pod('queue-0', '0/1', 'Pending', '0', '2026-11-21T00:00:00Z', { app: 'queue' }),
];
const rows = rowsOf(pods, { items, list });
const columns = columnsOf(pods, list);
const names = (by: string, descending = false) =>
  sortRows(rows, columns.find((one) => one.id === by)!, descending).map((row) => row.name);

describe('columns of a kind', () => {
  it('come from its Table: name, state, the rest, age', () => {
    expect(columns.map((one) => one.id)).toEqual([
      'name',
      'state',
      'Ready',
      'Restarts',
      'cpu',
      'memory',
      'IP',
      'Node',
      'age',
    ]);
  });
  it('exist for a kind that has no state, with the name taking the room', () => {
    const services = columnsOf(kindOf('services')!, {
      columnDefinitions: [column('Name'), column('Type'), column('Cluster-IP'), column('Age')],
    });
    expect(services.map((one) => [one.id, one.width])).toEqual([
      ['name', 'fill'],
      ['Type', 'm'],
      ['Cluster-IP', 'm'],
      ['age', 's'],
    ]);
  });
});

describe('order', () => {
  it('counts numbers in names as numbers', () => expect(names('name')).toEqual(['queue-0', 'web-2', 'web-10']));
  it('by status puts what needs attention first', () => expect(names('state')).toEqual(['web-2', 'queue-0', 'web-10']));
  it('by age puts the youngest first', () => expect(names('age')).toEqual(['web-2', 'queue-0', 'web-10']));
  it('by use asks the metrics', () => {
    const usage = new Map([['web-2', { cpu: 0.5, memory: 1 }]]);
    const cpu = columns.find((one) => one.id === 'cpu')!;
    expect(sortRows(rows, cpu, true, usage)[0]!.name).toBe('web-2');
  });
  it('by restarts counts them', () => expect(names('Restarts', true)[0]).toBe('web-2'));
});

describe('filter', () => {
  const found = (filter: string) =>
    rows.filter((row) => matches(row, filterWords(filter), columns)).map((row) => row.name);
  it('finds words in names and cells', () => {
    expect(found('web crash')).toEqual(['web-2']);
    expect(found('')).toHaveLength(3);
    expect(found('nothing')).toEqual([]);
  });
  it('asks for labels', () => {
    expect(found('app=queue')).toEqual(['queue-0']);
    expect(found('app!=queue')).toEqual(['web-10', 'web-2']);
  });
  it('knows what needs attention and what waits', () => {
    expect(rows.filter((row) => inQuick(row, 'attention')).map((row) => row.name)).toEqual(['web-2']);
    expect(rows.filter((row) => inQuick(row, 'waiting')).map((row) => row.name)).toEqual(['queue-0']);
  });
});

describe('cells', () => {
  it('turns frozen words into moments', () => {
    expect(readRestarts('27 (41s ago)', 100_000)).toEqual({ times: 27, last: 59_000 });
    expect(readRestarts('3', 100_000)).toEqual({ times: 3, last: undefined });
    expect(readRestarts(0, 100_000)).toEqual({ times: 0, last: undefined });
  });
  it('survives rows that are not what they should be', () => {
    const [row] = rowsOf(pods, { items: [{ cells: 'x', object: null }], list });
    expect(row).toMatchObject({ name: '', state: { shape: 'unknown' } });
  });
  it('gives the same row for the same object', () => {
    expect(rowsOf(pods, { items, list })[0]).toBe(rows[0]);
  });
});

it('splits generated names from given ones', () => {
  expect(splitName('cart-7d9c6bd8f4-x2kqp')).toEqual(['cart', '-7d9c6bd8f4-x2kqp']);
  expect(splitName('agent-x2kqp')).toEqual(['agent', '-x2kqp']);
  expect(splitName('inventory-watch-0')).toEqual(['inventory-watch-0', '']);
  expect(splitName('checkout-api')).toEqual(['checkout-api', '']);
});
