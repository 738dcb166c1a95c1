import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeMemoryImage, openMemoryKernelDb } from '../adapters/memory.ts';
import type { KernelDb, TableSchema } from '../ports.ts';
import { makeTables } from './table.ts';

/** Fewer when the tests themselves are tested: see scripts/mutation.mjs. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 300);

type Item = {
  readonly owner: string;
  readonly number: number;
  readonly label: string | null;
  readonly place: number;
};

const itemSchema: TableSchema = {
  name: 'items',
  keys: 2,
  columns: [
    { name: 'owner', type: 'text', about: 'who has it' },
    { name: 'number', type: 'integer', about: 'which one' },
    { name: 'label', type: 'text?', about: 'unique name' },
    { name: 'place', type: 'integer', about: 'order among the owner’s' },
  ],
};
const blobSchema: TableSchema = {
  name: 'blobs',
  keys: 1,
  columns: [
    { name: 'name', type: 'text', about: 'its name' },
    { name: 'bytes', type: 'blob', about: 'what it is' },
  ],
};

const openAll = (db: KernelDb) => {
  const tables = makeTables(db);
  const items = tables.table<[string, number], Item>({
    schema: itemSchema,
    toColumns: row => [row.owner, row.number, row.label, row.place],
    fromColumns: ([owner, number, label, place]) => ({
      owner: String(owner),
      number: Number(number),
      label: label === null ? null : String(label),
      place: Number(place),
    }),
  });
  const byLabel = items.index(row => row.label ?? undefined);
  const byOwner = items.indexGroup(
    row => row.owner,
    row => row.place,
  );
  const byPlace = items.indexGroup(row => row.place);
  const blobs = tables.table<[string], { name: string; bytes: Uint8Array }>({
    schema: blobSchema,
    toColumns: row => [row.name, row.bytes],
    fromColumns: ([name, bytes]) => ({
      name: String(name),
      bytes: bytes instanceof Uint8Array ? bytes : new Uint8Array(),
    }),
    resident: false,
  });
  tables.load();
  return { tables, items, byLabel, byOwner, byPlace, blobs };
};

const item = (
  owner: string,
  number: number,
  place: number,
  label: string | null = null,
): Item => ({ owner, number, label, place });

describe('tables', () => {
  it('keeps a committed row through a crash and loses what was only kept', () => {
    const image = makeMemoryImage();
    const first = openAll(openMemoryKernelDb(image));
    first.tables.begin();
    first.items.put(item('a', 1, 0));
    first.tables.keep();
    expect(first.tables.commit()).toBe(true);
    first.tables.begin();
    first.items.put(item('a', 2, 0));
    first.tables.keep();
    const second = openAll(openMemoryKernelDb(image));
    expect([...second.items.values()]).toEqual([item('a', 1, 0)]);
  });

  it('does not call the database for a row that came and went, or changed and changed back', () => {
    const db = openMemoryKernelDb();
    let commits = 0;
    const { tables, items, blobs } = openAll({
      ...db,
      commit: changes => {
        commits += 1;
        db.commit(changes);
      },
    });
    tables.begin();
    items.put(item('a', 1, 0));
    blobs.put({ name: 'b', bytes: Uint8Array.of(1, 2) });
    tables.keep();
    tables.commit();
    tables.begin();
    items.put(item('a', 1, 5));
    items.put(item('z', 9, 9));
    blobs.delete('b');
    tables.keep();
    tables.begin();
    items.put(item('a', 1, 0));
    items.delete('z', 9);
    blobs.put({ name: 'b', bytes: Uint8Array.of(1, 2) });
    tables.keep();
    expect(tables.dirty).toBe(true);
    expect(tables.commit()).toBe(false);
    expect(tables.dirty).toBe(false);
    expect(commits).toBe(1);
  });

  it('keeps the epoch when the database throws', () => {
    const db = openMemoryKernelDb();
    let broken = true;
    const { tables, items } = openAll({
      ...db,
      commit: changes => {
        if (broken) {
          throw Error('disk is full');
        }
        db.commit(changes);
      },
    });
    tables.begin();
    items.put(item('a', 1, 0));
    tables.keep();
    expect(() => tables.commit()).toThrow('disk is full');
    expect(tables.dirty).toBe(true);
    broken = false;
    expect(tables.commit()).toBe(true);
    expect(db.load('items')).toEqual([['a', 1, null, 0]]);
  });

  it('refuses a write outside a crank, a crank in a crank, and a commit in a crank', () => {
    const { tables, items } = openAll(openMemoryKernelDb());
    expect(() => items.put(item('a', 1, 0))).toThrow('no crank is open');
    expect(() => items.delete('a', 1)).toThrow('no crank is open');
    expect(() => tables.keep()).toThrow('no crank is open');
    tables.begin();
    expect(() => tables.begin()).toThrow('a crank is open');
    expect(() => tables.commit()).toThrow('a crank is open');
  });

  it('refuses a second row under one key of a unique index and changes nothing', () => {
    const { tables, items, byLabel } = openAll(openMemoryKernelDb());
    tables.begin();
    items.put(item('a', 1, 0, 'same'));
    expect(() => items.put(item('a', 2, 0, 'same'))).toThrow('both claim same');
    expect(items.size).toBe(1);
    expect(byLabel.get('same')).toEqual(item('a', 1, 0, 'same'));
  });

  it('are made before they are loaded, and loaded once', () => {
    const { tables } = openAll(openMemoryKernelDb());
    expect(() =>
      tables.table({
        schema: itemSchema,
        toColumns: () => [],
        fromColumns: () => ({}),
      }),
    ).toThrow('table items is made after load');
    expect(() => tables.load()).toThrow('the tables are loaded already');
  });

  it('hand out the net change of an epoch, which ends with it', () => {
    const db = openMemoryKernelDb();
    const { tables, items } = openAll(db);
    const write = (work: () => void): void => {
      tables.begin();
      work();
      tables.keep();
    };
    write(() => {
      items.put(item('a', 1, 0));
      items.put(item('a', 2, 0));
    });
    tables.commit();
    write(() => {
      items.put(item('a', 1, 3));
      items.delete('a', 2);
      items.put(item('z', 9, 9));
    });
    write(() => items.delete('z', 9));
    expect(tables.takeChanges()).toEqual([
      { table: 'items', puts: [['a', 1, null, 3]], deletes: [['a', 2]] },
    ]);
    expect([tables.dirty, tables.takeChanges()]).toEqual([false, []]);
    expect(tables.commit()).toBe(false);
  });

  it('say what was done wrongly', () => {
    const { tables, items, blobs } = openAll(openMemoryKernelDb());
    expect(() => items.delete('a', 1)).toThrow(
      'write to table items: no crank is open',
    );
    expect(() => tables.undo()).toThrow('undo: no crank is open');
    tables.begin();
    expect(() => tables.begin()).toThrow('begin: a crank is open');
    expect(() => tables.commit()).toThrow('commit: a crank is open');
    expect(() => blobs.values()).toThrow(
      'table blobs is not resident: read its rows by key',
    );
    expect(() => blobs.firstGroups()).toThrow(
      'table blobs has no rows in memory by two columns',
    );
    expect(() => blobs.get(null as never)).toThrow(
      'table blobs: a key is a text or an integer',
    );
  });

  it('tell whether a row is there, and give it frozen', () => {
    const { tables, items, blobs } = openAll(openMemoryKernelDb());
    tables.begin();
    items.put(item('a', 1, 0));
    blobs.put({ name: 'b', bytes: Uint8Array.of(1) });
    expect([items.has('a', 1), items.has('a', 2)]).toEqual([true, false]);
    expect([blobs.has('b'), blobs.has('c')]).toEqual([true, false]);
    expect(Object.isFrozen(items.get('a', 1))).toBe(true);
    expect([blobs.delete('c'), blobs.delete('b')]).toEqual([false, true]);
    expect([items.delete('a', 2), items.delete('a', 1)]).toEqual([false, true]);
    expect([items.has('a', 1), blobs.has('b')]).toEqual([false, false]);
    expect([items.size, [...items.values()]]).toEqual([0, []]);
  });

  it('of big rows ask the database for what the epoch has not touched, also after a commit', () => {
    const image = makeMemoryImage();
    let reads = 0;
    const loaded: string[] = [];
    const db = openMemoryKernelDb(image);
    const { tables, blobs } = openAll({
      ...db,
      load: name => {
        loaded.push(name);
        return db.load(name);
      },
      read: (...key) => {
        reads += 1;
        return db.read(...key);
      },
    });
    const put = (...bytes: number[]): boolean => {
      tables.begin();
      blobs.put({ name: 'b', bytes: Uint8Array.from(bytes) });
      tables.keep();
      expect(blobs.get('b')?.bytes).toEqual(Uint8Array.from(bytes));
      return tables.commit();
    };
    expect([put(1, 2), put(1, 3), put(1), put(1), put(1, 0)]).toEqual([
      true,
      true,
      true,
      false,
      true,
    ]);
    const before = reads;
    expect(blobs.get('b')?.bytes).toEqual(Uint8Array.of(1, 0));
    expect(reads).toBe(before + 1);
    expect(loaded).toEqual(['items']);
  });

  it('with a number for a key know it from the text', () => {
    const tables = makeTables(openMemoryKernelDb());
    const rows = tables.table<[number | string], { id: number | string }>({
      schema: {
        name: 'rows',
        keys: 1,
        columns: [{ name: 'id', type: 'integer', about: '' }],
      },
      toColumns: row => [row.id],
      fromColumns: ([id]) => ({ id: Number(id) }),
    });
    tables.load();
    tables.begin();
    rows.put({ id: 7 });
    expect([rows.has(7), rows.has('7')]).toEqual([true, false]);
  });

  it('keeps keys of several columns apart', () => {
    const tables = makeTables(openMemoryKernelDb());
    const pairs = tables.table<[string, string], { a: string; b: string }>({
      schema: {
        name: 'pairs',
        keys: 2,
        columns: [
          { name: 'a', type: 'text', about: '' },
          { name: 'b', type: 'text', about: '' },
        ],
      },
      toColumns: row => [row.a, row.b],
      fromColumns: ([a, b]) => ({ a: String(a), b: String(b) }),
    });
    tables.load();
    tables.begin();
    pairs.put({ a: 'x', b: '1:yz' });
    pairs.put({ a: 'x;y', b: 'z' });
    expect(pairs.has('x1:y', 'z')).toBe(false);
    expect(pairs.has('x1', 'yz')).toBe(false);
    expect(pairs.has('x', 'y;z')).toBe(false);
  });

  it('serves a long queue from its head in order', () => {
    const { tables, items, byOwner } = openAll(openMemoryKernelDb());
    tables.begin();
    for (let number = 0; number < 500; number += 1) {
      items.put(item('q', number, (number * 7) % 500));
    }
    tables.keep();
    const seen: number[] = [];
    for (let next = byOwner.first('q'); next; next = byOwner.first('q')) {
      tables.begin();
      items.delete('q', next.number);
      tables.undo();
      tables.begin();
      items.delete('q', next.number);
      tables.keep();
      seen.push(next.place);
    }
    expect(seen).toEqual(Array.from({ length: 500 }, (_, place) => place));
    expect(byOwner.groups()).toEqual([]);
  });
});

type Command =
  | { do: 'put'; row: Item }
  | { do: 'delete'; owner: string; number: number }
  | { do: 'putBlob'; name: string; bytes: Uint8Array }
  | { do: 'deleteBlob'; name: string }
  | { do: 'begin' | 'keep' | 'undo' | 'commit' | 'crash' };

const owner = fc.constantFrom('a', 'b', '', '\u{1F600}', '\uFFFD');
const number = fc.integer({ min: 0, max: 3 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      row: fc.record({
        owner,
        number,
        label: fc.constantFrom(null, null, 'l1', 'l2', 'l3'),
        place: fc.integer({ min: 0, max: 4 }),
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('delete' as const), owner, number }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('putBlob' as const),
      name: owner,
      bytes: fc.uint8Array({ maxLength: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('deleteBlob' as const),
      name: owner,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'begin' as const,
        'begin' as const,
        'keep' as const,
        'keep' as const,
        'undo' as const,
        'commit' as const,
        'crash' as const,
      ),
    }),
  },
);

type Model = { items: Map<string, Item>; blobs: Map<string, string> };
const copy = (model: Model): Model => ({
  items: new Map(model.items),
  blobs: new Map(model.blobs),
});
const keyOf = (row: { owner: string; number: number }) =>
  `${row.owner}/${row.number}`;

/** Rows of `now` that `then` has not, and keys of `then` that `now` has not. */
const difference = (then: Model, now: Model): number => {
  const count = <V>(a: Map<string, V>, b: Map<string, V>) =>
    [...b].filter(([key, row]) => {
      const old = a.get(key);
      return JSON.stringify(old) !== JSON.stringify(row);
    }).length + [...a.keys()].filter(key => !b.has(key)).length;
  return count(then.items, now.items) + count(then.blobs, now.blobs);
};

const insistSame = (real: ReturnType<typeof openAll>, model: Model) => {
  const rows = [...model.items.values()];
  const sorted = (list: Iterable<Item>) =>
    [...list].map(row => JSON.stringify(row)).sort();
  expect(sorted(real.items.values())).toEqual(sorted(rows));
  expect(real.items.size).toBe(rows.length);
  for (const label of ['l1', 'l2', 'l3']) {
    expect(real.byLabel.get(label)).toEqual(
      rows.find(row => row.label === label),
    );
  }
  for (const name of ['a', 'b', '', '\u{1F600}', '\uFFFD']) {
    const mine = rows
      .filter(row => row.owner === name)
      .sort((x, y) => x.place - y.place || x.number - y.number);
    expect(real.byOwner.values(name)).toEqual(mine);
    expect(real.byOwner.first(name)).toEqual(mine[0]);
    expect(real.byOwner.count(name)).toBe(mine.length);
    const blob = real.blobs.get(name)?.bytes;
    expect(blob && blob.join()).toBe(model.blobs.get(name));
  }
  for (let place = 0; place <= 4; place += 1) {
    expect(sorted(real.byPlace.values(place))).toEqual(
      sorted(rows.filter(row => row.place === place)),
    );
  }
};

const runCommands = (commands: readonly Command[]): void => {
  const image = makeMemoryImage();
  let db = openMemoryKernelDb(image);
  let real = openAll(db);
  let durable: Model = { items: new Map(), blobs: new Map() };
  let atBegin = copy(durable);
  let now = copy(durable);
  const isTaken = (row: Item) =>
    row.label !== null &&
    [...now.items.values()].some(
      other => other.label === row.label && keyOf(other) !== keyOf(row),
    );
  const steps: Record<Command['do'], (step: never) => void> = {
    begin: () => {
      real.tables.begin();
      atBegin = copy(now);
    },
    keep: () => real.tables.keep(),
    undo: () => {
      real.tables.undo();
      now = atBegin;
    },
    commit: () => {
      const before = db.counters.rows;
      const net = difference(durable, now);
      expect(real.tables.commit()).toBe(net > 0);
      expect(db.counters.rows - before).toBe(net);
      durable = copy(now);
    },
    crash: () => {
      db = openMemoryKernelDb(image);
      real = openAll(db);
      now = copy(durable);
    },
    put: ({ row }: { row: Item }) => {
      if (isTaken(row)) {
        expect(() => real.items.put({ ...row })).toThrow('both claim');
        return;
      }
      real.items.put({ ...row });
      now.items.set(keyOf(row), row);
    },
    delete: (key: { owner: string; number: number }) => {
      expect(real.items.delete(key.owner, key.number)).toBe(
        now.items.delete(keyOf(key)),
      );
    },
    putBlob: (row: { name: string; bytes: Uint8Array }) => {
      real.blobs.put({ name: row.name, bytes: row.bytes });
      now.blobs.set(row.name, row.bytes.join());
    },
    deleteBlob: ({ name }: { name: string }) => {
      expect(real.blobs.delete(name)).toBe(now.blobs.delete(name));
    },
  };
  for (const step of commands) {
    const isOutside = step.do === 'begin' || step.do === 'commit';
    if (step.do !== 'crash' && real.tables.open === isOutside) {
      continue;
    }
    steps[step.do](step as never);
    insistSame(real, now);
  }
};

describe('tables, against a naive model', () => {
  it('hold what the model holds, and write exactly the net difference', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 80, size: 'max' }),
        runCommands,
      ),
      { numRuns: RUNS },
    );
  });
});
