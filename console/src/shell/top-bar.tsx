// The bar at the top: the mark, where one is, search, and one's own menu.
import {
  CircleQuestionMark,
  Contrast,
  Languages,
  LogOut,
  Menu as MenuIcon,
  Monitor,
  Moon,
  Rows3,
  Search,
  Settings,
  Sun,
} from 'lucide-react';
import { Button } from '../kit/button';
import { Icon, Mark } from '../kit/icon';
import { Menu, MenuChoice, MenuItem, MenuLine, MenuTitle } from '../kit/menu';
import { toast } from '../kit/toasts';
import { chooseDensity, chooseLanguage, chooseTheme, usePreferences } from '../look/preferences';
import { Link, useGo } from '../routing/link';
import { paths } from '../routing/paths';
import { signOut, useUser } from '../session/session';
import { languages, t } from '../words/words';
import { Where } from './where';

const initials = (name: string): string => {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  return ((words[0]?.[0] ?? '') + (words.length > 1 ? words.at(-1)![0]! : (words[0]?.[1] ?? ''))).toUpperCase();
};

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

export function TopBar({ onNav, onPalette, onHelp }: { onNav: () => void; onPalette: () => void; onHelp: () => void }) {
  return (
    <header className="top">
      <Button
        look="quiet"
        icon={MenuIcon}
        label={t('Navigation')}
        className="nav-open"
        aria-controls="navigation"
        onClick={onNav}
      />
      <Link className="mark" to={paths.home()} aria-label={t('Atoll, home')}>
        <Mark />
        <span>Atoll</span>
      </Link>
      <Where />
      <button type="button" className="find" onClick={onPalette}>
        <Icon of={Search} small />
        <span>{t('Search or run a command')}</span>
        <kbd>{isMac ? '⌘K' : 'Ctrl K'}</kbd>
      </button>
      <div className="tools">
        <Looks />
        <Button look="quiet" icon={CircleQuestionMark} label={t('Keys')} className="opt-m" onClick={onHelp} />
        <Account />
      </div>
    </header>
  );
}

function Looks() {
  const { theme, density, language } = usePreferences();
  return (
    <Menu trigger={<Button look="quiet" icon={Contrast} label={t('Look and language')} />}>
      <MenuChoice
        title={t('Theme')}
        value={theme}
        onChoose={chooseTheme}
        choices={[
          { value: 'system', label: t('As the system'), icon: Monitor },
          { value: 'light', label: t('Light'), icon: Sun },
          { value: 'dark', label: t('Dark'), icon: Moon },
          { value: 'contrast', label: t('High contrast'), icon: Contrast },
        ]}
      />
      <MenuLine />
      <MenuChoice
        title={t('Density')}
        value={density}
        onChoose={chooseDensity}
        choices={[
          { value: 'compact', label: t('Compact'), icon: Rows3 },
          { value: 'normal', label: t('Normal'), icon: Rows3 },
          { value: 'comfortable', label: t('Comfortable'), icon: Rows3 },
        ]}
      />
      <MenuLine />
      <MenuChoice
        title={t('Language')}
        value={language}
        onChoose={(next) => void chooseLanguage(next)}
        choices={(['en', 'zh'] as const).map((value) => ({ value, label: languages[value], icon: Languages }))}
      />
    </Menu>
  );
}

function Account() {
  const user = useUser();
  const go = useGo();
  const leave = () => {
    signOut().catch((error: unknown) =>
      toast('bad', t('Could not sign out'), error instanceof Error ? error.message : undefined),
    );
  };
  return (
    <Menu
      trigger={
        <button
          type="button"
          className="btn quiet icon"
          aria-label={t('{name}, account', { name: user.displayName || user.name })}
        >
          <span className="avatar" aria-hidden="true">
            {initials(user.displayName || user.name)}
          </span>
        </button>
      }
    >
      <MenuTitle>
        {user.displayName && user.displayName !== user.name ? `${user.displayName} · ` : ''}
        {user.name}
      </MenuTitle>
      <MenuItem icon={Settings} onClick={() => go(paths.settings())}>
        {t('Settings')}
      </MenuItem>
      <MenuLine />
      <MenuItem icon={LogOut} onClick={leave}>
        {t('Sign out')}
      </MenuItem>
    </Menu>
  );
}
