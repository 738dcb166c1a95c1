import harden from '@endo/harden';
import type { Connection } from './sqlite-connection.ts';
import type { Migration } from './sqlite-tables.ts';

/** A database of a version that had no such table yet gets it as it is now. */
const hasTable = (connection: Connection, table: string): boolean =>
  connection.rows(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name = '${table}'`,
    ['text'],
  ).length > 0;

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
  connection => {
    connection.run('ALTER TABLE vats ADD COLUMN stoppedBy TEXT');
    // Whoever has paused a vat was not noted, nor who had suspended one unless the reason says so.
    connection.run(
      "UPDATE vats SET stoppedBy = 'person' WHERE paused = 1 OR suspension = 'suspended by a person'",
    );
    if (hasTable(connection, 'quotas')) {
      connection.run('ALTER TABLE quotas ADD COLUMN deadline INTEGER');
    }
  },
  connection => {
    // Who had asked for what there is was not noted: it counts for nobody.
    if (hasTable(connection, 'service_objects')) {
      connection.run('ALTER TABLE service_objects ADD COLUMN maker TEXT');
      connection.run(
        'ALTER TABLE service_objects ADD COLUMN units INTEGER NOT NULL DEFAULT 0',
      );
    }
    if (hasTable(connection, 'aliases')) {
      connection.run('ALTER TABLE aliases ADD COLUMN maker TEXT');
    }
  },
  connection => {
    for (const table of ['service_objects', 'aliases']) {
      if (hasTable(connection, table)) {
        connection.run(`ALTER TABLE ${table} ADD COLUMN cluster TEXT`);
        // What vats had asked for that have ended counts for no cluster.
        connection.run(
          `UPDATE ${table} SET cluster = (SELECT cluster FROM vats WHERE id = maker)`,
        );
      }
    }
  },
]);
harden(MIGRATIONS);
