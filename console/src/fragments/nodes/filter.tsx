// The Filter node: controls whose values live in the page's address.
import { ChevronDown, Search, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { Control } from '../../../../sdk/fragment/fragment';
import { Icon } from '../../kit/icon';
import { Menu, MenuSwitch } from '../../kit/menu';
import { t } from '../../words/words';
import { type Env, holds, isRecord, isRef, look, textOf } from '../env';
import { type FilterValue, isControl } from '../filter';
import { plainText } from '../format';
import { useEnv, useHost, useRoom } from '../host';
import type { PartProps } from '../Part';
import { list } from '../shape';

export function FilterPart({ node }: PartProps) {
  const env = useEnv(node);
  const room = useRoom();
  return (
    <search className={room.fill ? 'toolbar wrap' : 'fr-row gap-s'}>
      {list(node.controls, 16)
        .filter(isControl)
        .map((c) =>
          c.when === undefined || holds(c.when, env) ? <ControlPart key={c.id} control={c} env={env} /> : null,
        )}
    </search>
  );
}

interface Choice {
  value: string;
  label: string;
}

function ControlPart({ control, env }: { control: Control; env: Env }) {
  const host = useHost();
  const value = host.filter[control.id] ?? '';
  const label = textOf(control.label, env) || control.id;
  const set = (next: FilterValue) => host.setFilter(control, next);
  switch (control.kind) {
    case 'select':
    case 'duration':
      return <Select label={label} value={String(value)} choices={choicesOf(control, env)} onChange={set} />;
    case 'multi':
      return (
        <Multi
          label={label}
          value={Array.isArray(value) ? value : []}
          choices={choicesOf(control, env)}
          onChange={set}
        />
      );
    case 'text':
      return <Words label={label} value={String(value)} onChange={set} />;
    case 'toggle':
      return (
        <button type="button" className="btn" aria-pressed={value === true} onClick={() => set(value !== true)}>
          {label}
        </button>
      );
    default:
      return null;
  }
}

/** The options of a control: written out, or a list from data of plain values or {value, label}. */
export function choicesOf(control: Control, env: Env): Choice[] {
  const given: unknown = isRef(control.options) ? look(control.options.$, env) : control.options;
  const seen = new Set<string>();
  return list(given, 1000).flatMap((one) => {
    const value = isRecord(one) ? plainText(one.value) : plainText(one);
    if (seen.has(value) || (value === '' && !isRecord(one))) return [];
    seen.add(value);
    const label = isRecord(one) ? textOf(one.label, env) || value : value;
    return label === '' ? [] : [{ value, label }];
  });
}

function Select(p: { label: string; value: string; choices: Choice[]; onChange: (v: string) => void }) {
  const none = p.choices.some((c) => c.value === '');
  const known = p.value === '' || p.choices.some((c) => c.value === p.value);
  return (
    <label className="row">
      <span className="sr">{p.label}</span>
      <select className="select auto" value={p.value} onChange={(e) => p.onChange(e.target.value)}>
        {none ? null : <option value="">{t('{label}: all', { label: p.label })}</option>}
        {known ? null : <option value={p.value}>{p.value}</option>}
        {p.choices.map((c) => (
          <option key={c.value} value={c.value}>
            {c.label}
          </option>
        ))}
      </select>
    </label>
  );
}

function Multi(p: { label: string; value: string[]; choices: Choice[]; onChange: (v: string[]) => void }) {
  // What is chosen stays in the list when the data does not have it (any more).
  const gone = p.value.filter((v) => !p.choices.some((c) => c.value === v)).map((v) => ({ value: v, label: v }));
  const change = (value: string, on: boolean) =>
    p.onChange(on ? [...p.value, value] : p.value.filter((v) => v !== value));
  const trigger = (
    <button type="button" className="btn">
      {p.label}
      {p.value.length > 0 ? (
        <span className="count accent">{p.value.length}</span>
      ) : (
        <span className="muted">{t('all')}</span>
      )}
      <Icon of={ChevronDown} small />
    </button>
  );
  return (
    <Menu trigger={trigger} align="start">
      {[...p.choices, ...gone].map((c) => (
        <MenuSwitch key={c.value} on={p.value.includes(c.value)} onChange={(on) => change(c.value, on)}>
          {c.label}
        </MenuSwitch>
      ))}
      {p.choices.length + gone.length === 0 ? <p className="muted fr-none">{t('Nothing to choose yet')}</p> : null}
      {p.value.length > 0 ? (
        <>
          <hr />
          <button type="button" className="item" onClick={() => p.onChange([])}>
            {t('Choose all')}
          </button>
        </>
      ) : null}
    </Menu>
  );
}

/** How long a person may pause while writing before it counts, in milliseconds. */
const pause = 300;

function Words({ label, value, onChange }: { label: string; value: string; onChange: (v: string) => void }) {
  const [draft, setDraft] = useState(value);
  const sent = useRef(value);
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    // The address changed by itself (a link, the back button).
    if (value !== sent.current) {
      sent.current = value;
      setDraft(value);
    }
  }, [value]);
  useEffect(() => {
    if (draft === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = draft;
      latest.current(draft);
    }, pause);
    return () => clearTimeout(timer);
  }, [draft]);
  const send = (text: string) => {
    sent.current = text;
    setDraft(text);
    onChange(text);
  };
  return (
    <div className="search">
      <Icon of={Search} small />
      <input
        aria-label={label}
        placeholder={label}
        value={draft}
        maxLength={1024}
        spellCheck={false}
        onChange={(e) => setDraft(e.target.value)}
        onKeyDown={(e) => {
          if (e.key === 'Enter') send(draft);
          if (e.key === 'Escape' && draft !== '') {
            e.preventDefault();
            send('');
          }
        }}
      />
      {draft === '' ? null : (
        <button
          type="button"
          className="btn quiet icon fr-clear"
          aria-label={t('Clear {label}', { label })}
          onClick={() => send('')}
        >
          <Icon of={X} small />
        </button>
      )}
    </div>
  );
}
