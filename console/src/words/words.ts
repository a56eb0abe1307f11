// The words of the console. The English sentence is the id of a message, in ICU form; other languages are catalogues of the same ids.
import { i18n } from '@lingui/core';
import { compileMessage } from '@lingui/message-utils/compileMessage';

export type Language = 'en' | 'zh';

/** The languages a person can choose, by their own names. */
export const languages: Record<Language, string> = { en: 'English', zh: '中文' };

i18n.setMessagesCompiler(compileMessage);
i18n.loadAndActivate({ locale: 'en', messages: {} });

/** Says a message in the chosen language; values fill its `{name}` places. A message without translation is said in English. */
export function t(message: string, values?: Record<string, unknown>): string {
  return i18n._(message, values);
}

/** The language in use now. */
export const language = (): Language => (i18n.locale === 'zh' ? 'zh' : 'en');

/** Loads a language's catalogue and switches to it. The whole tree is drawn anew by the caller. */
export async function speak(next: Language): Promise<void> {
  if (next === 'zh') {
    const { zh } = await import('./zh');
    i18n.loadAndActivate({ locale: 'zh', messages: zh });
  } else {
    i18n.loadAndActivate({ locale: 'en', messages: {} });
  }
  document.documentElement.lang = next;
}
