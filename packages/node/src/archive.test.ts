import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeRows, makeVatId } from '@cooperage/protocol';
import { writeBackup } from '@cooperage/kernel/sqlite-wasm';
import { SCHEMA } from '@cooperage/kernel/schema';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { restoreFolder, saveBackup } from './archive.ts';
import { nodeClock, nodeHash } from './platform.ts';
import { openFolderStorage } from './storage.ts';

const platform = { hash: nodeHash, soon: nodeClock.soon };
const vat = makeVatId(1);

const PAGE = 4096;

/** Makes zeros of all that is behind the first page, which says what kind of file it is. */
const damage = (path: string): void => {
  const bytes = readFileSync(path);
  expect(bytes.length).toBeGreaterThan(PAGE);
  writeFileSync(path, bytes.fill(0, PAGE));
};

describe('a folder’s backup', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'cooperage-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const at = (name: string): string => join(root, name);

  const openIn = async (name: string) => {
    const storage = await openFolderStorage(at(name));
    storage.db.prepare(SCHEMA);
    return storage;
  };
  type Opened = Awaited<ReturnType<typeof openIn>>;
  const close = ({ db, stores }: Opened): void => {
    db.close();
    stores.close();
  };
  const keep = ({ db }: Opened, name: string): void =>
    db.commit([{ table: 'home', puts: [[name, 'ko1']], deletes: [] }]);
  const kept = ({ db }: Opened): unknown[] =>
    db.load('home').map(([name]) => name);
  const storeOf = ({ stores }: Opened): unknown => [
    ...decodeRows(stores.read(vat).image),
  ];

  const fill = async (name: string): Promise<Opened> => {
    const storage = await openIn(name);
    keep(storage, 'purse');
    storage.stores.fold(vat, 1, [['key', 'value']]);
    return storage;
  };

  it('holds what was committed when it was made, and becomes a new folder', async () => {
    const storage = await fill('state');
    const report = await saveBackup(storage, at('saved'), platform);
    keep(storage, 'later');
    close(storage);
    expect(report.files).toBe(2);
    expect(report.bytes).toBe(readFileSync(at('saved')).length);

    await restoreFolder(at('saved'), at('new'), nodeHash);
    const restored = await openIn('new');
    expect(kept(restored)).toEqual(['purse']);
    expect(storeOf(restored)).toEqual([['key', 'value']]);
    close(restored);
    expect(readdirSync(root).sort()).toEqual(['new', 'saved', 'state']);
  });

  it('is not made over another file, nor of what is damaged; nothing is left of it', async () => {
    const storage = await fill('state');
    writeFileSync(at('mine'), 'precious');
    await expect(
      saveBackup(storage, at('mine'), platform),
    ).rejects.toMatchObject({ code: 'BACKUP_FAILED' });
    expect(readFileSync(at('mine'), 'utf8')).toBe('precious');
    await expect(
      saveBackup(storage, at('nowhere/saved'), platform),
    ).rejects.toMatchObject({ code: 'BACKUP_FAILED' });
    close(storage);

    damage(at('state/vat-v1.sqlite'));
    const again = await openIn('state');
    await expect(
      saveBackup(again, at('saved'), platform),
    ).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    close(again);
    expect(readdirSync(root).sort()).toEqual(['mine', 'state']);
  });

  it('replaces nothing', async () => {
    const storage = await fill('state');
    await saveBackup(storage, at('saved'), platform);
    close(storage);
    const before = readdirSync(at('state')).sort();
    await expect(
      restoreFolder(at('saved'), at('state'), nodeHash),
    ).rejects.toMatchObject({
      code: 'BACKUP_FAILED',
      message: expect.stringContaining('not empty'),
    });
    expect(readdirSync(at('state')).sort()).toEqual(before);
  });

  it('is refused when a kernel could not run over it, and leaves nothing', async () => {
    const storage = await fill('state');
    close(storage);
    damage(at('state/kernel.sqlite'));
    let bytes = Buffer.alloc(0);
    await writeBackup(
      [
        {
          name: 'kernel.sqlite',
          bytes: readFileSync(at('state/kernel.sqlite')),
        },
      ],
      {
        write: (added: Uint8Array, where: number) => {
          const longer = Buffer.alloc(
            Math.max(bytes.length, where + added.length),
          );
          bytes.copy(longer);
          longer.set(added, where);
          bytes = longer;
        },
        read: (where: number, length: number) =>
          new Uint8Array(bytes.subarray(where, where + length)),
        sync: () => {},
      },
      nodeHash,
    );
    writeFileSync(at('saved'), bytes);
    await expect(
      restoreFolder(at('saved'), at('new'), nodeHash),
    ).rejects.toMatchObject({ code: 'BACKUP_FAILED' });
    expect(existsSync(at('new'))).toBe(false);
  });

  it('is refused when it is of a newer Cooperage', async () => {
    const storage = await fill('state');
    await saveBackup(storage, at('saved'), platform);
    close(storage);
    // The version is in the first page of the kernel's file, whose hash is in the index.
    await restoreFolder(at('saved'), at('old'), nodeHash);
    const newer = await openFolderStorage(at('old'));
    newer.db.prepare(SCHEMA);
    close(newer);
    const bytes = readFileSync(at('old/kernel.sqlite'));
    bytes.writeUInt32BE(99, 60);
    writeFileSync(at('old/kernel.sqlite'), bytes);
    const opened = await openFolderStorage(at('old'));
    await saveBackup(opened, at('newer'), platform);
    close(opened);
    await expect(
      restoreFolder(at('newer'), at('new'), nodeHash),
    ).rejects.toThrow(/version 99/);
  });
});

describe('a folder whose kernel was killed', () => {
  it('is looked through when it is opened, and damage is told with what to do', async () => {
    const root = mkdtempSync(join(tmpdir(), 'cooperage-'));
    const folder = join(root, 'state');
    const killed = join(root, 'killed');
    const storage = await openFolderStorage(folder);
    storage.db.prepare(SCHEMA);
    storage.stores.fold(vat, 1, [['key', 'value']]);
    cpSync(folder, killed, {
      recursive: true,
      filter: path => !path.includes('claim-'),
    });
    storage.db.close();
    storage.stores.close();
    damage(join(killed, 'vat-v1.sqlite'));
    const again = await openFolderStorage(killed);
    again.db.prepare(SCHEMA);
    expect(() => again.stores.size(vat)).toThrow(/damaged.*Restore a backup/);
    again.db.close();
    again.stores.close();
    rmSync(root, { recursive: true });
  });
});
