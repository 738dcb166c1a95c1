import { expect, it } from 'vitest';
import { CooperageError, makeVatId } from '@cooperage/protocol';
import {
  makeMemoryImage,
  openMemoryKernelDb,
  openMemoryVatStores,
} from './adapters/memory.ts';
import type { KernelDb, VatStores } from './ports.ts';
import { checkStorage, makeStorageCheck } from './storage-check.ts';
import { makeRandomTables } from './testing/random-tables.ts';
import { realClock } from './testing/rig.ts';

const [ALICE, BOB, CAROL] = [makeVatId(1), makeVatId(2), makeVatId(3)];

/** A file of the kernel's of 1,000 bytes, and two of vats with 4 each. */
const setScene = ({
  db = {},
  stores = {},
}: { db?: Partial<KernelDb>; stores?: Partial<VatStores> } = {}) => {
  const image = makeMemoryImage();
  const rows = () => new Map([['key', '!']]);
  image.vats.set(ALICE, { fold: 1, rows: rows() });
  image.vats.set(BOB, { fold: 1, rows: rows() });
  return {
    image,
    platform: {
      db: { ...openMemoryKernelDb(image), size: () => 1_000, ...db },
      stores: { ...openMemoryVatStores(image), ...stores },
      clock: realClock,
    },
  };
};

const storageFailed = () => {
  throw new CooperageError('STORAGE_FAILED', 'the disk is gone');
};

it('all that is stored is looked through, each vat’s file in a turn of its own', async () => {
  const turns: (() => void)[] = [];
  const looked: string[] = [];
  const { platform } = setScene({
    db: { check: () => looked.push('kernel') },
    stores: { check: vat => looked.push(vat) },
  });
  const checked = checkStorage(platform, callback => turns.push(callback));
  for (const vats of [0, 1]) {
    expect([looked.length, turns.length]).toEqual([1 + vats, 1]);
    turns.pop()?.();
    await Promise.resolve();
  }
  expect(await checked).toEqual({ files: 3, bytes: 1_008, damaged: [] });
  expect(looked).toEqual(['kernel', ALICE, BOB]);
});

it('a vat’s file that can’t be used is named with its reason, and counts no bytes', async () => {
  const { image, platform } = setScene();
  image.vats.set(ALICE, { fold: 1, rows: new Map(), damage: 'spoilt' });
  expect(await checkStorage(platform, realClock.soon)).toEqual({
    files: 3,
    bytes: 1_004,
    damaged: [{ vat: ALICE, problem: expect.stringContaining('spoilt') }],
  });
});

it.each([
  ['the kernel’s file is damaged', { db: { check: storageFailed } }],
  ['a vat’s file can’t be reached', { stores: { check: storageFailed } }],
])('nothing is answered when %s', async (_what, faults) => {
  await expect(
    checkStorage(setScene(faults).platform, realClock.soon),
  ).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
});

it('a kernel that runs calls its vats by their names, misses files that must be there, and says who has written', async () => {
  const { state, parts } = makeRandomTables([]);
  const { image, platform } = setScene();
  image.vats.set(ALICE, { fold: 1, rows: new Map(), damage: 'spoilt' });
  image.vats.set(makeVatId(9), { fold: 1, rows: new Map(), damage: 'stray' });
  image.vats.delete(BOB);
  const check = makeStorageCheck(state, platform);
  parts.run(() => {
    for (const row of [...state.vats.values()]) {
      // Nothing of carol's was ever folded.
      state.vats.put({ ...row, fold: row.id === CAROL ? 0 : 1 });
    }
    state.writers.put({ program: 'cooperage', version: '0.0.1' });
  });
  expect(await check()).toEqual({
    files: 3,
    bytes: 1_000,
    writers: ['cooperage 0.0.1'],
    damaged: [
      {
        vat: ALICE,
        name: 'demo.alice',
        problem: expect.stringContaining('spoilt'),
      },
      { vat: makeVatId(9), problem: expect.stringContaining('stray') },
      { vat: BOB, name: 'demo.bob', problem: 'the store of v2 is gone' },
    ],
  });
});
