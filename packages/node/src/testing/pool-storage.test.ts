import { SCHEMA } from '@cooperage/kernel/schema';
import {
  insistUsable,
  makeFileImages,
  openNodeStorage,
  readBackup,
  type BackupTarget,
} from '@cooperage/kernel/sqlite-wasm';
import { makeRig } from '@cooperage/kernel/testing/rig';
import { makeVatId } from '@cooperage/protocol';
import { expect, it } from 'vitest';
import { nodeHash } from '../platform.ts';
import { copyPool, openRestored } from './pool-storage.ts';

it('has room for the files of all vats of a backup in which none had one yet', async () => {
  const names = Array.from({ length: 20 }, (_, nth) => `vat${nth}`);
  const images = makeFileImages();
  const first = await openNodeStorage(images);
  const rig = makeRig(
    delivery =>
      delivery[0] === 'startVat' ? { changes: [['key', 'value']] } : {},
    {
      foldMilliseconds: 1e6,
      wrap: platform => ({ ...platform, ...first }),
    },
  );
  await rig.launch('demo', names);
  await rig.kernel.idle();
  const copied = makeFileImages(images);
  expect([...copied.keys()]).toEqual(['kernel.sqlite']);
  await rig.kernel.stop();

  const restored = await openRestored(copied);
  const again = makeRig(() => ({}), {
    wrap: platform => ({ ...platform, ...restored }),
  });
  expect(restored.stores.list()).toHaveLength(names.length);
  await again.kernel.stop();
});

/** A kernel's file with one name in it, and that of a vat. */
const fillFiles = async () => {
  const images = makeFileImages();
  const { db, stores } = await openNodeStorage(images);
  db.prepare(SCHEMA);
  db.commit([{ table: 'home', puts: [['purse', 'ko1']], deletes: [] }]);
  stores.fold(makeVatId(1), 1, [['key', 'value']]);
  db.close();
  stores.close();
  return images;
};

/** Copies what is there; gives the report and the files. */
const copyAll = async () => {
  let bytes = new Uint8Array();
  const target: BackupTarget = {
    write: (added, at) => {
      const longer = new Uint8Array(Math.max(bytes.length, at + added.length));
      longer.set(bytes);
      longer.set(added, at);
      bytes = longer;
    },
    read: (at, length) => bytes.slice(at, at + length),
    sync: () => {},
  };
  const report = await copyPool(target);
  const source = {
    size: bytes.length,
    read: async (at: number, length: number) => bytes.slice(at, at + length),
  };
  return { report, files: await readBackup(source, nodeHash) };
};

it('is copied when no kernel has it open, with what was in its log', async () => {
  const { db, stores } = await openRestored(await fillFiles());
  db.prepare(SCHEMA);
  db.commit([{ table: 'home', puts: [['shell', 'ko2']], deletes: [] }]);
  db.close();
  stores.close();
  const { report, files } = await copyAll();
  expect(report).toEqual({ files: 2, bytes: expect.any(Number) });
  await insistUsable(files);
  const copy = await openNodeStorage(makeFileImages(files));
  copy.db.prepare(SCHEMA);
  expect(copy.db.load('home')).toEqual([
    ['purse', 'ko1'],
    ['shell', 'ko2'],
  ]);
});

it('is copied as it is when its kernel’s file is damaged, and says so', async () => {
  const images = await fillFiles();
  const kernel = images.get('kernel.sqlite') ?? new Uint8Array();
  images.set('kernel.sqlite', kernel.slice().fill(0, 100));
  await expect(openRestored(images)).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
  });
  const { report, files } = await copyAll();
  expect(report).toMatchObject({
    files: 2,
    problem: expect.stringMatching(
      /^storage failed to open kernel\.sqlite: the file is damaged/,
    ),
  });
  await expect(insistUsable(files)).rejects.toMatchObject({
    code: 'BACKUP_FAILED',
  });
});
