import type { Page } from 'playwright-core';
import type { Floor, Peer, PeerName, Stage } from '../stage.ts';
import type { FloorWork } from './drive-floor.ts';
import { shorten, type StageOptions } from './extent.ts';
import { startChromiumOurs } from './ours-chromium.ts';
import { provideOnce } from './provide-once.ts';

export type ChromiumOptions = StageOptions & {
  /** Of the extension with the pages of the floor and the peers. */
  readonly extensionDir: string;
};

/** Has a page's own function do the work. */
const makeMeasure =
  <Work>(page: Page, name: string) =>
  (work: Work): Promise<number> =>
    page.evaluate(
      ([given, entry]) => {
        const measure: (work: unknown) => Promise<number> = Reflect.get(
          globalThis,
          entry,
        );
        return measure(given);
      },
      [work, name] as const,
    );

/** Everything in one browser: the extension, and pages of its own for the floor and the peers. */
export const makeChromiumStage = ({
  isQuick,
  extensionDir,
}: ChromiumOptions): Stage => {
  let started: ReturnType<typeof startChromiumOurs> | undefined;
  const shared = () => (started ??= startChromiumOurs(extensionDir));

  const pages = provideOnce(async (name: 'floor' | 'peers') => {
    const { extension } = await shared();
    const page = await extension.context.newPage();
    await page.goto(`chrome-extension://${extension.extensionId}/${name}.html`);
    return page;
  });

  return {
    platform: 'chromium',
    isQuick,
    readCpu: async () => (await shared()).readCpu(),
    extent: shorten(isQuick),
    startOurs: async () => (await startChromiumOurs(extensionDir)).ours,
    provideOurs: async () => (await shared()).ours,
    provideFloor: async (): Promise<Floor> => {
      const measure = makeMeasure<FloorWork>(
        await pages('floor'),
        'measureFloor',
      );
      return {
        roundTrips: count => measure({ name: 'roundTrips', count }),
        hops: count => measure({ name: 'hops', count }),
        calls: (count, inFlight) => measure({ name: 'calls', count, inFlight }),
      };
    },
    providePeer: async (name: PeerName): Promise<Peer> => {
      const measure = makeMeasure(await pages('peers'), 'measurePeer');
      return {
        roundTrips: (count, inFlight) => measure({ name, count, inFlight }),
      };
    },
    provideSwingSet: async () => undefined,
    end: async () => {
      await (await started)?.ours.stop();
    },
  };
};
