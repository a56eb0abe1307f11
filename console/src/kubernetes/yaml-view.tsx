// An object as YAML, to read and to copy.
import { Download } from 'lucide-react';
import { useMemo, useState } from 'react';
import { stringify } from 'yaml';
import { Button, CopyButton } from '../kit/button';
import type { KubeObject } from '../stream';
import { t } from '../words/words';
import { record } from './object';
import { tokensOf } from './yaml-tokens';

/** More lines than this are not drawn; they are in the file. */
const most = 4000;

/** The object as a person wants to read it: without the bookkeeping of field managers, and without the values of a Secret. */
export function readable(object: KubeObject, bookkeeping: boolean, values: boolean): KubeObject {
  const { managedFields, ...metadata } = record(object.metadata);
  const shown: KubeObject = { ...object, metadata: bookkeeping ? object.metadata : metadata };
  if (object.kind === 'Secret' && !values) {
    for (const part of ['data', 'stringData'])
      if (shown[part]) shown[part] = Object.fromEntries(Object.keys(record(shown[part])).map((key) => [key, '••••••']));
    const annotations = { ...record(record(shown.metadata).annotations) };
    delete annotations['kubectl.kubernetes.io/last-applied-configuration'];
    shown.metadata = { ...record(shown.metadata), annotations };
  }
  return shown;
}

export function YamlView({ object, name }: { object: KubeObject; name: string }) {
  const [bookkeeping, setBookkeeping] = useState(false);
  const [values, setValues] = useState(false);
  const yaml = useMemo(
    () => stringify(readable(object, bookkeeping, values), { lineWidth: 0, aliasDuplicateObjects: false }),
    [object, bookkeeping, values],
  );
  const lines = useMemo(() => tokensOf(yaml.trimEnd()), [yaml]);
  const save = () => {
    const url = URL.createObjectURL(new Blob([yaml], { type: 'application/yaml' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `${name}.yaml`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  };
  return (
    <div className="stack s">
      <div className="row wrap">
        <span className="second">
          {t('As Kubernetes has it now. To change it, use kubectl apply or kubectl edit.')}
        </span>
        <span className="right row">
          {object.kind === 'Secret' ? (
            <label className="option">
              <input
                type="checkbox"
                className="check"
                checked={values}
                onChange={(event) => setValues(event.target.checked)}
              />
              <span>{t('Show values')}</span>
            </label>
          ) : null}
          <label className="option opt-m">
            <input
              type="checkbox"
              className="check"
              checked={bookkeeping}
              onChange={(event) => setBookkeeping(event.target.checked)}
            />
            <span>managedFields</span>
          </label>
          <CopyButton text={yaml}>{t('Copy YAML')}</CopyButton>
          <Button icon={Download} label={t('Download YAML')} onClick={save} />
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className="code" aria-label={t('YAML of {name}', { name })} tabIndex={0}>
        <pre>
          {lines.slice(0, most).map((line, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line is its number
            <span key={i} className="ln" data-n={i + 1}>
              {line.map((token, j) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a token is its place in the line
                <span key={j} className={token.as}>
                  {token.text}
                </span>
              ))}
              {'\n'}
            </span>
          ))}
        </pre>
      </section>
      {lines.length > most ? (
        <p className="muted">
          {t('{shown} of {all} lines are shown; the download has all.', { shown: most, all: lines.length })}
        </p>
      ) : null}
    </div>
  );
}
