// Short words about what was just done, at the corner of the page.
import { X } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { t } from '../words/words';
import { Button } from './button';
import { StatusShape } from './status';

type Toast = { id: number; tone: 'ok' | 'bad'; title: string; body?: string };

let toasts: readonly Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]) {
  toasts = next;
  for (const listener of listeners) listener();
}

const close = (id: number) => set(toasts.filter((toast) => toast.id !== id));

/** Shows a toast; good news leaves after 5 s, bad news stays until it is closed. */
export function toast(tone: 'ok' | 'bad', title: string, body?: string): void {
  const id = ++last;
  set([...toasts.slice(-3), { id, tone, title, body }]);
  if (tone === 'ok') setTimeout(() => close(id), 5000);
}

/** Where toasts are shown; once in the tree. */
export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <section className="toasts" aria-label={t('Notices')} aria-live="polite">
      {shown.map((one) => (
        <div key={one.id} className={`toast ${one.tone}`} role={one.tone === 'bad' ? 'alert' : 'status'}>
          <StatusShape shape={one.tone === 'ok' ? 'done' : 'bad'} />
          <strong>{one.title}</strong>
          <Button look="quiet" icon={X} label={t('Close')} onClick={() => close(one.id)} />
          {one.body ? <span className="b">{one.body}</span> : null}
        </div>
      ))}
    </section>
  );
}
