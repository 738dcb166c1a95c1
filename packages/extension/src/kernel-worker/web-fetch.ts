import type { Fetch, FetchAnswer, FetchRequest } from '@cooperage/kernel';
import { readBytes } from '../read-bounded.ts';
import type { Sites } from './sites.ts';

const REDIRECTED =
  'its server redirects to another address, which a browser neither shows nor lets check: no redirect is followed here. Fetch that address itself';

/** Chromium says no more than that, so that pages can't look around. */
const NO_WORDS = ['Failed to fetch', 'network error'];

const wordsOf = (problem: unknown): Error => {
  if (problem instanceof TypeError && NO_WORDS.includes(problem.message)) {
    return new Error('there is no connection to its server, or it broke off', {
      cause: problem,
    });
  }
  return problem instanceof Error ? problem : new Error(String(problem));
};

const siteOf = (url: string): string => {
  const { protocol, hostname } = new URL(url);
  return `${protocol}//${hostname}/*`;
};

const ask = async (
  { url, method, headers, body, mostBytes }: FetchRequest,
  signal: AbortSignal,
): Promise<FetchAnswer> => {
  const response = await fetch(url, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    body,
    redirect: 'manual',
    // Nothing that tells the server who asks, or another site that somebody asked.
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    cache: 'no-store',
    signal,
  });
  if (response.type === 'opaqueredirect') {
    throw new Error(REDIRECTED);
  }
  const bytes = await readBytes(response, mostBytes);
  return {
    status: response.status,
    url,
    headers: [...response.headers],
    bytes,
  };
};

/**
 * Asks servers by the browser's own fetch, as long as the person lets the
 * extension do that: what is under way when that is taken back rejects.
 */
export const makeWebFetch =
  (sites: Pick<Sites, 'insist' | 'watch'>): Fetch =>
  request => {
    const controller = new AbortController();
    const { signal } = controller;
    const insist = (): Promise<void> => sites.insist([siteOf(request.url)]);
    const run = async (): Promise<FetchAnswer> => {
      const unwatch = sites.watch(() => {
        insist().catch((problem: unknown) => controller.abort(problem));
      });
      try {
        await insist();
        signal.throwIfAborted();
        return await ask(request, signal);
      } catch (problem) {
        throw wordsOf(problem);
      } finally {
        unwatch();
      }
    };
    return {
      answer: run(),
      cancel: () => controller.abort(new Error('it was canceled')),
    };
  };
