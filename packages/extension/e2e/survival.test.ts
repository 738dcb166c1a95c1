import { SUITES } from '@cooperage/kit/acceptance';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeProfile, startExtension, type Extension } from './harness.ts';
import {
  loseKernelWorker,
  loseOffscreen,
  loseSandbox,
  reloadExtension,
  type Lose,
} from './losses.ts';
import { clear, play, titled } from './play.ts';
import { sampleConfig } from './samples.ts';
import { takeStock } from './stock.ts';
import { type } from './typing.ts';
import { whenWorkers } from './workers.ts';

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
      extension.inConsole(`(async () => {
        await Promise.all([
          E(kernel).launch(${sampleConfig('counter')}),
          E(kernel).launch(${sampleConfig('demo')}),
        ]);
        const carol = await E(kernel).root('demo', 'carol');
        const notebook = await E(carol).makeNotebook();
        await E(kernel).keep('notebook', notebook);
        await E(E(kernel).root('demo', 'bob')).befriend(notebook);
      })()`),
    );
    afterAll(() => clear(extension));

    /** Counts, and writes into the notebook of a third vat by the reference that bob keeps. */
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

    const losses: readonly (readonly [string, Lose])[] = [
      ['nothing was lost', async current => current],
      ['a SIGKILL of the browser', killBrowser],
      ['a reload of the extension', reloadExtension],
      ['the loss of the offscreen document', loseOffscreen],
      ['the loss of the kernel worker', loseKernelWorker],
      ['the loss of the process of the vats', loseSandbox],
    ];
    it.each(losses)('is there after %s', async (title, lose) => {
      const before = losses.findIndex(([each]) => each === title);
      extension = await lose(extension);
      expect(await visit()).toEqual({
        count: before + 1,
        isKept: true,
        lines: before + 2,
        greeting: 'Hello alice, this is bob.',
      });
    });
  });

  describe('in every way of keeping it, over the loss of the process of the vats', () => {
    afterEach(() => clear(extension));

    it.each(titled(SUITES.everything))('%s', async (_title, { steps }) => {
      for (const [index, step] of steps.entries()) {
        if (index > 0) {
          extension = await loseSandbox(extension);
        }
        await play(extension, step);
      }
    });
  });

  describe('is not half a cluster: a launch under way leaves nothing', () => {
    afterEach(() => clear(extension));

    /** Two vats that are ready, and one that never is. */
    const { alice, bob } = JSON.parse(sampleConfig('demo')).vats;
    const source = `imports => ({ buildRootObject: () => { for (;;); } })`;
    const text = JSON.stringify({
      moduleFormat: 'cooperageScript',
      source,
      imports: [],
    });
    const stuck = {
      name: 'stuck',
      // It is the loss that ends it, not its own deadline.
      vats: { alice, bob, c: { bundle: { text }, deadline: 60_000 } },
    };

    it.each<readonly [string, Lose, RegExp | undefined]>([
      ['a SIGKILL of the browser', killBrowser, undefined],
      ['a reload of the extension', reloadExtension, undefined],
      [
        'the loss of the offscreen document',
        loseOffscreen,
        /before launch was answered: the kernel was lost or restarted/,
      ],
      [
        'the loss of the kernel worker',
        loseKernelWorker,
        /before launch was answered: the kernel was lost or restarted/,
      ],
      [
        'the loss of the process of the vats',
        loseSandbox,
        /the process of the vats was lost/,
      ],
    ])('after %s', async (_title, lose, words) => {
      const before = await takeStock(extension);
      const launching = type(
        extension,
        `await E(kernel).launch(${JSON.stringify(stuck)})`,
      );
      await whenWorkers(extension, before.workers + 3);
      if (words === undefined) {
        // Who asked is gone too.
        launching.catch(() => {});
        extension = await lose(extension);
      } else {
        await lose(extension);
        const { uncaught } = await launching;
        expect(uncaught?.description).toMatch(words);
      }
      expect(await takeStock(extension)).toEqual(before);
      const again = await type(
        extension,
        `await E(kernel).launch({ ...${sampleConfig('counter')}, name: 'stuck' })`,
      );
      expect(again.uncaught).toBeUndefined();
    });
  });
});
