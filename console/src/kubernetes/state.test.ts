import { describe, expect, it } from 'vitest';
import { conditionState, fraction, jobState, podState, replicaState } from './state';

describe('the state of a pod', () => {
  it.each([
    ['Running', '2/2', 'ok', 'ok'],
    ['Running', '1/2', 'warn', 'warn'],
    ['CrashLoopBackOff', '0/1', 'bad', 'bad'],
    ['ImagePullBackOff', '0/1', 'bad', 'bad'],
    ['ErrImagePull', '0/1', 'bad', 'bad'],
    ['Error', '0/1', 'bad', 'bad'],
    ['Init:Error', '0/1', 'bad', 'bad'],
    ['OOMKilled', '0/1', 'bad', 'bad'],
    ['Evicted', '0/1', 'bad', 'bad'],
    ['Pending', '0/1', 'idle', 'wait'],
    ['ContainerCreating', '0/1', 'idle', 'wait'],
    ['Init:0/2', '0/1', 'idle', 'wait'],
    ['Completed', '0/1', 'idle', 'done'],
    ['Terminating', '1/1', 'idle', 'end'],
    ['', '', 'warn', 'unknown'],
    ['SomethingNew', '0/1', 'warn', 'unknown'],
  ])('%s %s is %s, drawn as %s', (status, ready, tone, shape) => {
    expect(podState(status, ready)).toMatchObject({ tone, shape });
  });
  it('says how many are ready when not all are', () => {
    expect(podState('Running', '1/2').why).toBe('1 of 2 ready');
  });
});

describe('the state of a workload', () => {
  it('is quiet when everything is ready, and when nothing is wanted', () => {
    expect(replicaState(3, 3)).toMatchObject({ tone: 'ok', word: 'Ready' });
    expect(replicaState(0, 0)).toMatchObject({ tone: 'idle', word: 'Scaled to 0' });
  });
  it('warns while something is missing', () => {
    expect(replicaState(1, 3)).toMatchObject({ tone: 'warn', why: '1 of 3 ready' });
  });
});

describe('the state of a job', () => {
  it('reads the Status column and older tables without one', () => {
    expect(jobState('Complete', '1/1').shape).toBe('done');
    expect(jobState('Failed', '0/1').tone).toBe('bad');
    expect(jobState('', '1/1').word).toBe('Complete');
    expect(jobState('', '0/1').word).toBe('Running');
  });
});

describe('the state of a condition', () => {
  it('knows that some conditions tell of trouble when they are true', () => {
    expect(conditionState('Ready', 'True').tone).toBe('ok');
    expect(conditionState('Ready', 'False').tone).toBe('warn');
    expect(conditionState('MemoryPressure', 'False').tone).toBe('idle');
    expect(conditionState('ReplicaFailure', 'True').tone).toBe('bad');
    expect(conditionState('Ready', 'Unknown').shape).toBe('unknown');
  });
});

it('reads fractions and nothing else', () => {
  expect(fraction('2/3')).toEqual([2, 3]);
  expect(fraction('')).toEqual([0, 0]);
  expect(fraction('<none>')).toEqual([0, 0]);
});
