import { describe, expect, it } from 'vitest';
import type { Delivery, Syscall, Vref } from '@cooperage/protocol';
import { makeMemoryImage, type MemoryImage } from '../adapters/memory.ts';
import type { Behavior, Deed, RawVat } from '../testing/raw-vats.ts';
import { makeRig, type Rig } from '../testing/rig.ts';
import { findDue, findInconsistencies } from '../testing/recount.ts';
import {
  answerStart,
  dataOf,
  fulfil,
  reject,
  send,
  subscribe,
} from '../testing/stage.ts';

/**
 * Vats as liveslots would play them, without a heap: each forgets at once what
 * it was sent, says so when it is reaped, and answers every kind of message.
 */
const makeForgetful = () => {
  /** By worker: imports to be let go of, all that are known, the next export's number. */
  const notes = new Map<
    RawVat,
    { held: Set<Vref>; weak: Set<Vref>; next: number; peer: Vref | undefined }
  >();
  const noteOf = (vat: RawVat) => {
    const note = notes.get(vat) ?? {
      held: new Set<Vref>(),
      weak: new Set<Vref>(),
      next: vat.incarnation * 1_000_000,
      peer: undefined,
    };
    notes.set(vat, note);
    return note;
  };

  const answers: Record<
    string,
    (
      fresh: (kind: 'o' | 'p') => string,
      slots: readonly Vref[],
      result: Vref | null,
      peer: Vref,
    ) => Syscall[]
  > = {
    /** Data. */
    data: (_fresh, _slots, result) => [fulfil(String(result), dataOf(1))],
    /** A new object. */
    make: (fresh, _slots, result) => [
      fulfil(String(result), dataOf('$0', fresh('o'))),
    ],
    /** What it was sent. */
    echo: (_fresh, slots, result) => [
      fulfil(String(result), dataOf(['$0'], ...slots.slice(0, 1))),
    ],
    fail: (fresh, _slots, result) => [
      reject(String(result), dataOf(['$0'], fresh('o'))),
    ],
    /** What the peer answers, pipelined, and a promise that names itself by another. */
    ask: (fresh, slots, result, peer) => {
      const [first, second, open, other] = [1, 2, 3, 4].map(() => fresh('p'));
      const object = fresh('o');
      return [
        send(peer, 'make', [object, ...slots], first!),
        send(first!, 'data', [], second!),
        subscribe(first!),
        subscribe(second!),
        send(peer, 'drop', [open!]),
        [
          'resolve',
          [
            [open as Vref, false, dataOf(['&0'], other!)],
            [other as Vref, false, dataOf(['&0', '$1'], open!, object)],
          ],
        ],
        fulfil(String(result), dataOf(['$0'], object)),
      ];
    },
    drop: () => [],
  };

  const answer = (
    vat: RawVat,
    [, , { methargs, result }]: Extract<
      Delivery,
      readonly ['message', ...unknown[]]
    >,
  ): Deed => {
    const note = noteOf(vat);
    const [method] = JSON.parse(methargs.body.slice(1)) as [string];
    const fresh = (kind: 'o' | 'p'): string => {
      note.next += 1;
      return `${kind}+${note.next}`;
    };
    const { slots } = methargs;
    if (method === 'meet') {
      note.peer = slots[0];
      return {};
    }
    slots
      .filter(slot => slot.startsWith('o-'))
      .forEach(slot => note.held.add(slot));
    slots.forEach(slot => note.weak.delete(slot));
    const unknown = slots.filter(slot => slot.startsWith('p-')).map(subscribe);
    if (!result && method !== 'drop') {
      return { syscalls: unknown };
    }
    const syscalls = answers[method]?.(
      fresh,
      slots,
      result ?? null,
      note.peer ?? ('o+0' as Vref),
    );
    return { syscalls: [...unknown, ...(syscalls ?? [])] };
  };

  /** Every other object is remembered until the reap after. */
  const reap = (vat: RawVat): Deed => {
    const note = noteOf(vat);
    const drops = [...note.held].filter(each => each !== note.peer);
    const retired = [...note.weak];
    note.held.clear();
    note.weak.clear();
    const weak = drops.filter((_, nth) => nth % 2);
    weak.forEach(each => note.weak.add(each));
    const strong = drops.filter((_, nth) => !(nth % 2));
    return {
      syscalls: [
        ['dropImports', drops],
        ['retireImports', [...strong, ...retired]],
      ],
    };
  };

  const behave: Behavior = (delivery, vat) => {
    switch (delivery[0]) {
      case 'message':
        return delivery[2].methargs.body.startsWith('#["bootstrap"')
          ? answerStart(delivery)
          : answer(vat, delivery);
      case 'notify': {
        const note = noteOf(vat);
        for (const [, , { slots }] of delivery[1]) {
          slots
            .filter(slot => slot.startsWith('o-'))
            .forEach(slot => {
              note.held.add(slot);
              note.weak.delete(slot);
            });
        }
        return {};
      }
      case 'retireImports':
        delivery[1].forEach(vref => noteOf(vat).weak.delete(vref));
        return {};
      case 'bringOutYourDead':
        return reap(vat);
      default:
        return {};
    }
  };
  return { behave };
};

const rowsOf = ({ kernel: { state } }: Rig) => ({
  objects: state.objects.size,
  promises: state.promises.size,
  clists: state.clists.size,
  queue: state.queue.size,
  retiring: state.retiring.size,
  sessions: state.sessions.size,
  vats: state.vats.size,
});

const METHODS = ['data', 'make', 'echo', 'fail', 'ask'];

/** A client that sends a thousand messages of every kind, forgets all answers, and goes. */
const converse = async (rig: Rig, count: number): Promise<void> => {
  const client = await rig.connect();
  const target = async (vat: string): Promise<string> =>
    Object(await client.rpc.call('reference', { cluster: 'pair', vat })).vref;
  const [ping, pong] = [await target('ping'), await target('pong')];
  client.send(send(ping, 'meet', [pong]), send(pong, 'meet', [ping]));
  for (let sent = 0; sent < count; sent += 50) {
    const batch = Array.from({ length: 50 }, (_, nth): Syscall[] => {
      const number = sent + nth;
      const result = `p+${number + 1}`;
      return [
        send(
          number % 2 ? ping : pong,
          METHODS[number % METHODS.length]!,
          [`o+${number + 1}`, ping],
          result,
        ),
        subscribe(result),
      ];
    });
    client.send(...batch.flat());
    await rig.kernel.idle();
  }
  expect(client.deliveries.filter(([kind]) => kind === 'notify')).toHaveLength(
    count,
  );
  client.rpc.close();
  await rig.kernel.idle();
};

const collect = async (rig: Rig) => {
  const client = await rig.connect();
  await client.rpc.call('collect', {});
  await client.rpc.call('collect', {}); // what a vat still remembers, it gives up by its next reap
  client.rpc.close();
  await rig.kernel.idle();
  expect(findDue(rig.kernel.state)).toEqual([]);
  expect(findInconsistencies(rig.kernel.state)).toEqual([]);
  return rowsOf(rig);
};

const start = (image?: MemoryImage): Rig =>
  makeRig(makeForgetful().behave, {
    image: makeMemoryImage(image),
    isChecked: false,
    reapReferences: 200,
    collectMilliseconds: Infinity,
  });

describe('ten thousand messages of every kind', () => {
  it('leave as many rows as there were before (invariant 12)', async () => {
    const rig = start();
    await rig.launch('pair', ['ping', 'pong']);
    await converse(rig, 100);
    const before = await collect(rig);
    await converse(rig, 10_000);
    expect(await collect(rig)).toEqual(before);
    await rig.kernel.stop();
  }, 240_000);

  it('between vats that end leave nothing of these (invariant 12)', async () => {
    const rig = start();
    const empty = rowsOf(rig);
    for (let times = 0; times < 5; times += 1) {
      await rig.launch('pair', ['ping', 'pong']);
      await converse(rig, 200);
      const client = await rig.connect();
      await client.rpc.call('terminate', { cluster: 'pair' });
      client.rpc.close();
    }
    expect(await collect(rig)).toEqual(empty);
    await rig.kernel.stop();
  }, 240_000);

  it('and a dozen restarts between them leave no more than one restart (invariant 12)', async () => {
    let rig = start();
    await rig.launch('pair', ['ping', 'pong']);
    let before: unknown;
    for (let times = 0; times < 12; times += 1) {
      await converse(rig, 200);
      const rows = await collect(rig);
      before ??= rows;
      expect(rows).toEqual(before);
      await rig.kernel.stop();
      rig = start(rig.image);
    }
    await rig.kernel.stop();
  }, 240_000);
});
