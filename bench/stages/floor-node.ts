import { provideFileVfs } from '@cooperage/node/file-vfs';
import initialize from '@sqlite.org/sqlite-wasm';
import { Worker } from 'node:worker_threads';
import { makeCommit } from '../floor/commit.ts';
import { makeFloor } from '../floor/kernel.ts';
import { PROGRAM } from '../program.ts';
import type { Floor } from '../stage.ts';
import { driveFloor } from './drive-floor.ts';
import { readScript } from './read-script.ts';

/** The floor's vats as threads, its kernel on this one, SQLite over the same files as ours; in memory without a file. */
export const startNodeFloor = async (
  file: string | undefined,
): Promise<{ floor: Floor; stop: () => Promise<void> }> => {
  const sqlite3 = await initialize();
  const db =
    file === undefined
      ? new sqlite3.oo1.DB(':memory:')
      : new sqlite3.oo1.DB({
          filename: file,
          flags: 'c',
          vfs: provideFileVfs(sqlite3).name,
        });
  const workers = [1, 2].map(
    () =>
      new Worker(readScript('floor-vat.js'), {
        eval: true,
        env: {},
        execArgv: [],
      }),
  );
  const made = makeFloor(PROGRAM, workers, makeCommit(db));
  return {
    floor: {
      roundTrips: count => driveFloor(made, { name: 'roundTrips', count }),
      hops: count => driveFloor(made, { name: 'hops', count }),
      calls: (count, inFlight) =>
        driveFloor(made, { name: 'calls', count, inFlight }),
    },
    stop: async () => {
      await Promise.all(workers.map(worker => worker.terminate()));
      db.close();
    },
  };
};
