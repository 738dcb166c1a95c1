import harden from '@endo/harden';
import type { Migration } from './sqlite-tables.ts';

/**
 * What brings the kernel's tables from each version to the next, the first from 1
 * to 2. A step never changes once it has been released. Tables that a version
 * adds need no step: those that are missing are made.
 */
export const MIGRATIONS: readonly Migration[] = Object.freeze([
  connection => {
    connection.run('ALTER TABLE promises ADD COLUMN maker TEXT');
    connection.run(
      "ALTER TABLE vats ADD COLUMN limits TEXT NOT NULL DEFAULT '{}'",
    );
    // They might have any number of bytes until then.
    connection.run(
      'UPDATE vats SET storeBytes = 1073741824 WHERE storeBytes IS NULL',
    );
  },
  connection => {
    connection.run('ALTER TABLE promises ADD COLUMN settler TEXT');
    connection.run(
      'ALTER TABLE promises ADD COLUMN isLeft INTEGER NOT NULL DEFAULT 0',
    );
  },
]);
harden(MIGRATIONS);
