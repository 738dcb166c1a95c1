import { SCENARIOS, type Scenario } from '@cooperage/kit/acceptance';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { makeProfile, startExtension, type Extension } from './harness.ts';
import { clear, play, titled } from './play.ts';
import { takeStock } from './stock.ts';

describe('with a kernel, vats and a console in Chromium', () => {
  const profile = makeProfile();
  let extension: Extension | undefined;
  const start = async (): Promise<Extension> => {
    extension ??= await startExtension({ profile: profile.path });
    return extension;
  };
  const kill = async (): Promise<void> => {
    await extension?.killBrowser();
    extension = undefined;
  };

  afterEach(async () => clear(await start()));
  afterAll(async () => {
    await extension?.close();
    profile.dispose();
  });

  const run = async ({ steps, leavesNothing }: Scenario): Promise<void> => {
    for (const [index, step] of steps.entries()) {
      if (index > 0) {
        await kill();
      }
      const current = await start();
      const before = await takeStock(current);
      await play(current, step);
      if (leavesNothing === true) {
        expect(await takeStock(current)).toEqual(before);
      }
    }
  };

  it.each(titled(SCENARIOS))('%s', (_title, scenario) => run(scenario), 60_000);
});
