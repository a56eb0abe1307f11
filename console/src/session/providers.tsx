// Signing in at the page of an identity provider: the browser goes there and comes back to where it was going.
import type { Provider } from '../api/types';
import { t } from '../words/words';

/** A link to the page of each provider that has one. `next` is an address of this console; an invitation is accepted on the way. */
export function ProviderLinks({
  providers,
  next,
  invitation,
}: {
  providers: Provider[];
  next: string;
  invitation?: string;
}) {
  const query = new URLSearchParams(invitation ? { next, invitation } : { next });
  return providers
    .filter((one) => one.startPath)
    .map((one) => (
      <a key={one.name} className="btn" href={`${one.startPath}?${query}`}>
        {t('Sign in with {provider}', { provider: one.title })}
      </a>
    ));
}

/** Those who know a password that is typed here. */
export const directoriesOf = (providers: Provider[]): Provider[] => providers.filter((one) => !one.startPath);
