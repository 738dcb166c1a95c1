import { SUITES } from '@cooperage/kit/acceptance';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeProfile, startExtension, type Extension } from './harness.ts';
import {
  configOf,
  loseKernelWorker,
  loseOffscreen,
  loseSandbox,
  playScenario,
  reloadExtension,
  sweep,
  titled,
  type Lose,
} from './play.ts';

describe('what is durable', () => {
  const profile = makeProfile();
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension({ profile: profile.path });
  });
  afterAll(async () => {
    await extension.close();
    profile.dispose();
  });

  const killBrowser: Lose = async current => {
    await current.killBrowser();
    return startExtension({ profile: profile.path });
  };

  describe('in a counter and in references between vats', () => {
    beforeAll(() =>
      extension.inConsole<void>(`(async () => {
        await Promise.all([
          E(kernel).launch(${JSON.stringify(configOf('counter'))}),
          E(kernel).launch(${JSON.stringify(configOf('demo'))}),
        ]);
        const carol = await E(kernel).root('demo', 'carol');
        await E(kernel).keep('notebook', await E(carol).makeNotebook());
        await E(E(kernel).root('demo', 'bob')).befriend(home.notebook);
      })()`),
    );
    afterAll(() => sweep(extension));

    /** Counts, and writes into the notebook of a third vat by a reference that bob has kept. */
    const visit = () =>
      extension.inConsole<unknown>(`(async () => {
        const bob = await E(kernel).root('demo', 'bob');
        const alice = await E(kernel).root('demo', 'alice');
        const friend = await E(bob).getFriend();
        return {
          count: await E(E(kernel).root('counter')).increment(),
          isKept: friend === await home.notebook,
          lines: await E(friend).write('again'),
          greeting: await E(alice).greetBob(),
        };
      })()`);

    const losses: readonly { title: string; lose: Lose }[] = [
      { title: 'nothing was lost', lose: async current => current },
      { title: 'a SIGKILL of the browser', lose: killBrowser },
      { title: 'a reload of the extension', lose: reloadExtension },
      { title: 'the loss of the offscreen document', lose: loseOffscreen },
      { title: 'the loss of the kernel worker', lose: loseKernelWorker },
      { title: 'the loss of the process of the vats', lose: loseSandbox },
    ];
    it.each(losses)('is there after $title', async ({ title, lose }) => {
      const before = losses.findIndex(each => each.title === title);
      extension = await lose(extension);
      expect(await visit()).toEqual({
        count: before + 1,
        isKept: true,
        lines: before + 2,
        greeting: 'Hello alice, this is bob.',
      });
    });
  });

  describe('in the sample vats', () => {
    afterEach(() => sweep(extension));
    const ways = [killBrowser, loseKernelWorker];

    it.each(
      titled([
        ...SUITES.counter,
        ...SUITES.market,
        ...SUITES.chat,
        ...SUITES.everything,
      ]),
    )('%s', async (_title, scenario) => {
      extension = await playScenario(extension, scenario, ways);
    });
  });
});
