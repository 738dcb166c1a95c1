import { describe, expect, it } from 'vitest';
import type { ColumnValue } from '../ports.ts';
import type { Content } from './durable-content.ts';
import { makeJournal, type Entry } from './journal.ts';
import { entriesIn, lineOf } from './stored-journal.ts';

const TABLE = 'counters';
const contentWith = (value: number): Content => {
  const row: readonly ColumnValue[] = ['k', value];
  return {
    tables: new Map([[TABLE, new Map([[JSON.stringify(['k']), row]])]]),
    stores: new Map(),
  };
};
const commitOf = (value: number) => [
  { table: TABLE, puts: [['k', value]], deletes: [] },
];

/** One process: what it finds, what it does, and what the next one knows of it. */
const live = (
  known: readonly Entry[],
  found: Content,
  act: (journal: ReturnType<typeof makeJournal>) => void = () => {},
) => {
  const problems: string[] = [];
  const journal = makeJournal(known, problem => problems.push(problem));
  journal.open(found);
  act(journal);
  const text = journal.entries.map(entry => `${lineOf(entry)}\n`).join('');
  return { problems, known: entriesIn(text) };
};
const NEITHER = 'what is stored is neither the last commit nor the next';

describe('what is found after a kill', () => {
  const { known: first } = live([], contentWith(0), journal => {
    journal.begin(commitOf(1));
    journal.end();
    journal.begin(commitOf(2)); // and here the process is killed
  });

  it.each([1, 2])('may be the last commit or the next (%i)', value => {
    expect(live(first, contentWith(value)).problems).toEqual([]);
  });
  it.each([0, 3])('may be nothing else (%i)', value => {
    expect(live(first, contentWith(value)).problems).toEqual([NEITHER]);
  });
  it('stays, though nobody was told that the commit had come through', () => {
    const { known } = live(first, contentWith(2), journal =>
      journal.begin(commitOf(3)),
    );
    expect(live(known, contentWith(2)).problems).toEqual([]);
    expect(live(known, contentWith(3)).problems).toEqual([]);
    expect(live(known, contentWith(1)).problems).toEqual([NEITHER]);
  });
  it('when the commit had not come through, the next one stands in its place', () => {
    const { known } = live(first, contentWith(1), journal =>
      journal.begin(commitOf(3)),
    );
    expect(live(known, contentWith(1)).problems).toEqual([]);
    expect(live(known, contentWith(2)).problems).toEqual([NEITHER]);
  });
});
