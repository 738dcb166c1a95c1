import './before-lockdown.ts';
import { otherVatText, otherVersion } from './testing/other-liveslots.ts';
import '@cooperage/client/lockdown';
import {
  insistUsable,
  openNodeStorage,
  readBackup,
  type Connection,
} from '@cooperage/kernel/sqlite-wasm';
import { SCHEMA } from '@cooperage/kernel/schema';
import { nodeClock, nodeHash, saveBackup } from '@cooperage/node';
import { STORE_WRITERS } from '@cooperage/protocol';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { NodeImage } from './node-platform.ts';
import { makeNodeVats } from './node-vats.ts';
import { goOnFromKeptState, makeKeptState } from './testing/kept-state.ts';
import { useRigs } from './testing/rigs.ts';

const FIXTURES = new URL('../fixtures/', import.meta.url);
const rigs = useRigs();
const own = Object.entries(STORE_WRITERS).map(([program, version]) => ({
  program,
  version,
}));

const openFixture = async (name: string): Promise<NodeImage> => {
  const bytes = readFileSync(new URL(name, FIXTURES));
  const content = await readBackup(
    {
      size: bytes.length,
      read: async (at, length) =>
        new Uint8Array(bytes.subarray(at, at + length)),
    },
    nodeHash,
  );
  await insistUsable(content);
  return { storage: 'sqlite', content };
};

const names = existsSync(FIXTURES)
  ? readdirSync(FIXTURES).filter(name => name.endsWith('.cooperage'))
  : [];

it.each(names)(
  'goes on over %s, which an earlier version has written: counters count on, kept names and references work, and what waited is heard of',
  async name => {
    const rig = await rigs.start({ image: await openFixture(name) });
    await goOnFromKeptState(rig);
    const again = await rigs.start({ image: await rig.stop() });
    expect(again.kernel.status().clusters).toMatchObject([
      { name: 'kept', vats: [{}, {}, {}] },
    ]);
  },
  240_000,
);

it.each(names)(
  '%s stays as it is when a migration of it fails, and is gone on from without it',
  async name => {
    const image = await openFixture(name);
    if (image.storage !== 'sqlite') {
      throw Error('a fixture is of SQLite');
    }
    const before = new Map(image.content);
    const fail = (connection: Connection): void => {
      connection.run('ALTER TABLE vats ADD COLUMN mood TEXT');
      connection.run('DELETE FROM clists');
      throw Error('a migration that fails');
    };
    // Whatever version it is of, the next step fails.
    const migrations = Array.from({ length: 20 }, () => fail);
    const { db } = await openNodeStorage(image.content, migrations);
    expect(() => db.prepare(SCHEMA)).toThrow(
      expect.objectContaining({
        code: 'STORAGE_FAILED',
        message: expect.stringContaining('a migration that fails'),
      }),
    );
    db.close();
    expect(image.content).toEqual(before);
    const rig = await rigs.start({ image });
    await goOnFromKeptState(rig);
  },
  240_000,
);

it.each(names)(
  '%s is noted to have been written by this version too, once it was run',
  async name => {
    const image = await openFixture(name);
    for (const _run of [1, 2]) {
      const rig = await rigs.start({ image });
      const noted = [...rig.kernel.state.writers.values()];
      expect(noted).toEqual(expect.arrayContaining([...own]));
      await rig.stop();
    }
  },
  240_000,
);

/** The file to be made; see `scripts/record-state.mjs`. */
const target = process.env['RECORD_STATE'];

it.runIf(target !== undefined)(
  'records such a state',
  async () => {
    const text = otherVatText;
    const rig = await rigs.start(
      text === undefined
        ? {}
        : {
            vats: makeNodeVats({
              provideText: () => Promise.resolve(text),
            }),
          },
    );
    await makeKeptState(rig);
    const image = await rig.crash();
    if (image.storage !== 'sqlite') {
      throw Error('a file is recorded from SQLite');
    }
    const storage = await openNodeStorage(image.content);
    storage.db.prepare(SCHEMA);
    if (otherVersion !== undefined) {
      const puts = [['liveslots', otherVersion]];
      const deletes = [['liveslots', STORE_WRITERS.liveslots]];
      storage.db.commit([{ table: 'writers', puts, deletes }]);
    }
    const file = fileURLToPath(new URL(String(target), FIXTURES));
    rmSync(file, { force: true });
    await saveBackup(storage, file, { hash: nodeHash, soon: nodeClock.soon });
    storage.db.close();
    storage.stores.close();
  },
  240_000,
);
