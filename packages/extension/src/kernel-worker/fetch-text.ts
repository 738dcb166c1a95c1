import type { FetchText } from '@cooperage/kernel';
import { CooperageError } from '@cooperage/protocol';
import { FETCH_MILLISECONDS, readBounded } from '../read-bounded.ts';

const wordsOf = (problem: unknown): string =>
  problem instanceof Error ? problem.message : String(problem);

const whereFrom = (url: string, base: string): URL => {
  if (!URL.canParse(url, base)) {
    throw new Error('it is no URL');
  }
  const parsed = new URL(url, base);
  const isOwn = `${parsed.protocol}//${parsed.host}` === new URL(base).origin;
  if (!isOwn && parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw new Error(`${parsed.protocol} is neither http: nor https:`);
  }
  return parsed;
};

/** Fetches text from http and https, and by a relative URL (`bundles/counter.json`) from the extension itself. */
export const makeFetchText =
  (base: string): FetchText =>
  async url => {
    try {
      const response = await fetch(whereFrom(url, base), {
        credentials: 'omit',
        signal: AbortSignal.timeout(FETCH_MILLISECONDS),
      });
      if (!response.ok) {
        throw new Error(
          `the server answered ${response.status} ${response.statusText}`,
        );
      }
      return await readBounded(response);
    } catch (problem) {
      throw new CooperageError(
        'BUNDLE_UNREACHABLE',
        `${url} can't be fetched: ${wordsOf(problem)}. Check the address; its server must also allow reading from other sites (CORS)`,
      );
    }
  };
