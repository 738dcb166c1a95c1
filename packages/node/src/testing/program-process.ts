/**
 * A process that runs a program of `crash-driver` over a folder, from its
 * beginning or from where the last process was killed, until it is killed itself
 * or the program has come to its end. All that comes to be known outside is
 * added to a file, line by line; so the next process knows what this one may not
 * have taken back. At the point whose number it is told it kills itself: before or
 * after a call of the system's by which the disk changes, a message, or a step.
 */
import { openFilesStorage } from '@cooperage/kernel/sqlite-wasm';
import { runProgram } from '@cooperage/kernel/testing/crash-driver';
import { entriesIn, lineOf } from '@cooperage/kernel/testing/stored-journal';
import {
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { nodeDisk, type Disk } from '../disk.ts';
import { openFolderFiles } from '../folder-files.ts';

const { folder, journal, program, run, killAt } = JSON.parse(
  process.argv[2] ?? '{}',
);

let points = 0;
const pass = (): void => {
  points += 1;
  if (points === killAt) {
    process.kill(process.pid, 'SIGKILL');
  }
};
const around =
  <Args extends readonly unknown[], Result>(call: (...args: Args) => Result) =>
  (...args: Args): Result => {
    pass();
    const result = call(...args);
    pass();
    return result;
  };
const disk: Disk = {
  ...nodeDisk,
  open: around(nodeDisk.open),
  write: around(nodeDisk.write),
  truncate: around(nodeDisk.truncate),
  sync: around(nodeDisk.sync),
  delete: around(nodeDisk.delete),
  makeFolder: around(nodeDisk.makeFolder),
  syncFolder: around(nodeDisk.syncFolder),
  claim: around(nodeDisk.claim),
};

const text = existsSync(journal) ? readFileSync(journal, 'utf8') : '';
const known = entriesIn(text);
const lines = openSync(journal, 'a');
// A line in whose midst the last process was killed has not been said.
ftruncateSync(
  lines,
  Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1)),
);
const result = await runProgram({
  program,
  run,
  ...(known.length > 0 && { from: { disk: folder, known } }),
  storage: {
    open: async () => {
      const { db, stores } = await openFilesStorage({
        name: folder,
        makeFiles: sqlite3 => openFolderFiles(sqlite3, folder, disk),
      });
      return {
        db,
        stores,
        snapshot: () => folder,
        abandon: () => {
          stores.close();
          db.close();
        },
      };
    },
  },
  // With the system once the call returns, and there is no other way to know of it.
  onEntry: entry => void writeSync(lines, `${lineOf(entry)}\n`),
  onPoint: pass,
});
writeSync(1, JSON.stringify({ problems: result.problems, points }));
