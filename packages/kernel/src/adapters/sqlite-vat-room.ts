import harden from '@endo/harden';
import type { VatStores } from '../ports.ts';
import { VATS } from '../store/vat-schema.ts';
import type { Connection } from './sqlite-connection.ts';

/**
 * Makes room for the files of vats that are in the kernel's tables and have none:
 * what they have written waits to be folded, or they are yet to write. An earlier
 * run had made it, but not where these tables are restored from a backup.
 */
export const reserveForVats = async (
  kernel: Connection,
  { list, reserve }: Pick<VatStores, 'list' | 'reserve'>,
): Promise<void> => {
  const [tables] = kernel.rows(
    'SELECT count(*) FROM sqlite_schema WHERE name = ?',
    ['integer'],
    [VATS.name],
  );
  if (tables?.[0] === 0) {
    return; // no kernel has run here
  }
  const existing = new Set<unknown>(list());
  const lacking = kernel
    .rows(`SELECT id FROM ${VATS.name}`, ['text'])
    .filter(([id]) => !existing.has(id)).length;
  if (lacking > 0) {
    await reserve(lacking);
  }
};
harden(reserveForVats);
