import type { Database } from '@sqlite.org/sqlite-wasm';
import type { Change } from './kernel.ts';

/** One transaction for each crank: what the vat's store has changed (null for what is deleted), and the crank's number. */
export const makeCommit = (db: Database) => {
  db.exec(`PRAGMA locking_mode = exclusive; PRAGMA journal_mode = wal;
    PRAGMA synchronous = normal;
    CREATE TABLE store (vat, key, value, PRIMARY KEY (vat, key)) WITHOUT ROWID;
    CREATE TABLE cranks (vat PRIMARY KEY, crank) WITHOUT ROWID`);
  const begin = db.prepare('BEGIN IMMEDIATE');
  const put = db.prepare('REPLACE INTO store VALUES (?, ?, ?)');
  const count = db.prepare('REPLACE INTO cranks VALUES (?, ?)');
  const end = db.prepare('COMMIT');
  let cranks = 0;
  return (vat: number, changes: readonly Change[]): void => {
    cranks += 1;
    begin.stepReset();
    for (const [key, value] of changes) {
      put.bind([vat, key, value]).stepReset();
    }
    count.bind([vat, cranks]).stepReset();
    end.stepReset();
  };
};
