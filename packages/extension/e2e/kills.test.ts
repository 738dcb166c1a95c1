import {
  isFuzzing,
  searchAllowed,
  seedOr,
} from '@cooperage/kernel/testing/fuzz';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProfile, startExtension, type Extension } from './harness.ts';
import {
  LEDGER,
  makeLane,
  makeLivesLane,
  readBook,
  type Lane,
} from './ledger.ts';
import {
  loseKernelWorker,
  loseOffscreen,
  loseSandbox,
  type Lose,
} from './losses.ts';

/** `KILLS_SEED`, or that of `npm run fuzz`, plays the moments of an earlier run again, as far as two processes can. */
const seed = seedOr(Number(process.env['KILLS_SEED'] ?? 1));
/** How often the browser is killed, and how often all else, in an ordinary run of the tests. */
const BROWSERS = 10;
const ROUNDS = 2;

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
  const lives = makeLivesLane();
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
  const streamThrough = async (name: string, lose: Lose): Promise<void> => {
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
    /** Until the loss; what is under way then is broken off. */
    const live = async (): Promise<void> => {
      for (let nth = 0; !isOver; nth += 1) {
        const isBrokenOff = await lives
          .live(extension, `${name}n${nth}`)
          .then(() => false)
          .catch(() => true);
        if (isBrokenOff) {
          return;
        }
      }
    };
    const running = Promise.all([...lanes.map(run), live()]);
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

  const play = async (what: string, round: number, lose: Lose) => {
    lanes = (['book', 'relay', 'relay'] as const).map((vat, index) =>
      makeLane(`${what} ${round} ${index}`, vat),
    );
    await streamThrough(`${what.replaceAll(' ', '')}${round}`, lose);
    // What was sent and not acknowledged may still be on its way: after this, nothing is.
    await extension.inConsole(
      `E(E(kernel).root('ledger', 'relay')).write('end of ${what} ${round}').then(() => {})`,
    );
    const book = await readBook(extension);
    expect(lanes.flatMap(({ audit }) => audit(book))).toEqual([]);
    expect(await lives.wrong(extension)).toEqual([]);
    expect(
      lanes.flatMap(({ acknowledged }) => acknowledged).length,
    ).toBeGreaterThan(0);
  };

  const kills: readonly (readonly [string, Lose])[] = [
    ['the kernel worker', loseKernelWorker],
    ['the vat workers', killVatWorkers],
    ['the offscreen document', loseOffscreen],
    ['the process of the vats', loseSandbox],
  ];
  const rounds = Array.from({ length: ROUNDS }, (_, round) =>
    kills.map(([what, lose]) => [what, round + 1, lose] as const),
  ).flat();
  const browsers = Array.from(
    { length: BROWSERS },
    (_, round) => ['the browser', round + 1, killBrowser] as const,
  );

  it.runIf(isFuzzing)(
    'are neither lost, once acknowledged, nor done twice, nor out of order, over losses until the time is up',
    async () => {
      const isEnough = searchAllowed(0);
      let round = 0;
      do {
        round += 1;
        const nth = roll(2 * kills.length) - 1;
        const [what, lose] = kills[nth] ?? ['the browser', killBrowser];
        await play(what, round, lose);
      } while (!isEnough(round));
      console.log(`losses in Chromium: ${round} (seed ${seed})`);
    },
    36_000_000,
  );

  it.skipIf(isFuzzing).each([...rounds, ...browsers])(
    'are neither lost, once acknowledged, nor done twice, nor out of order, and nor is what was done to vats, over the loss of %s (round %i)',
    play,
  );

  it.skipIf(isFuzzing)(
    'over all of that vats and clusters were made and ended, and code was replaced',
    () => {
      expect(lives.count()).toBeGreaterThan(ROUNDS + BROWSERS);
    },
  );
});
