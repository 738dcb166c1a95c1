import { describe, expect, it } from 'vitest';
import { makeVatId, type Kref, type Vref } from '@cooperage/protocol';
import { makeRandomTables } from '../testing/random-tables.ts';
import { makeStage, end, send } from '../testing/stage.ts';
import { findCycles, suspectsAmong } from './cycles.ts';

it('a search that is to be short looks at none of the messages that wait for a promise when these alone are too many', async () => {
  const stage = await makeStage(['alice'], { isChecked: false });
  const { state } = stage.rig.kernel;
  await stage.say(send(stage.root('alice'), 'work'));
  await stage.say(
    send(stage.root('alice'), 'ask', [], 'p+1'),
    ...Array.from({ length: 1_500 }, () => send('p+1', 'more')),
  );
  const looks: number[] = [];
  const { queueByName } = state;
  const watched = {
    ...state,
    queueByName: {
      ...queueByName,
      values: (name: Parameters<typeof queueByName.values>[0]) => {
        const rows = queueByName.values(name);
        looks.push(rows.length);
        return rows;
      },
    },
  };
  const all = [...state.promises.values()].map(({ kref }) => kref);
  expect(all).toHaveLength(1);
  expect(findCycles(watched, all, 1_000)).toBe(undefined);
  expect(looks).toEqual([]);
  expect(findCycles(watched, all, 2_000)?.cycles.size).toBe(0);
  expect(looks).toContain(1_500);
  await end(stage);
});

describe('of promises that name each other', () => {
  const ALICE = makeVatId(1);
  const BOB = makeVatId(2);

  /**
   * `one` and `two` name each other and an object, and `leads` names `one`;
   * messages wait for `left` and `right`, each for the answer of the other. Alice
   * has a name for each, and is to settle `open`, for which a message waits too.
   */
  const setScene = () => {
    const { parts, state } = makeRandomTables([]);
    const { promises, clists, inbox } = parts;
    const root = state.vats.get(BOB)?.root as Kref;
    const names = ['one', 'two', 'leads', 'left', 'right', 'open', 'idle'];
    const krefs = parts.run(() =>
      names.map((_, nth) => clists.addExport(ALICE, `p+${nth}` as Vref)),
    );
    const of = (name: string): Kref => krefs[names.indexOf(name)] as Kref;
    const asNames = (found: Iterable<Kref> = []): string[] =>
      [...found].map(kref => names[krefs.indexOf(kref)] ?? kref);
    const settle = (name: string, ...slots: Kref[]): void =>
      promises.resolve(of(name), false, { body: '', slots });
    const park = (target: string, result: string | null): void =>
      inbox.park({
        target: of(target),
        methargs: { body: '', slots: [root] },
        result: result === null ? null : of(result),
        sender: BOB,
      });
    parts.run(() => {
      settle('leads', of('one'), root);
      settle('two', of('one'));
      settle('one', of('two'), root);
      park('left', 'right');
      park('right', 'left');
      park('right', null);
      park('open', null);
      ['left', 'right', 'idle'].forEach(name =>
        promises.setDecider(of(name), null),
      );
    });
    return {
      state,
      krefs,
      /** What a search from one of them finds when alice has let go of these. */
      search: (from: string, letGo: readonly string[], most?: number) =>
        parts.rehearse(() => {
          for (const name of letGo) {
            const entry = clists.entry(ALICE, of(name));
            if (entry) {
              clists.remove(entry);
            }
          }
          const found = findCycles(state, [of(from)], most);
          return (
            found && {
              cycles: asNames(found.cycles),
              seen: asNames(found.seen),
              steps: found.steps,
            }
          );
        }),
      asNames,
    };
  };

  it('those are found that nobody else holds, and no object or message with them', () => {
    const { search } = setScene();
    const nothing = { cycles: [] };
    expect(search('one', [])).toMatchObject(nothing);
    expect(search('one', ['one'])).toMatchObject(nothing);
    expect(search('one', ['one', 'two'])).toMatchObject(nothing);
    expect(search('leads', ['one', 'two'])).toMatchObject(nothing);
    expect(search('leads', ['one', 'two', 'leads'])).toEqual({
      cycles: ['leads', 'one', 'two'],
      seen: ['leads', 'one', 'two'],
      steps: 6,
    });
    expect(search('left', ['left'])).toMatchObject(nothing);
    expect(search('left', ['left', 'right'])).toEqual({
      cycles: ['left', 'right'],
      seen: ['left', 'right'],
      steps: 5,
    });
  });

  it('a search ends when it would take more steps than it may, and not before', () => {
    const { search } = setScene();
    expect(search('left', ['left', 'right'], 5)?.cycles).toHaveLength(2);
    expect(search('left', ['left', 'right'], 4)).toBe(undefined);
    expect(search('one', [], 4)?.steps).toBe(4);
    expect(search('one', [], 3)).toBe(undefined);
  });

  it('one that has gone is looked at and leads to nothing', () => {
    const { state } = setScene();
    const gone = 'kp99' as Kref;
    expect([...(findCycles(state, [gone])?.seen ?? [])]).toEqual([gone]);
    expect([...suspectsAmong(state, [gone])]).toEqual([]);
  });

  it('those may be part of a cycle that name another, or for which messages wait and nobody decides', () => {
    const { state, krefs, asNames } = setScene();
    expect(asNames(suspectsAmong(state, krefs))).toEqual([
      'one',
      'two',
      'leads',
      'left',
      'right',
    ]);
  });
});
