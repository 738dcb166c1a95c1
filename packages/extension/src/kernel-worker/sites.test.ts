import { expect, test } from 'vitest';
import type { FromKernelWorker } from '../control-words.ts';
import { makeSites } from './sites.ts';

/** A service worker that a test plays: the questions it was asked, in order. */
const makeScene = () => {
  const asked: number[] = [];
  const sites = makeSites((word: FromKernelWorker) => {
    if (word.type === 'askSites') {
      asked.push(word.question);
    }
  });
  return { sites, asked };
};

test('each question gets its own answer, in whatever order they come', async () => {
  const { sites, asked } = makeScene();
  const first = sites.insist(['https://a.org/*']);
  const second = sites.insist(['https://b.org/*', 'http://c.org/*']);
  const [one = 0, two = 0] = asked;
  sites.answered(two, {
    ok: true,
    missing: ['https://b.org/*', 'http://c.org/*'],
  });
  sites.answered(one, { ok: true, missing: [] });
  // An answer to nothing is nothing.
  sites.answered(one, { ok: true, missing: ['https://a.org/*'] });
  await first;
  await expect(second).rejects.toMatchObject({
    code: 'SITES_NOT_ALLOWED',
    message: expect.stringContaining('from https://b.org, http://c.org:'),
  });
});

test('what can not be asked is refused', async () => {
  const { sites, asked } = makeScene();
  const answer = sites.insist(['https://a.org/*']);
  sites.answered(asked[0] ?? 0, { ok: false, problem: 'nobody listens' });
  await expect(answer).rejects.toThrow(/can't be asked.*nobody listens/);
});
