// How long a token may live.
import { t } from '../words/words';

/** The choices, as durations that the API reads. */
export const lifetimes = (): { value: string; label: string }[] => [
  { value: '24h', label: t('1 day') },
  { value: '168h', label: t('7 days') },
  { value: '720h', label: t('30 days') },
  { value: '2160h', label: t('90 days') },
  { value: '8760h', label: t('1 year') },
];
