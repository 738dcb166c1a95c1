import harden from '@endo/harden';
import type { ColumnType, TableSchema } from '../ports.ts';

type Columns = Readonly<Record<string, readonly [ColumnType, string]>>;

/** A table whose first `keys` columns are its key; each column has a type and a word of what it means. */
export const makeSchema = (
  name: string,
  keys: number,
  columns: Columns,
): TableSchema => ({
  name,
  keys,
  columns: Object.entries(columns).map(([column, [type, about]]) => ({
    name: column,
    type,
    about,
  })),
});
harden(makeSchema);
