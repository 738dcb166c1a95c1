import type { Delivery, Json } from '@cooperage/protocol';
import { makeMemoryImage, openMemoryKernelDb } from '../adapters/memory.ts';
import { makeState } from '../store/state.ts';
import { BUNDLES } from './admin-stage.ts';
import { makeManualClock } from './manual-clock.ts';
import type { Behavior, Deed, RawVat } from './raw-vats.ts';
import { makeRig, type RawClient, type Rig } from './rig.ts';
import { call, makeServiceStage, referTo } from './service-stage.ts';
import { dataOf, fulfil, settle, subscribe } from './stage.ts';
import { RESIDENT } from './whole-state.ts';

const PEERS = ['alice', 'bob', 'carol'] as const;
export const PERSON = [
  'pause',
  'unpause',
  'suspend',
  'resume',
  'restart',
  'upgrade',
  'terminate',
] as const;
export const MAKER = [
  'pause',
  'suspend',
  'resume',
  'upgrade',
  'terminate',
  'stats',
  'done',
] as const;
/** Of orders that come too late or twice, or are refused because of another. */
const REFUSALS = [
  'BAD_REQUEST',
  'VAT_UNKNOWN',
  'CLUSTER_UNKNOWN',
  'UPGRADE_FAILED',
];

/** Numbers that fast-check chose, one after the other; zeros when they are used up. */
const makeChoices = (numbers: readonly number[]) => {
  let index = 0;
  const choose = (below: number): number => {
    const number = numbers[index] ?? 0;
    index += 1;
    return number % below;
  };
  return {
    hasMore: () => index < numbers.length,
    choose,
    pick: <Item>(items: readonly Item[]): Item =>
      items[choose(Math.max(1, items.length))] as Item,
  };
};

/** What a vat's death by its own fault comes to, and whether it takes the kernel along. */
export type StormRules = {
  readonly onFault: 'suspend' | 'restart' | 'terminate';
  readonly critical: boolean;
};

const textOf = (row: object): string =>
  JSON.stringify(
    Object.entries(row).sort(([left], [right]) => (left < right ? -1 : 1)),
  );

/** Rows that a kernel knew when it ended, and that are not on its disk. */
const findLost = ({ kernel, image }: Rig): readonly string[] => {
  const stored = makeState(openMemoryKernelDb(makeMemoryImage(image)));
  return RESIDENT.flatMap(table => {
    const found = new Set([...stored[table].values()].map(textOf));
    return [...kernel.state[table].values()]
      .map(textOf)
      .filter(row => !found.has(row));
  });
};

/**
 * A cluster to which everything happens that can happen to vats, as the numbers
 * choose. A kernel that a critical vat stops is opened again, and the storm goes on.
 */
export const makeStorm = async (
  numbers: readonly number[],
  { onFault, critical }: StormRules,
) => {
  const { choose, pick, hasMore } = makeChoices(numbers);
  const time = makeManualClock();
  const seen = new Map<string, number>();
  const note = (what: string): void => {
    seen.set(what, (seen.get(what) ?? 0) + 1);
  };
  let exports = 100;
  let isOver = false;
  const problems: string[] = [];

  const plainly = (delivery: Delivery): Deed => {
    const result = delivery[0] === 'message' ? delivery[2].result : null;
    return result ? { syscalls: [fulfil(result, dataOf(0))] } : {};
  };
  /** What a vat does in a delivery, chosen when it ends. */
  const deedFor = (delivery: Delivery): Deed => {
    if (isOver || delivery[0] !== 'message') {
      return plainly(delivery);
    }
    const { result, methargs } = delivery[2];
    const [slot] = methargs.slots;
    exports += 1;
    switch (choose(10)) {
      case 0:
        note('exit');
        return { syscalls: [['exit', choose(2) === 0, dataOf('bye')]] };
      case 1:
        note('fault');
        return { syscalls: [subscribe('p-999')] };
      case 2:
        return {}; // the answer waits for as long as the heap is there
      case 3:
      case 4:
        return result
          ? {
              syscalls: [
                fulfil(result, dataOf('$0.Alleged: x', `o+${exports}`)),
              ],
            }
          : {};
      case 5:
        return result
          ? {
              syscalls: [
                fulfil(result, dataOf('$0.Alleged: x', `o+d9/${exports}`)),
              ],
            }
          : {};
      case 6:
        return slot
          ? {
              syscalls: [
                call(slot, 'pass', ['$0'], `p+${exports}`, slot),
                subscribe(`p+${exports}`),
              ],
            }
          : plainly(delivery);
      default:
        return plainly(delivery);
    }
  };

  const behave: Behavior = (delivery, { label }) => {
    if (delivery[0] === 'startVat') {
      return !isOver && label.startsWith('slow') ? undefined : {};
    }
    const isWork = delivery[0] === 'message' || delivery[0] === 'notify';
    return isOver || !isWork || label === 'boot'
      ? plainly(delivery)
      : undefined;
  };
  const options = {
    parallel: 8,
    clock: time.clock,
    evictMilliseconds: 1_000,
    deliveryMilliseconds: 1e12,
    bootMilliseconds: 1e12,
    clearedPerCrank: 3,
    collectMilliseconds: Infinity,
  };
  let { rig, client }: { rig: Rig; client: RawClient } = await makeServiceStage(
    PEERS,
    ['timer', 'revocation', { service: 'vatAdmin', vats: 6 }],
    {
      ...options,
      behave,
      bundles: { ...BUNDLES, next: BUNDLES.helper },
      rules: { eviction: 'any', onFault, critical },
    },
  );
  const provideService = (kind: string): Promise<string> =>
    referTo(rig, client, kind);
  let [admin, timer, cutter] = [
    await provideService('administrator'),
    await provideService('timer'),
    await provideService('revocation'),
  ];

  /** How often each of the client's promises was settled. */
  const told = new Map<string, number>();
  const objects = new Set<string>();
  const meetPeers = async (): Promise<void> => {
    for (const vat of PEERS) {
      const found = await client.rpc
        .call('reference', { cluster: 'demo', vat })
        .catch(() => undefined); // it has ended
      if (found !== undefined) {
        objects.add(Object(found).vref);
      }
    }
    if (objects.size === 0) {
      objects.add(cutter); // all of them have ended
    }
  };
  await meetPeers();
  const nodes = new Set<string>();
  const revokers = new Set<string>();
  let heard = 0;
  const listen = (): void => {
    for (const delivery of client.deliveries.slice(heard)) {
      for (const [promise, , { body, slots }] of delivery[0] === 'notify'
        ? delivery[1]
        : []) {
        told.set(promise, (told.get(promise) ?? 0) + 1);
        for (const slot of slots) {
          if (slot.startsWith('p')) {
            if (!told.has(slot)) {
              told.set(slot, 0);
              client.send(subscribe(slot));
            }
          } else if (body.includes('Alleged: node') && slot === slots[1]) {
            nodes.add(slot);
          } else if (body.includes('Alleged: revoker') && slot === slots[1]) {
            revokers.add(slot);
          } else {
            objects.add(slot);
          }
        }
      }
    }
    heard = client.deliveries.length;
  };
  let asked = 0;
  const ask = (
    target: string,
    method: string,
    args: readonly Json[] = [],
    ...slots: readonly string[]
  ): void => {
    asked += 1;
    told.set(`p+${asked}`, 0);
    client.send(
      call(target, method, args, `p+${asked}`, ...slots),
      subscribe(`p+${asked}`),
    );
  };

  const orders: Promise<unknown>[] = [];
  const order = (method: string, vat: string): void => {
    note(method);
    const bundle = method === 'upgrade' ? { bundle: BUNDLES.helper } : {};
    orders.push(
      client.rpc
        .call(method, { cluster: 'demo', vat, ...bundle })
        .catch((problem: unknown) => {
          const { code } = Object(problem);
          const isCut = critical && code === 'KERNEL_FAILED';
          if (!REFUSALS.includes(code) && !isCut) {
            throw problem;
          }
        }),
    );
  };
  const busy = (): RawVat[] =>
    rig.vats.all.filter(({ isBusy, isKilled }) => isBusy && !isKilled);
  const names = (): string[] =>
    [...rig.kernel.state.vats.values()]
      .map(({ name }) => name)
      .filter(name => name !== 'boot');

  let kids = 0;
  const createVat = (): void => {
    kids += 1;
    note('birth');
    const name = `${choose(2) === 0 ? 'slow' : 'kid'}${kids}`;
    const some = pick([...objects]);
    const policy = { eviction: 'any', onFault } as const;
    ask(
      admin,
      'createVat',
      ['helper', { name, policy, powers: { a: '$0' } }],
      some,
    );
  };
  const doOne = (): void => {
    const some = pick([...objects]);
    const vat = pick(busy());
    switch (choose(16)) {
      case 0:
      case 1:
      case 2:
        return ask(some, 'work', ['$0'], pick([...objects]));
      case 3:
      case 4:
      case 5:
      case 6:
        return vat?.finish(deedFor(vat.deliveries.at(-1) as Delivery));
      case 7:
        return createVat();
      case 8:
        return ask(cutter, 'makeRevocable', ['$0'], some);
      case 9:
        if (revokers.size > 0) {
          note('revoke');
          ask(pick([...revokers]), 'revoke');
        }
        return undefined;
      case 10:
        note('timer');
        return choose(2) === 0
          ? ask(timer, 'delay', [choose(3_000)])
          : ask(timer, 'repeat', [700 + choose(900), '$0'], some);
      case 11:
        return time.advance(choose(2) === 0 ? 500 : 2_000);
      case 12:
        if (nodes.size > 0) {
          const method = pick(MAKER);
          note(`node.${method}`);
          ask(pick([...nodes]), method, method === 'upgrade' ? ['next'] : []);
        }
        return undefined;
      case 13:
        if (vat && vat.deliveries.at(-1)?.[0] !== 'startVat') {
          note('loss');
          vat.lose('it was lost', choose(4) === 0 ? 'host' : 'worker');
        }
        return undefined;
      default: {
        const name = pick(names());
        return name === undefined ? undefined : order(pick(PERSON), name);
      }
    }
  };

  const unsettled = (isRight: (times: number) => boolean): string[] =>
    [...told].filter(([, times]) => !isRight(times)).map(([name]) => name);

  /** A critical vat has stopped the kernel: the next one finds it suspended, and all the rest as it was. */
  const openAgain = async (): Promise<void> => {
    note('stop');
    const { state: status, reason = '' } = rig.kernel.status();
    const [, fallen] =
      /^critical vat demo\.(\w+) has failed: ./.exec(reason) ?? [];
    const found = {
      status,
      alive: rig.vats.all.filter(({ isKilled }) => !isKilled).length,
      lost: findLost(rig),
      toldTwice: unsettled(times => times < 2),
    };
    const sound = {
      status: 'critical-failed',
      alive: 0,
      lost: [],
      toldTwice: [],
    };
    if (JSON.stringify(found) !== JSON.stringify(sound)) {
      problems.push(`${reason}: ${JSON.stringify(found)}`);
    }
    await Promise.all(orders.splice(0));
    await rig.kernel.stop();
    rig = makeRig(behave, { ...options, image: rig.image });
    const vat = [...rig.kernel.state.vats.values()].find(
      ({ name }) => name === fallen,
    );
    if (!vat?.critical || vat.suspension === null) {
      problems.push(`${fallen} has stopped the kernel, and is not suspended`);
    }
    client = await rig.connect();
    heard = 0;
    [told, objects, nodes, revokers].forEach(each => each.clear());
    admin = await provideService('administrator');
    timer = await provideService('timer');
    cutter = await provideService('revocation');
    await meetPeers();
  };

  return {
    seen,
    run: async (): Promise<void> => {
      while (hasMore()) {
        doOne();
        await settle();
        listen();
        if (rig.kernel.status().state === 'critical-failed') {
          await openAgain();
        }
      }
    },
    /** All goes on, and then ends; gives what there is that should not be. */
    end: async () => {
      isOver = true;
      for (let turns = 0; turns < 30; turns += 1) {
        for (const name of names()) {
          order('resume', name);
          order('unpause', name);
        }
        busy().forEach(vat =>
          vat.finish(plainly(vat.deliveries.at(-1) as Delivery)),
        );
        time.advance(200);
        await settle();
        listen();
      }
      await Promise.all(orders);
      await client.rpc.call('terminate', { cluster: 'demo' }).catch(() => {});
      time.advance(10_000);
      for (let turns = 0; turns < 10; turns += 1) {
        await settle();
        listen();
      }
      await rig.kernel.idle();
      listen();
      const status = rig.kernel.status().state;
      client.rpc.close();
      await settle();
      const other = await rig.connect();
      await other.rpc.call('collect', {});
      const { state } = rig.kernel;
      const rows = {
        vats: state.vats.size,
        objects: state.objects.size,
        promises: state.promises.size,
        clists: state.clists.size,
        queue: state.queue.size,
        endings: state.endings.size,
        timers: state.timers.size,
        aliases: state.aliases.size,
        serviceObjects: state.serviceObjects.size,
        births: state.births.size,
        children: state.children.size,
        quotas: state.quotas.size,
        calls: state.calls.size,
        changes: state.vatChanges.size,
        files: rig.image.vats.size,
      };
      await rig.kernel.stop();
      return {
        status,
        problems,
        unsettled: unsettled(times => times === 1),
        left: Object.entries(rows).filter(([, count]) => count > 0),
        busy: busy().length,
      };
    },
  };
};
