import { describe, expect, it } from 'vitest';
import {
  makeServiceId,
  makeVatId,
  type EndpointId,
  type Kref,
  type Resolution,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import { end, makeGcStage, rowsOf } from '../testing/gc-stage.ts';
import { makeRig } from '../testing/rig.ts';
import {
  answerStart,
  dataOf,
  fulfil,
  send,
  settle,
  subscribe,
  vref,
} from '../testing/stage.ts';
import { makeMemoryImage, type MemoryImage } from '../adapters/memory.ts';
import { makeRandomTables } from '../testing/random-tables.ts';
import { findInconsistencies } from '../testing/recount.ts';

/** Resolutions that make each promise name the next, and the last one the first. */
const ringFrom = (
  first: number,
  size: number,
  ...others: string[]
): Syscall => [
  'resolve',
  Array.from({ length: size }, (_, nth) => [
    vref(`p+${first + nth}`),
    false,
    dataOf(['&0'], `p+${first + ((nth + 1) % size)}`, ...others),
  ]),
];
const ring = (size: number, ...others: string[]): Syscall =>
  ringFrom(1, size, ...others);

/** The cases of worklist.ts, by their numbers. */
describe('settled promises', () => {
  it('go with what they name when nobody holds them, in a chain of any length, so many in a crank, also in the next run (5)', async () => {
    const sizes: number[] = [];
    const images: MemoryImage[] = [];
    const stage = await makeGcStage(['alice'], {
      isChecked: false, // once, at the end
      afterCrank: ({ promises }) => {
        sizes.push(promises.size);
        if (promises.size === 2_000) {
          images.push(makeMemoryImage(stage.rig.image));
        }
      },
    });
    const before = rowsOf(stage);
    const chain = Array.from({ length: 3_000 }, (_, nth): Resolution => [
      vref(`p+${nth + 1}`),
      false,
      nth === 2_999 ? dataOf(['$0'], 'o+7') : dataOf(['&0'], `p+${nth + 2}`),
    ]);
    await stage.say(send(stage.root('alice'), 'take', ['p+1']));
    await stage.finish('alice');
    await stage.say(['resolve', chain]);
    expect(rowsOf(stage)).toMatchObject({ promises: 3_000 });
    await stage.act('alice', subscribe('p-50'));
    sizes.length = 0;
    await stage.finish('alice');
    await stage.rig.kernel.idle();
    const gone = sizes.map((size, nth) => (sizes[nth - 1] ?? 3_000) - size);
    expect(Math.max(...gone)).toBeLessThanOrEqual(200);
    expect(sizes.at(-1)).toBe(0);
    await stage.act('alice', ['dropImports', [vref('o-3050')]]);
    await stage.act('alice', ['retireImports', [vref('o-3050')]]);
    await stage.collect();
    expect(rowsOf(stage)).toEqual(before);
    expect(findInconsistencies(stage.rig.kernel.state)).toEqual([]);
    await end(stage);
    const next = makeRig(answerStart, {
      image: makeMemoryImage(images[0]),
    });
    await next.kernel.idle();
    expect(next.kernel.state.promises.size).toBe(0);
    await next.kernel.stop();
  });

  it.each([1, 2, 3, 300])(
    'that only each other hold go together: a ring of %i (6)',
    async size => {
      const stage = await makeGcStage(['alice', 'bob']);
      const before = rowsOf(stage);
      await stage.act(
        'alice',
        send(stage.ref('alice', 'bob'), 'take', ['p+1', 'o+7']),
      );
      await stage.finish('bob');
      await stage.act('alice', ring(size, 'o+7'));
      expect(rowsOf(stage)).toMatchObject({ promises: size });
      await stage.act('bob', subscribe('p-51'));
      await stage.finish('bob');
      await stage.rig.kernel.idle();
      expect(rowsOf(stage)).toMatchObject({ promises: 0 });
      await stage.act('bob', ['dropImports', [vref('o-52')]]);
      await stage.act('bob', ['retireImports', [vref('o-52')]]);
      await stage.collect();
      expect(stage.told('alice')).toEqual([
        ['dropExports', ['o+7']],
        ['retireExports', ['o+7']],
      ]);
      expect(rowsOf(stage)).toEqual(before);
      await end(stage);
    },
  );

  it('that nobody ever held but their decider go when it settles them to each other (6)', async () => {
    const stage = await makeGcStage(['alice']);
    const before = rowsOf(stage);
    await stage.act('alice', ring(5, 'o+7'));
    expect(rowsOf(stage)).toEqual({
      ...before,
      objects: before.objects + 1,
      clists: before.clists + 1,
    });
    await stage.collect();
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('stay that nobody holds for a moment only: while the one message that names them moves on', async () => {
    const stage = await makeGcStage(['alice', 'bob']);
    const before = rowsOf(stage);
    await stage.act('alice', send('p+1', 'x', ['p+2']));
    await stage.act('alice', fulfil('p+2', dataOf(['kept'])));
    await stage.act(
      'alice',
      fulfil('p+1', dataOf('$0', stage.ref('alice', 'bob'))),
    );
    await stage.finish('bob', subscribe('p-51'));
    expect(stage.flight('bob')).toEqual([
      'notify',
      [['p-51', false, dataOf(['kept'])]],
    ]);
    await stage.finish('bob');
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('stay, all that one of them leads to, while somebody holds that one', async () => {
    const stage = await makeGcStage(['alice', 'bob', 'carol']);
    const before = rowsOf(stage);
    for (const [other, promise] of [
      ['bob', 'p+1'],
      ['carol', 'p+3'],
    ] as const) {
      await stage.act(
        'alice',
        send(stage.ref('alice', other), 'take', [promise]),
      );
      await stage.finish(other);
    }
    await stage.act('alice', ring(4));
    await stage.act('bob', subscribe('p-52'));
    await stage.finish('bob');
    expect(rowsOf(stage)).toMatchObject({ promises: 4 });
    await stage.act('carol', subscribe('p-52'));
    await stage.finish('carol');
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('in a ring too long for a crank go with the next collection, and with the next start (6)', async () => {
    const stage = await makeGcStage(['alice'], { isChecked: false });
    const before = rowsOf(stage);
    await stage.act('alice', ring(1_500));
    expect(rowsOf(stage)).toMatchObject({ promises: 1_500 });
    await stage.rig.kernel.idle();
    const image = makeMemoryImage(stage.rig.image);
    await stage.collect();
    expect(rowsOf(stage)).toEqual(before);
    const next = makeRig(answerStart, { image, isChecked: false });
    await next.kernel.idle();
    expect(next.kernel.state.promises.size).toBe(0);
    await next.kernel.stop();
    await end(stage);
  });
});

describe('orphans', () => {
  it('that nobody knows any more go, so many in a crank, also in the next run (2)', async () => {
    const count = 100;
    const sizes: number[] = [];
    const images: MemoryImage[] = [];
    const stage = await makeGcStage(['alice'], {
      clearedPerCrank: 20,
      epochCranks: 1,
      afterCrank: ({ objects }) => {
        sizes.push(objects.size);
        if (objects.size > 50 && objects.size < 80) {
          images.push(makeMemoryImage(stage.rig.image));
        }
      },
    });
    const before = rowsOf(stage);
    const bob = await stage.launch('other', 'bob');
    await stage.say(send(bob, 'give', [stage.root('alice')]));
    const things = Array.from({ length: count }, (_, nth) => `o+${nth + 10}`);
    await stage.finish('bob', send('o-50', 'take', things));
    const told = stage.flight('alice');
    const slots = told?.[0] === 'message' ? told[2].methargs.slots : [];
    expect(slots).toHaveLength(count);
    await stage.finish('alice');
    await stage.client.rpc.call('terminate', { cluster: 'other' });
    await stage.say(['dropImports', [vref(bob)]]);
    await stage.rig.kernel.idle();
    images.length = 0;
    sizes.length = 0;
    await stage.act('alice', ['dropImports', slots], ['retireImports', slots]);
    await stage.rig.kernel.idle();
    expect(
      Math.max(...sizes.map((size, nth) => (sizes[nth - 1] ?? size) - size)),
    ).toBeLessThanOrEqual(20);
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
    expect(images.length).toBeGreaterThan(0);
    const next = makeRig(answerStart, {
      image: makeMemoryImage(images.at(-1)),
    });
    await next.kernel.idle();
    expect(next.kernel.state.objects.size).toBe(before.objects);
    await next.kernel.stop();
  });
});

describe('a search of a collection', () => {
  it('looks at a bounded part of many long rings in a turn, and comes to all of them', async () => {
    const sizes: number[] = [];
    const stage = await makeGcStage(['alice'], {
      isChecked: false,
      afterCrank: ({ promises }) => sizes.push(promises.size),
    });
    const before = rowsOf(stage);
    const rings = Array.from({ length: 15 }, (_, nth) =>
      ringFrom(1 + 1_500 * nth, 1_500),
    );
    for (const each of rings) {
      await stage.act('alice', each);
    }
    const all = 15 * 1_500;
    expect(rowsOf(stage)).toMatchObject({ promises: all });
    sizes.length = 0;
    await stage.client.rpc.call('collect', {});
    const steps = new Set(sizes.filter(size => size > 0 && size < all));
    expect(steps.size).toBeGreaterThan(1);
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });
});

describe('the work that is left', () => {
  const ALICE = makeVatId(1);

  it('of an earlier run is each promise that nobody holds, and each object that nobody can reach and no vat can export again', () => {
    const { state, parts } = makeRandomTables([]);
    const addObject = (owner: EndpointId | null, reachable: number): Kref => {
      const kref = `ko${90 + state.objects.size}` as Kref;
      state.objects.put({
        kref,
        owner,
        iface: null,
        reachable,
        recognizable: reachable,
      });
      return kref;
    };
    parts.rehearse(() => {
      const service = makeServiceId('timer');
      for (const reachable of [1, 2]) {
        [ALICE, service, null].forEach(owner => addObject(owner, reachable));
      }
      addObject(ALICE, 0);
      const [served, orphan] = [addObject(service, 0), addObject(null, 0)];
      const [held, left] = [1, 2].map(nth =>
        parts.clists.addExport(ALICE, `p+${nth}` as Vref),
      ) as [Kref, Kref];
      parts.refcounts.release(left);
      parts.refcounts.fallen.clear();
      parts.worklist.restore();
      expect(state.promises.get(held)?.refs).toBe(1);
      expect([...parts.refcounts.fallen]).toEqual([left, served, orphan]);
    });
  });

  describe('of a search', () => {
    const makeRings = () => {
      const { parts } = makeRandomTables([]);
      let last = 0;
      /** Settled promises in a ring, each of which names the next so many times, that nobody else has. */
      const addRing = (size: number, times = 1): void =>
        parts.run(() => {
          const krefs = Array.from({ length: size }, () => {
            last += 1;
            return parts.clists.addExport(ALICE, `p+${last}` as Vref);
          });
          krefs.forEach((kref, nth) => {
            const next = krefs[(nth + 1) % size] as Kref;
            const slots = Array<Kref>(times).fill(next);
            parts.promises.resolve(kref, false, { body: '', slots });
          });
          krefs.forEach(kref => {
            const entry = parts.clists.entry(ALICE, kref);
            if (entry) {
              parts.clists.remove(entry);
            }
          });
        });
      /** How many promises of rings each turn finds. */
      const searchAll = (): number[] => {
        const found: number[] = [];
        while (parts.worklist.isSearchDue()) {
          found.push(parts.worklist.searchOn().size);
        }
        return found;
      };
      return { ...parts, addRing, searchAll };
    };

    it('is a turn for so many steps, and what was seen is searched once', () => {
      const { worklist, addRing, searchAll } = makeRings();
      expect(worklist.isSearchDue()).toBe(false);
      [600, 9_500, 700].forEach(size => addRing(size));
      expect(searchAll()).toEqual([600 + 9_500, 700]);
      expect(worklist.searchAll().size).toBe(600 + 9_500 + 700);
    });

    it('that would be too long is left to the next start, after a turn for each try', () => {
      const { worklist, addRing, searchAll } = makeRings();
      addRing(3, 40_000);
      addRing(600);
      expect(searchAll()).toEqual([0, 0, 0, 600]);
      expect(worklist.searchAll().size).toBe(3 + 600);
    });
  });
});

describe('messages that wait for each other’s answers', () => {
  /** alice sends to p+1 for the answer p+2, and to p+2 for the answer p+1. */
  const knot: Syscall[] = [
    send('p+1', 'x', ['o+7'], 'p+2'),
    send('p+2', 'x', [], 'p+1'),
    send('p+2', 'nobody asks for an answer'),
  ];

  it('stay while somebody has one of the promises, and go when nobody has (7)', async () => {
    const stage = await makeGcStage(['bob']);
    const before = rowsOf(stage);
    const alice = await stage.launch('other', 'alice');
    await stage.say(send(alice, 'tie'));
    await stage.finish('alice', ...knot);
    await stage.collect();
    expect(rowsOf(stage)).toMatchObject({ promises: 2, queue: 3 });
    await stage.client.rpc.call('terminate', { cluster: 'other' });
    await stage.say(['dropImports', [vref(alice)]]);
    await settle();
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('go in a ring of any length, so many in a crank, though other cranks come between, also in the next run (7)', async () => {
    const size = 300;
    const queues: number[] = [];
    const images: MemoryImage[] = [];
    const stage = await makeGcStage(['bob'], {
      clearedPerCrank: 20,
      afterCrank: ({ queue }) => {
        queues.push(queue.size);
        if (queue.size > 100 && queue.size < 200) {
          images.push(makeMemoryImage(stage.rig.image));
        }
      },
    });
    const before = rowsOf(stage);
    const alice = await stage.launch('other', 'alice');
    await stage.say(send(alice, 'tie'));
    await stage.finish(
      'alice',
      ...Array.from({ length: size }, (_, nth) =>
        send(`p+${nth + 1}`, 'x', ['o+7'], `p+${((nth + 1) % size) + 1}`),
      ),
    );
    expect(rowsOf(stage)).toMatchObject({ promises: size, queue: size });
    queues.length = 0;
    const ended = stage.client.rpc.call('terminate', { cluster: 'other' });
    await stage.say(send(stage.root('bob'), 'x'), [
      'dropImports',
      [vref(alice)],
    ]);
    await ended;
    await stage.finish('bob');
    await stage.rig.kernel.idle();
    const gone = queues.map((left, nth) => (queues[nth - 1] ?? size) - left);
    expect(Math.max(...gone)).toBeLessThan(50);
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
    expect(images.length).toBeGreaterThan(0);
    const next = makeRig(answerStart, { image: makeMemoryImage(images[0]) });
    await next.kernel.idle();
    expect(next.kernel.state.promises.size).toBe(0);
    expect(next.kernel.state.queue.size).toBe(0);
    await next.kernel.stop();
  });

  it('are rejected to those who wait for a further answer (7)', async () => {
    const stage = await makeGcStage(['bob']);
    const before = rowsOf(stage);
    const alice = await stage.launch('other', 'alice');
    // bob waits for the answer p+3 to a message that waits for p+1.
    await stage.say(send(alice, 'take', [stage.root('bob')]));
    await stage.finish(
      'alice',
      send('p+1', 'y', [], 'p+3'),
      send('o-50', 'take', ['p+3']),
      ...knot,
    );
    await stage.finish('bob', subscribe('p-50'));
    await stage.client.rpc.call('terminate', { cluster: 'other' });
    await settle();
    expect(stage.flight('bob')).toEqual([
      'notify',
      [
        [
          'p-50',
          true,
          expect.objectContaining({
            body: expect.stringContaining('can never be settled'),
          }),
        ],
      ],
    ]);
    await stage.finish('bob');
    await stage.say(['dropImports', [vref(alice)]]);
    await stage.collect();
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('are told from messages that wait for an answer that comes', async () => {
    const stage = await makeGcStage(['alice', 'bob']);
    const before = rowsOf(stage);
    await stage.act(
      'alice',
      send(stage.ref('alice', 'bob'), 'ask', [], 'p+1'),
      send('p+1', 'x', [], 'p+2'),
      send('p+2', 'y', [], 'p+3'),
      ...['p+1', 'p+2', 'p+3'].map(subscribe),
    );
    await stage.finish('bob', fulfil('p-51', dataOf('$0', 'o+0')));
    await stage.finish('bob', fulfil('p-52', dataOf('$0', 'o+0')));
    await stage.finish('bob', fulfil('p-53', dataOf(['done'])));
    await stage.finish('alice');
    expect(stage.flight('alice')).toMatchObject([
      'notify',
      [
        ['p+2', false, {}],
        ['p+3', false, dataOf(['done'])],
      ],
    ]);
    await stage.finish('alice');
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });
});
