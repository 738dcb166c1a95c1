import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProfile, startExtension, type Extension } from './harness.ts';
import { LEDGER, makeLane, readBook, type Lane } from './ledger.ts';
import {
  loseKernelWorker,
  loseOffscreen,
  loseSandbox,
  type Lose,
} from './losses.ts';

/** `KILLS_SEED` plays the moments of an earlier run again, as far as two processes can. */
const seed = Number(process.env['KILLS_SEED'] ?? 1);
const ROUNDS = Number(process.env['KILLS_ROUNDS'] ?? 3);

/** Whole numbers from 1 to `most`: Park and Miller's, good enough to choose a moment. */
const makeDice = (start: number) => {
  let state = (start % 2_147_483_646) + 1;
  return (most: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return 1 + (state % most);
  };
};

describe(`messages streamed from the console and between vats (KILLS_SEED=${seed})`, () => {
  const roll = makeDice(seed);
  const profile = makeProfile();
  let extension: Extension;
  let lanes: readonly Lane[] = [];
  beforeAll(async () => {
    extension = await startExtension({ profile: profile.path });
    await extension.inConsole(`E(kernel).launch(${LEDGER}).then(() => {})`);
  });
  afterAll(async () => {
    await extension.close();
    profile.dispose();
  });

  const killVatWorkers: Lose = async current => {
    await (roll(2) === 1
      ? current.killVatWorkers()
      : current.breakVatWorkers());
    return current;
  };
  const killBrowser: Lose = async current => {
    await current.killBrowser();
    return startExtension({ profile: profile.path });
  };

  /**
   * Streams in every lane, has the loss in its midst, and goes on until every
   * lane has had another acknowledgment or has broken off.
   */
  const streamThrough = async (lose: Lose): Promise<void> => {
    const moment = roll(80);
    let heard = 0;
    let reach = (): void => {};
    const reached = new Promise<void>(resolve => {
      reach = resolve;
    });
    let isOver = false;
    const run = async (lane: Lane): Promise<void> => {
      for (let isLast = false; !isLast;) {
        isLast = isOver;
        const count = roll(30);
        const done = await lane.send(extension, count).catch(() => 0);
        heard += done;
        if (heard >= moment) {
          reach();
        }
        if (done < count && isOver) {
          return;
        }
      }
    };
    const running = Promise.all(lanes.map(run));
    await reached;
    const next = lose(extension);
    // What the lanes ask of a browser that is gone rejects, and breaks them off.
    void next
      .catch(() => {})
      .then(() => {
        isOver = true;
      });
    extension = await next;
    await running;
  };

  const kills: readonly (readonly [string, Lose])[] = [
    ['the kernel worker', loseKernelWorker],
    ['the vat workers', killVatWorkers],
    ['the offscreen document', loseOffscreen],
    ['the process of the vats', loseSandbox],
    ['the browser', killBrowser],
  ];
  it.each(
    Array.from({ length: ROUNDS }, (_, round) =>
      kills.map(([what, lose]) => [what, round + 1, lose] as const),
    ).flat(),
  )(
    'are neither lost, once acknowledged, nor done twice, nor out of order, over the loss of %s (round %i)',
    async (what, round, lose) => {
      lanes = (['book', 'relay', 'relay'] as const).map((vat, index) =>
        makeLane(`${what} ${round} ${index}`, vat),
      );
      await streamThrough(lose);
      // What was sent and not acknowledged may still be on its way: after this, nothing is.
      await extension.inConsole(
        `E(E(kernel).root('ledger', 'relay')).write('end of ${what} ${round}').then(() => {})`,
      );
      const book = await readBook(extension);
      expect(lanes.flatMap(({ audit }) => audit(book))).toEqual([]);
      expect(
        lanes.flatMap(({ acknowledged }) => acknowledged).length,
      ).toBeGreaterThan(0);
    },
  );
});
