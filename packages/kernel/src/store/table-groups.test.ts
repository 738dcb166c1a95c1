import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareKeys } from '@cooperage/protocol';
import { makeKeyReader, makePairMap, type KeyPart } from './key-map.ts';
import { makeFirstGroups, makeGroupIndex } from './table-groups.ts';
import { makeSchema } from './table-schema.ts';
import { MOST_TOGETHER } from './wide-map.ts';

/** Fewer when the tests themselves are tested: see scripts/mutation.mjs. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 60);

type Row = {
  readonly id: KeyPart;
  /** Undefined for a row that is in no group. */
  readonly group: string | undefined;
  readonly order: number;
};

const row = (id: KeyPart, group: string | undefined, order = 0): Row => ({
  id,
  group,
  order,
});

/** Numbers, then texts. */
const compareIds = (left: KeyPart, right: KeyPart): number => {
  if (typeof left === typeof right) {
    return typeof left === 'number'
      ? left - Number(right)
      : compareKeys(left, String(right));
  }
  return typeof left === 'number' ? -1 : 1;
};

const key = makeKeyReader<Row>(
  makeSchema('things', 1, { id: ['text', 'what tells it from others'] }),
);

/** An index of groups beside the rows that are in it. */
const makePair = (isOrdered: boolean) => {
  const { index, keeper } = makeGroupIndex<Row>({
    groupOf: ({ group }) => group,
    orderOf: isOrdered ? ({ order }) => order : undefined,
    key,
  });
  const rows = new Map<KeyPart, Row>();
  const byOrder = (left: Row, right: Row): number =>
    left.order - right.order || compareIds(left.id, right.id);
  const inGroup = (group: string): Row[] => {
    const found = [...rows.values()].filter(each => each.group === group);
    return isOrdered ? found.sort(byOrder) : found;
  };
  const asSet = (some: readonly Row[]) => (isOrdered ? some : new Set(some));
  return {
    index,
    put: (after: Row): void => {
      keeper.replace(rows.get(after.id), after);
      rows.set(after.id, after);
    },
    delete: (id: KeyPart): void => {
      keeper.replace(rows.get(id), undefined);
      rows.delete(id);
    },
    insistSame: (): void => {
      for (const group of ['a', 'b', 'c']) {
        const wanted = inGroup(group);
        const found = index.values(group);
        expect(asSet(found)).toEqual(asSet(wanted));
        expect(found.filter(each => rows.get(each.id) !== each)).toEqual([]);
        expect(index.count(group)).toBe(wanted.length);
        expect(index.firsts(group, 2)).toEqual(found.slice(0, 2));
        expect(index.firsts(group, 99_999)).toEqual(found);
        expect(index.firsts(group, 0)).toEqual([]);
        expect(index.firsts(group, -1)).toEqual([]);
        expect(index.first(group)).toBe(found[0]);
        expect(index.last(group)).toBe(found.at(-1));
      }
      const named = [...rows.values()].flatMap(each => each.group ?? []);
      expect(new Set(index.groups())).toEqual(new Set(named));
    },
  };
};

const id = fc.oneof(
  fc.nat(9),
  fc.constantFrom('', '1', 'x', '\uFFFD', '\u{1F600}'),
);
const steps = fc.array(
  fc.record({
    id,
    group: fc.constantFrom('a', 'a', 'b', 'c', undefined, 'gone' as const),
    order: fc.nat(3),
  }),
  { maxLength: 60, size: 'max' },
);

describe.each([
  ['in order', true],
  ['without an order', false],
] as const)('groups %s', (_title, isOrdered) => {
  it('have the rows that they should, through every change', () => {
    fc.assert(
      fc.property(steps, all => {
        const pair = makePair(isOrdered);
        for (const step of all) {
          if (step.group === 'gone') {
            pair.delete(step.id);
          } else {
            pair.put(step);
          }
          pair.insistSame();
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('exchange a row where it stands, move it to another group, and lose it', () => {
    const pair = makePair(isOrdered);
    const change = (work: () => void): void => {
      work();
      pair.insistSame();
    };
    change(() => pair.put(row(1, 'a', 5)));
    change(() => pair.put(row(1, 'a', 5)));
    change(() => pair.put(row(2, 'a', 1)));
    change(() => pair.put(row(1, 'a', 0)));
    change(() => pair.put(row(2, 'b', 1)));
    change(() => pair.put(row(1, undefined)));
    change(() => pair.put(row(1, 'b', 1)));
    change(() => pair.delete(2));
    change(() => pair.delete(1));
    change(() => pair.delete(1));
    expect(pair.index.groups()).toEqual([]);
  });

  it('give lists that do not change with them', () => {
    const pair = makePair(isOrdered);
    [1, 2, 3].forEach(each => pair.put(row(each, 'a')));
    const all = pair.index.values('a');
    const some = pair.index.firsts('a', 2);
    pair.delete(1);
    expect([all.length, some.length]).toEqual([3, 2]);
  });
});

describe('a group without an order', () => {
  it('has its rows when they are very many, and more when they were', () => {
    const pair = makePair(false);
    for (let each = 0; each < 2 * MOST_TOGETHER; each += 1) {
      pair.put(row(each, 'a'));
    }
    pair.insistSame();
    for (let each = 1; each < 2 * MOST_TOGETHER; each += 1) {
      pair.delete(each);
    }
    pair.put(row('x', 'a'));
    pair.insistSame();
  });

  it('of one row stays as it is when another leaves it', () => {
    const { index, keeper } = makeGroupIndex<Row>({
      groupOf: ({ group }) => group,
      key,
    });
    const lone = row(1, 'a');
    keeper.replace(undefined, lone);
    keeper.replace(row(2, 'a'), undefined);
    expect(index.values('a')).toEqual([lone]);
  });
});

describe('a group in order', () => {
  it('has numbers of one place by their size, and texts by their characters', () => {
    const pair = makePair(true);
    const ids = [10, 9, 'b', 'a', 100];
    ids.forEach(each => pair.put(row(each, 'a')));
    expect(pair.index.values('a').map(each => each.id)).toEqual([
      9,
      10,
      100,
      'a',
      'b',
    ]);
  });

  it('stays as it is when what leaves it was not there', () => {
    const { index, keeper } = makeGroupIndex<Row>({
      groupOf: ({ group }) => group,
      orderOf: ({ order }) => order,
      key,
    });
    const rows = [row(1, 'a', 1), row(2, 'a', 2)];
    rows.forEach(each => keeper.replace(undefined, each));
    for (const order of [0, 1, 2, 3]) {
      keeper.replace(row(3, 'a', order), undefined);
    }
    expect(index.values('a')).toEqual(rows);
  });
});

describe('a long group in order', () => {
  it('is worked off from its head, put back at its head, and cut in its middle', () => {
    const pair = makePair(true);
    for (let each = 0; each < 300; each += 1) {
      pair.put(row(each, 'a', each));
    }
    for (let head = 0; head < 200; head += 1) {
      pair.delete(head);
      pair.put(row(head, 'a', head));
      expect(pair.index.first('a')?.id).toBe(head);
      pair.delete(head);
      expect(pair.index.first('a')?.id).toBe(head + 1);
    }
    pair.insistSame();
    pair.delete(250);
    pair.put(row(250.5, 'a', 250));
    pair.put(row(299.5, 'a', 298.5));
    pair.insistSame();
  });
});

describe('groups by the first column of a key', () => {
  it('have what the map of the rows has', () => {
    const rows = makePairMap<string>();
    const groups = makeFirstGroups(rows);
    for (const [first, second] of ['a1', 'b1', 'a2', 'a3'].map(each => [
      each.charAt(0),
      each.charAt(1),
    ])) {
      rows.set(first ?? '', second, `${first}${second}`);
    }
    expect(groups.groups()).toEqual(['a', 'b']);
    expect(groups.values('a')).toEqual(['a1', 'a2', 'a3']);
    expect(groups.firsts('a', 2)).toEqual(['a1', 'a2']);
    expect(groups.firsts('a', 0)).toEqual([]);
    expect(groups.firsts('a', -1)).toEqual([]);
    expect([groups.first('a'), groups.last('a'), groups.count('a')]).toEqual([
      'a1',
      'a3',
      3,
    ]);
    expect([groups.values('c'), groups.firsts('c', 2)]).toEqual([[], []]);
    expect([groups.first('c'), groups.last('c'), groups.count('c')]).toEqual([
      undefined,
      undefined,
      0,
    ]);
    const before = groups.values('a');
    rows.delete('a', '1');
    expect([before.length, groups.count('a')]).toEqual([3, 2]);
  });
});
