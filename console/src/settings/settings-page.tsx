// Settings of oneself: account, look and language, API tokens.
import { useParams } from '@tanstack/react-router';
import { Contrast, Languages, Monitor, Moon, Rows3, Sun } from 'lucide-react';
import { Icon } from '../kit/icon';
import { PageHead, Section } from '../kit/page';
import { toast } from '../kit/toasts';
import {
  chooseDensity,
  chooseLanguage,
  chooseTheme,
  type Density,
  type Theme,
  usePreferences,
} from '../look/preferences';
import { Link } from '../routing/link';
import { paths } from '../routing/paths';
import { useUser } from '../session/session';
import { PasswordForm } from '../session/sign-in-form';
import { roleWord } from '../tenancy/project-table';
import { type Language, languages, t } from '../words/words';
import { Tokens } from './tokens';

export function SettingsPage() {
  const { tab = '' } = useParams({ strict: false }) as { tab?: string };
  const tabs = [
    { id: '', label: t('Account') },
    { id: 'look', label: t('Look and language') },
    { id: 'tokens', label: t('API tokens') },
  ];
  return (
    <>
      <PageHead name={t('Settings')} title={t('Settings')} />
      <nav className="tabs" aria-label={t('Parts of the settings')}>
        {tabs.map((one) => (
          <Link
            key={one.id}
            to={paths.settings(one.id || undefined)}
            aria-current={one.id === tab ? 'page' : undefined}
          >
            {one.label}
          </Link>
        ))}
      </nav>
      <div className="page-body reading">{tab === 'tokens' ? <Tokens /> : tab === 'look' ? <Look /> : <Account />}</div>
    </>
  );
}

function Account() {
  const user = useUser();
  return (
    <div className="stack l">
      <Section title={t('You')}>
        <dl className="facts">
          <dt>{t('User name')}</dt>
          <dd>{user.name}</dd>
          {user.displayName ? (
            <>
              <dt>{t('Name')}</dt>
              <dd>{user.displayName}</dd>
            </>
          ) : null}
          <dt>{t('Role on the platform')}</dt>
          <dd>{(user.platformRoles ?? []).map(roleWord).join(', ') || t('none')}</dd>
          <dt>{t('Identifier')}</dt>
          <dd className="mono">{user.uid}</dd>
        </dl>
      </Section>
      <Section title={t('Password')}>
        <PasswordForm
          submitLabel={t('Change password')}
          onDone={() => toast('ok', t('Changed your password'), t('Your other sessions have ended.'))}
        >
          <p className="second">{t('Your other sessions end when you change it. API tokens stay.')}</p>
        </PasswordForm>
      </Section>
    </div>
  );
}

type Option<T> = { value: T; label: string; icon: typeof Sun };

function Choices<T extends string>({
  name,
  value,
  options,
  onChoose,
}: {
  name: string;
  value: T;
  options: Option<T>[];
  onChoose: (value: T) => void;
}) {
  return (
    <fieldset className="btn-group" aria-label={name}>
      {options.map((one) => (
        <button
          key={one.value}
          type="button"
          className="btn"
          aria-pressed={value === one.value}
          onClick={() => onChoose(one.value)}
        >
          <Icon of={one.icon} />
          {one.label}
        </button>
      ))}
    </fieldset>
  );
}

function Look() {
  const { theme, density, language } = usePreferences();
  return (
    <div className="stack l">
      <Section title={t('Theme')}>
        <Choices<Theme>
          name={t('Theme')}
          value={theme}
          onChoose={chooseTheme}
          options={[
            { value: 'system', label: t('As the system'), icon: Monitor },
            { value: 'light', label: t('Light'), icon: Sun },
            { value: 'dark', label: t('Dark'), icon: Moon },
            { value: 'contrast', label: t('High contrast'), icon: Contrast },
          ]}
        />
      </Section>
      <Section title={t('Density')}>
        <Choices<Density>
          name={t('Density')}
          value={density}
          onChoose={chooseDensity}
          options={[
            { value: 'compact', label: t('Compact'), icon: Rows3 },
            { value: 'normal', label: t('Normal'), icon: Rows3 },
            { value: 'comfortable', label: t('Comfortable'), icon: Rows3 },
          ]}
        />
        <p className="muted lead">{t('Changes rows and controls, never the size of the text.')}</p>
      </Section>
      <Section title={t('Language')}>
        <Choices<Language>
          name={t('Language')}
          value={language}
          onChoose={(next) => void chooseLanguage(next)}
          options={(['en', 'zh'] as const).map((value) => ({ value, label: languages[value], icon: Languages }))}
        />
        <p className="muted lead">{t('Words of Kubernetes stay as Kubernetes writes them.')}</p>
      </Section>
    </div>
  );
}
