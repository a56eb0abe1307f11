// A labelled control of a form with help and error.
import { type InputHTMLAttributes, type ReactNode, useId } from 'react';
import { t } from '../words/words';
import { StatusShape } from './status';

type FieldProps = { label: string; help?: ReactNode; error?: string; optional?: boolean };

/** Label, control, help, error. `children` gets the attributes that tie them together. */
export function Field({
  label,
  help,
  error,
  optional,
  children,
}: FieldProps & { children: (tie: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }) => ReactNode }) {
  const id = useId();
  const described = [help ? `${id}-h` : '', error ? `${id}-e` : ''].filter(Boolean).join(' ') || undefined;
  return (
    <div className="field">
      <label htmlFor={id}>
        {label} {optional ? <span className="opt">{t('Optional')}</span> : null}
      </label>
      {children({ id, 'aria-describedby': described, 'aria-invalid': error ? true : undefined })}
      {help ? (
        <span className="help" id={`${id}-h`}>
          {help}
        </span>
      ) : null}
      {error ? (
        <span className="error" id={`${id}-e`} role="alert">
          <StatusShape shape="bad" className="sm" />
          <span>{error}</span>
        </span>
      ) : null}
    </div>
  );
}

/** A one-line text field. */
export function TextField({
  label,
  help,
  error,
  optional,
  ...input
}: FieldProps & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <Field label={label} help={help} error={error} optional={optional}>
      {(tie) => <input className="input" {...input} {...tie} />}
    </Field>
  );
}

/** One choice of a few. */
export function SelectField({
  label,
  help,
  error,
  value,
  choices,
  onChange,
}: FieldProps & { value: string; choices: { value: string; label: string }[]; onChange: (value: string) => void }) {
  return (
    <Field label={label} help={help} error={error}>
      {(tie) => (
        <select className="select" value={value} onChange={(event) => onChange(event.target.value)} {...tie}>
          {choices.map((choice) => (
            <option key={choice.value} value={choice.value}>
              {choice.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
