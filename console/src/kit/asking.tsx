// Dialogs that ask: for what a form sends, for a yes, and to keep a secret that is shown once.
import { type ReactNode, useId, useState } from 'react';
import { problemOf, sentence } from '../api/problem';
import type { Problem } from '../stream';
import { t } from '../words/words';
import { Button, CopyButton } from './button';
import { Dialog } from './dialog';
import { StatusShape } from './status';

/** Does one thing at a time that may fail, and keeps what `say` makes of the last failure. */
export function useSend(say: (problem: Problem) => string = sentence) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const send = async (work: () => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    setError('');
    try {
      await work();
    } catch (reason) {
      setError(say(problemOf(reason)));
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, clear: () => setError(''), send };
}

/** A form in a dialog. `verb` is what its button does. */
export function FormDialog({
  title,
  verb,
  busy,
  onSend,
  onClose,
  children,
}: {
  title: string;
  verb: string;
  busy: boolean;
  onSend: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  const form = useId();
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      footer={
        <>
          <Button look="primary" type="submit" form={form} busy={busy}>
            {verb}
          </Button>
          <Button onClick={onClose}>{t('Cancel')}</Button>
        </>
      }
    >
      <form
        id={form}
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          onSend();
        }}
      >
        {children}
      </form>
    </Dialog>
  );
}

/** Asks before something is taken away. `verb` does it; `keep` leaves all as it is, and is what Enter does first. */
export function ConfirmDialog({
  title,
  verb,
  keep,
  busy,
  onConfirm,
  onClose,
  children,
}: {
  title: string;
  verb: string;
  keep: string;
  busy: boolean;
  onConfirm: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      footer={
        <>
          <Button look="danger solid" busy={busy} onClick={onConfirm}>
            {verb}
          </Button>
          <Button autoFocus onClick={onClose}>
            {keep}
          </Button>
        </>
      }
    >
      {children}
    </Dialog>
  );
}

/** Shows a secret that nobody is shown again. A click beside the dialog does not close it. */
export function SecretDialog({
  title,
  secret,
  copy,
  warning,
  onClose,
  children,
}: {
  title: string;
  secret: string;
  /** What the button that copies it says. */
  copy: string;
  warning: string;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <Dialog
      open
      onClose={onClose}
      firm
      title={title}
      footer={
        <>
          <CopyButton text={secret}>{copy}</CopyButton>
          <Button look="primary" onClick={onClose}>
            {t('I have kept it')}
          </Button>
        </>
      }
    >
      <div className="alert warn">
        <StatusShape shape="warn" />
        <strong>{warning}</strong>
        <span className="b">{children}</span>
      </div>
      <code className="secret">{secret}</code>
    </Dialog>
  );
}
