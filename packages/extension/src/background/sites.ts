import browser, { type Runtime } from 'webextension-polyfill';
import {
  isSitesQuestion,
  type SitesAnswer,
  type SitesWord,
} from '../control-words.ts';
import { isOffscreenUrl } from './offscreen-document.ts';

const isAllowed = (site: string): Promise<boolean> =>
  browser.permissions.contains({ origins: [site] });

const findMissing = async (sites: readonly string[]): Promise<SitesAnswer> => {
  try {
    const allowed = await Promise.all(sites.map(isAllowed));
    return { ok: true, missing: sites.filter((_site, at) => !allowed[at]) };
  } catch (problem) {
    return { ok: false, problem: String(problem) };
  }
};

const tellTakenBack = async (): Promise<void> => {
  const word: SitesWord = { tag: 'cooperage-sites-taken-back' };
  try {
    await browser.runtime.sendMessage(word);
  } catch {
    // Without an offscreen document nothing is being fetched.
  }
};

/** Looks for the kernel at what the person lets the extension fetch from, and tells it when that is taken back. */
export const serveSites = (): void => {
  browser.runtime.onMessage.addListener(
    (word: unknown, { url }: Runtime.MessageSender) =>
      isSitesQuestion(word) && isOffscreenUrl(url)
        ? findMissing(word.sites)
        : undefined,
  );
  browser.permissions.onRemoved.addListener(() => void tellTakenBack());
};
