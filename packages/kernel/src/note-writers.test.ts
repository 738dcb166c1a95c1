import { expect, it } from 'vitest';
import { noteWriters } from './note-writers.ts';
import { OWN_WRITERS } from './store/writers.ts';
import { makeRandomTables } from './testing/random-tables.ts';

it('this version is noted as one that has written, once, with the next commit', () => {
  const { state } = makeRandomTables([]);
  state.store.commit();
  noteWriters(state);
  const rows = () => [...state.writers.values()];
  expect([rows(), state.store.dirty]).toEqual([
    expect.arrayContaining([...OWN_WRITERS]),
    true,
  ]);
  expect(rows()).toHaveLength(OWN_WRITERS.length);
  state.store.commit();
  noteWriters(state);
  expect([rows().length, state.store.dirty]).toEqual([
    OWN_WRITERS.length,
    false,
  ]);
});
