import { cleanup, render } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import type { Breaker } from '../api/types';
import { speak } from '../words/words';
import { FailingList, FailingStatus } from './failing';

const breaker = (of: Partial<Breaker>): Breaker => ({
  workspace: 'shop',
  state: 'open',
  class: 'memory',
  since: '2026-11-20T09:12:00Z',
  until: '2026-11-20T09:17:41Z',
  faults: 3,
  ...of,
});
const said = (breakers: Breaker[]) => render(<FailingStatus breakers={breakers} />).container.textContent;

afterEach(async () => {
  cleanup();
  await speak('en');
});

describe('an extension that failed too often', () => {
  it('names the workspace, the time and the fault', () =>
    expect(said([breaker({})])).toBe('Failing in workspace shop until 09:17 UTCit wanted too much memory'));
  it('names the user where it keeps users apart', () => {
    expect(said([breaker({ user: 'jane' })])).toContain('in workspace shop for jane until');
    cleanup();
    expect(said([breaker({ workspace: undefined, user: 'jane' })])).toContain('Failing for jane until');
  });
  it('counts the places where there are many', () =>
    expect(said([breaker({}), breaker({ workspace: 'bank' })])).toBe('Failing in 2 places'));
  it('is never colour alone: its shape stands beside the word', () => {
    const { container } = render(<FailingStatus breakers={[breaker({})]} />);
    expect(container.querySelector('.st.warn svg path.knock')).toBeTruthy();
  });
  it('lists every place with its faults', () => {
    const { container } = render(<FailingList breakers={[breaker({ faults: 1 }), breaker({ workspace: 'bank' })]} />);
    expect(container.querySelectorAll('.alert.warn')).toHaveLength(2);
    expect(container.textContent).toContain('1 fault, at last: it wanted too much memory');
    expect(container.textContent).toContain('3 faults');
  });
  it('lists nothing where it fails nowhere', () =>
    expect(render(<FailingList breakers={[]} />).container.innerHTML).toBe(''));
  it('speaks Chinese', async () => {
    await speak('zh');
    expect(said([breaker({})])).toContain('在工作空间 shop 中出错');
  });
});
