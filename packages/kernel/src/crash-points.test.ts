import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import {
  resumeAt,
  runProgram,
  type Deed,
  type Program,
} from './testing/crash-driver.ts';
import { programs } from './testing/crash-programs.ts';
import { makeSequence } from './testing/draws.ts';
import { tryEach } from './testing/fuzz.ts';
import type { Entry } from './testing/journal.ts';
import { memoryStorage } from './testing/memory-crashes.ts';

/** What was tried, to be told at the end. */
const tried = { programs: 0, points: 0, crashes: 0, failures: 0 };
afterAll(() => console.log(`crash points: ${JSON.stringify(tried)}`));

/** A server was asked by a vat in its work. */
const isFetchOfVat = (entry: Entry): boolean =>
  entry.kind === 'fetched' && /\/[th]\d/.test(entry.url);

const right = (view: string) => ({ problems: [], view });

/** Runs the program without a crash; it must go well. */
const runWhole = async (program: Program) => {
  const options = { program, storage: memoryStorage };
  const whole = await runProgram(options);
  expect(whole.problems).toEqual([]);
  tried.programs += 1;
  tried.points += [...whole.points.values()].reduce((sum, n) => sum + n, 0);
  return { options, whole };
};

it('a short program that crashes at any point goes on from the last commit to the end of an uninterrupted run (invariants 2, 5, 6, 8, 10)', async () => {
  await tryEach(programs(4), [9, 30, 41], async program => {
    const { options, whole } = await runWhole(program);
    for (const moment of whole.moments) {
      const { problems, view } = await resumeAt(options, whole, moment);
      expect({ problems, view }, moment.where).toEqual(right(whole.view));
      tried.crashes += 1;
    }
  });
  expect(tried.crashes).toBeGreaterThan(30);
}, 3_600_000);

it('a long program that crashes again and again does so too', async () => {
  const seeds = Array.from({ length: 8 }, (_, index) => 1_000 + index);
  await tryEach(programs(14), seeds, async (program, seed) => {
    const choose = makeSequence(seed);
    const { options, whole } = await runWhole(program);
    for (let tries = 0; tries < 3; tries += 1) {
      let last = { ...options, run: 1 };
      let result = whole;
      for (let crashes = 0; crashes < 3; crashes += 1) {
        const moment = result.moments[choose(result.moments.length)]!;
        const next = await resumeAt(last, result, moment);
        expect(
          { problems: next.problems, view: next.view },
          moment.where,
        ).toEqual(right(whole.view));
        last = { ...last, run: last.run + 1 };
        result = next;
        tried.crashes += 1;
      }
    }
  });
}, 3_600_000);

it('what is sent by an alias once it is known to be revoked reaches nobody, also after a crash', async () => {
  let vain = 0;
  const deeds: readonly Deed[] = [
    { do: 'alias', to: 0 },
    { do: 'work', to: 1 },
    { do: 'work', to: 2 },
    { do: 'revoke' },
    { do: 'work', to: 1 },
    { do: 'risk', to: 0 },
    { do: 'risk', to: 0 },
  ];
  const each = fc.record({ deeds: fc.constant(deeds), seed: fc.nat(2 ** 31) });
  await tryEach(each, [1, 2, 3, 4], async (program, seed) => {
    const choose = makeSequence(seed);
    const { options, whole } = await runWhole(program);
    vain += whole.vain;
    for (let tries = 0; tries < 3; tries += 1) {
      const moment = whole.moments[choose(whole.moments.length)]!;
      const { problems, view } = await resumeAt(options, whole, moment);
      expect({ problems, view }, moment.where).toEqual(right(whole.view));
      tried.crashes += 1;
    }
  });
  expect(vain).toBeGreaterThan(0);
}, 3_600_000);

it('vats that are made, governed and ended, code that is stored, servers that are asked and alarms that repeat go on so too, and no server is asked again', async () => {
  const found = { born: 0, fetchedByVats: 0 };
  const deeds: readonly Deed[] = [
    { do: 'launch' },
    { do: 'birth', to: 1 },
    { do: 'work', to: 0 },
    { do: 'store', to: 0 },
    { do: 'work', to: 0 },
    { do: 'fetch' },
    { do: 'birth', to: 0 },
    { do: 'repeat' },
    { do: 'repeat' },
    { do: 'narrow' },
    { do: 'work', to: 0 },
    { do: 'hold', to: 0 },
    { do: 'birth', to: 2 },
    { do: 'govern', to: 1 },
    { do: 'discard', to: 0 },
    { do: 'risk', to: 0 },
    { do: 'cancel' },
    { do: 'cancel' },
    { do: 'release', to: 0 },
    { do: 'govern', to: 0 },
  ];
  const each = fc.record({ deeds: fc.constant(deeds), seed: fc.nat(2 ** 31) });
  await tryEach(each, [1, 2, 3], async (program, seed) => {
    const choose = makeSequence(seed);
    const { options, whole } = await runWhole(program);
    found.born += whole.born;
    // When a server was just asked it is most tempting to ask it again.
    const asked = whole.moments.filter(({ known }, nth) =>
      whole.known
        .slice(whole.moments[nth - 1]?.known ?? 0, known)
        .some(isFetchOfVat),
    );
    found.fetchedByVats += asked.length;
    const drawn = Array.from(
      { length: 4 },
      () => whole.moments[choose(whole.moments.length)]!,
    );
    for (const moment of [...asked, ...drawn]) {
      const { problems, view } = await resumeAt(options, whole, moment);
      expect({ problems, view }, moment.where).toEqual(right(whole.view));
      tried.crashes += 1;
    }
  });
  expect(found.born).toBeGreaterThan(0);
  expect(found.fetchedByVats).toBeGreaterThan(0);
}, 3_600_000);

it('a critical vat that fails stops the kernel, whose next run finds it suspended and goes on likewise', async () => {
  let stops = 0;
  const each = fc.record({
    deeds: fc.constant<readonly Deed[]>([
      { do: 'work', to: 0 },
      { do: 'birth', to: 1 },
      { do: 'work', to: 1 },
    ]),
    seed: fc.nat(2 ** 31),
  });
  await tryEach(each, [1, 2, 3, 4], async (calm, seed) => {
    const choose = makeSequence(seed);
    const { whole } = await runWhole(calm);
    const program: Program = {
      ...calm,
      isCritical: true,
      faults: ['illegal'],
      faultsOneIn: 3,
    };
    const options = { program, storage: memoryStorage };
    const failed = await runProgram(options);
    expect(failed.problems).toEqual([]);
    stops += Number(failed.end === 'stopped');
    const last = failed.moments.length - 1;
    for (const nth of [last, choose(failed.moments.length)]) {
      const moment = failed.moments[nth]!;
      const { problems, view } = await resumeAt(options, failed, moment);
      expect({ problems, view }, moment.where).toEqual(right(whole.view));
      tried.crashes += 1;
    }
  });
  expect(stops).toBeGreaterThan(0);
}, 3_600_000);

it('a kernel whose storage fails at any write stops there, and its next run goes on likewise', async () => {
  const seeds = Array.from({ length: 2 }, (_, index) => 2_000 + index);
  await tryEach(programs(4), seeds, async program => {
    const { options, whole } = await runWhole(program);
    for (let nth = 1; nth <= whole.writes; nth += 1) {
      const failure = { nth, isDone: nth % 2 === 0 };
      const failed = await runProgram({ ...options, failure });
      expect(failed.problems, `write ${nth}`).toEqual([]);
      const { problems, view } = await resumeAt(
        options,
        failed,
        failed.moments.at(-1)!,
      );
      expect({ problems, view }, `write ${nth}`).toEqual(right(whole.view));
      tried.failures += 1;
    }
  });
}, 3_600_000);
