import fc from 'fast-check';
import { expect, it } from 'vitest';
import { tryEach } from './testing/fuzz.ts';
import {
  makeHostileScene,
  MOMENTS,
  rowsLeft,
  sceneOf,
  type Moment,
} from './testing/hostile-scene.ts';
import { deliverable, hostileWord } from './testing/hostile-words.ts';
import type { RawVat } from './testing/raw-vats.ts';
import { dataOf, settle } from './testing/stage.ts';

/** On one kernel. */
const ATTACKS = 12;
const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);

const DUE = {
  launching: 'hello',
  starting: 'ready',
} as const;

/** Words for a moment, those that are due then above all. */
const attackAt = (moment: Moment) => {
  const name = moment.replace('upgrade: ', '');
  const due = Object.entries(DUE).find(([each]) => each === name)?.[1];
  // When nothing is due, an answer is as wrong as it can be.
  const word =
    name === 'idle'
      ? fc.oneof(hostileWord('log'), hostileWord('done'))
      : hostileWord(due ?? 'done');
  return fc.record({
    moment: fc.constant(moment),
    words: fc.array(word, { minLength: 1, maxLength: 5 }),
    /** All in one turn, before anything follows from the first. */
    isBurst: fc.boolean(),
  });
};

const attacks = fc.array(
  fc.oneof(
    ...MOMENTS.map(moment => ({
      weight: moment === 'message' ? 8 : 1,
      arbitrary: attackAt(moment),
    })),
  ),
  { minLength: ATTACKS, maxLength: ATTACKS },
);

const makeTally = () => ({
  /** Heard by the kernel from a vat that it had not ended. */
  words: 0,
  /** Said by one that was dead. */
  late: 0,
  /** Attacks after which she ran on. */
  survived: 0,
  suspended: 0,
  at: new Map<Moment, number>(),
});

it('a vat that sends anything at all at any moment loses its heap at most: the kernel runs, others answer and are as they were, and every table holds (invariants 4–9, 11)', async () => {
  const tally = makeTally();
  type Hostile = Awaited<ReturnType<typeof makeHostileScene>>;

  /** Says a word; what breaks a rule is nothing to bob. */
  const say = async (
    { bobsRows }: Hostile,
    vat: RawVat,
    word: unknown,
    isBurst: boolean,
  ): Promise<void> => {
    const before = isBurst ? '' : bobsRows();
    const isLate = vat.isKilled;
    tally[isLate ? 'late' : 'words'] += 1;
    vat.say(deliverable(word, sceneOf(vat)));
    await Promise.resolve();
    if (!isBurst) {
      await settle();
      if (vat.isKilled && !isLate) {
        expect(bobsRows()).toBe(before);
      }
    }
  };

  /** What a dead worker had on its way is not heard. */
  const sayLate = async (
    { everyRow }: Hostile,
    vat: RawVat,
    words: readonly unknown[],
  ): Promise<void> => {
    const before = everyRow();
    for (const word of words) {
      vat.say(deliverable(word, sceneOf(vat)));
      tally.late += 1;
    }
    await Promise.resolve();
    expect(everyRow()).toBe(before);
  };

  const run = async (
    plan: readonly {
      moment: Moment;
      words: readonly unknown[];
      isBurst: boolean;
    }[],
  ): Promise<void> => {
    const hostile = await makeHostileScene();
    const { stage, bring, leave, askBob, mallory } = hostile;
    const aloof = await hostile.aloof();
    for (const { moment, words, isBurst } of plan) {
      const vat = await bring(moment, words.length);
      tally.at.set(moment, (tally.at.get(moment) ?? 0) + words.length);
      for (const word of words) {
        await say(hostile, vat, word, isBurst);
      }
      await settle();
      expect(await askBob()).toEqual([[false, dataOf('as ever')]]);
      expect(stage.rig.kernel.status()).toMatchObject({ state: 'running' });
      if (vat.isKilled) {
        await sayLate(hostile, vat, words);
      }
      const now = mallory();
      if (now?.state === 'suspended') {
        tally.suspended += 1;
        expect(now.reason).toMatch(/\S/);
        expect(vat.isKilled).toBe(true);
      } else {
        tally.survived += 1;
      }
      await leave(vat);
      if (mallory()?.state !== 'running') {
        break; // she has ended herself, or said that her code can't run
      }
    }
    expect(await hostile.aloof()).toEqual(aloof);
    await stage.client.rpc.call('erase', {});
    await stage.client.rpc.call('sessionClose', {});
    await stage.rig.kernel.idle();
    expect(rowsLeft(stage)).toEqual([]);
    await stage.rig.kernel.stop();
  };

  const isTriedOut = (await tryEach(attacks, SEEDS, run)) >= SEEDS.length;

  console.log(
    `hostile words: ${tally.words} heard, ${tally.late} said by the dead; attacks: ${tally.survived} survived, ${tally.suspended} suspended`,
  );
  if (isTriedOut) {
    expect([...tally.at.keys()].sort()).toEqual([...MOMENTS].sort());
    expect(tally.survived).toBeGreaterThan(SEEDS.length);
    expect(tally.suspended).toBeGreaterThan(SEEDS.length);
  }
}, 3_600_000);
