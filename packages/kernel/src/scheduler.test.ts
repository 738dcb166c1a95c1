import { describe, expect, it } from 'vitest';
import {
  makeServiceId,
  makeSessionId,
  makeVatId,
  type EndpointId,
  type Kref,
  type VatId,
} from '@cooperage/protocol';
import { makeScheduler } from './scheduler.ts';
import type { QueueRow } from './store/schema.ts';

const [ALICE, BOB, CAROL] = [makeVatId(1), makeVatId(2), makeVatId(3)];
const SESSION = makeSessionId(1);
const SERVICE = makeServiceId('timer');

const ITEM: QueueRow = {
  position: 1,
  queue: ALICE,
  kind: 'message',
  target: 'ko1' as Kref,
  body: '',
  slots: [],
  result: null,
  sender: null,
  round: 0,
  nth: 1,
  tries: 0,
};

/** A scheduler whose one who delivers does what the test says; vats are ready unless it says so. */
const setScene = ({ most = 8, places = 8, deliveries = 3 } = {}) => {
  const world = { now: 100, places, isReading: true, hasTime: true };
  const unready = new Set<VatId>();
  const unfree = new Set<VatId>();
  const shutOut = new Set<VatId>();
  const starting = new Set<VatId>();
  const flying = new Set<VatId>();
  const chores = new Set<EndpointId>();
  const queues = new Map<EndpointId, number[]>();
  /** Whose turn it was, with what. */
  const turns: string[] = [];
  let position = 0;
  const take = (endpoint: EndpointId, word: string): void => {
    const [item] = queues.get(endpoint) ?? [];
    queues.get(endpoint)?.shift();
    turns.push(`${word} ${endpoint} ${item ?? '-'}`);
  };
  const scheduler = makeScheduler({
    inbox: {
      head: (endpoint: EndpointId) => {
        const [item] = queues.get(endpoint) ?? [];
        return item === undefined ? undefined : { ...ITEM, position: item };
      },
    },
    dispatcher: {
      toSession: session => take(session, 'tell'),
      isReading: () => world.isReading,
      toService: service => take(service, 'ask'),
      hasTimeForServices: () => world.hasTime,
      isFree: vat => !unfree.has(vat) && !flying.has(vat) && !starting.has(vat),
      isReady: vat => !unready.has(vat),
      isStarting: vat => starting.has(vat),
      isFlying: vat => flying.has(vat),
      isLetIn: vat => !shutOut.has(vat),
      toVat: vat => {
        if (unready.has(vat)) {
          starting.add(vat);
          turns.push(`start ${vat}`);
        } else {
          take(vat, 'give');
          flying.add(vat);
        }
      },
      withChores: () => [...chores],
      toChore: endpoint => {
        chores.delete(endpoint);
        turns.push(`chore ${endpoint}`);
        if (endpoint.startsWith('v')) {
          flying.add(endpoint as VatId);
        }
      },
      inFlight: () => flying.size,
      isPlace: () => flying.size + starting.size < world.places,
    },
    most,
    turn: { deliveries, milliseconds: 10 },
    now: () => world.now,
  });
  return {
    world,
    scheduler,
    unready,
    unfree,
    shutOut,
    chores,
    flying,
    send: (...endpoints: EndpointId[]): void => {
      for (const endpoint of endpoints) {
        position += 1;
        queues.set(endpoint, [...(queues.get(endpoint) ?? []), position]);
        scheduler.wake(endpoint);
      }
    },
    /** What is done now; then deliveries of these end. */
    pump: (...landed: VatId[]): string[] => {
      scheduler.pump();
      landed.forEach(vat => flying.delete(vat));
      return turns.splice(0);
    },
    arrive: (vat: VatId): void => {
      starting.delete(vat);
      unready.delete(vat);
    },
  };
};

describe('a turn', () => {
  it('is of each vat that has something, by arrival, while there are places', () => {
    const { send, pump } = setScene({ places: 2 });
    send(BOB, ALICE, CAROL);
    expect(pump(BOB)).toEqual(['give v2 1', 'give v1 2']);
    expect(pump()).toEqual(['give v3 3']);
    expect(pump()).toEqual([]);
  });

  it('is next of the vat that had none for the longest, and goes on for some deliveries while they are short', () => {
    const { send, pump, world } = setScene({ places: 1 });
    send(ALICE, ALICE, ALICE, ALICE, BOB, BOB);
    const seen: string[] = [];
    for (let nth = 0; nth < 6; nth += 1) {
      seen.push(...pump(ALICE, BOB));
    }
    expect(seen.map(each => each.slice(5, 7))).toEqual([
      ...['v1', 'v1', 'v1'],
      ...['v2', 'v2'],
      'v1',
    ]);
    send(ALICE, ALICE, BOB);
    expect(pump(ALICE, BOB)).toEqual(['give v1 7']);
    world.now += 10;
    expect(pump(ALICE, BOB)).toEqual(['give v2 9']);
  });

  it('begins anew where nothing else waits when one is over', () => {
    const { send, pump } = setScene({ places: 1 });
    send(ALICE, ALICE, ALICE, ALICE, ALICE);
    [1, 2, 3, 4].forEach(() => pump(ALICE));
    send(BOB);
    expect(pump()).toEqual(['give v1 5']);
  });

  it('is in the order of arrival alone where only one may be in flight', () => {
    const { send, pump } = setScene({ most: 1, places: 1, deliveries: 1 });
    send(ALICE, BOB, BOB, ALICE);
    const seen = [1, 2, 3, 4].flatMap(() => pump(ALICE, BOB));
    expect(seen).toEqual(['give v1 1', 'give v2 2', 'give v2 3', 'give v1 4']);
  });

  it('is not of a vat that can’t take it, or must wait for others; starting it is none', () => {
    const { send, pump, unfree, shutOut, unready, arrive } = setScene();
    unfree.add(ALICE);
    shutOut.add(BOB).add(CAROL);
    unready.add(CAROL);
    send(ALICE, BOB, CAROL);
    expect(pump()).toEqual(['start v3']);
    arrive(CAROL);
    expect(pump()).toEqual([]);
    shutOut.clear();
    unfree.clear();
    expect(pump()).toEqual(['give v1 1', 'give v2 2', 'give v3 3']);
  });

  it('is of sessions that read, and of services that have time', () => {
    const { send, pump, world } = setScene();
    world.isReading = false;
    world.hasTime = false;
    send(SESSION, SERVICE);
    expect(pump()).toEqual([]);
    world.isReading = true;
    world.hasTime = true;
    send(SERVICE);
    expect(pump()).toEqual([
      'tell s1 1',
      `ask ${SERVICE} 2`,
      `ask ${SERVICE} 3`,
    ]);
  });

  it('is first of what the kernel has to do itself, to a session also while it does not read', () => {
    const { send, pump, chores, world } = setScene({ places: 1 });
    world.isReading = false;
    send(BOB, ALICE, SESSION);
    chores.add(BOB).add(SESSION);
    expect(pump(BOB)).toEqual(['chore v2', 'chore s1']);
    expect(pump(ALICE)).toEqual(['give v1 2']);
    expect(pump()).toEqual(['give v2 1']);
  });

  it('ends before the kernel does what it has to do itself', () => {
    const { send, pump, chores } = setScene({ places: 1 });
    send(ALICE, ALICE, ALICE, ALICE);
    expect(pump(ALICE)).toEqual(['give v1 1']);
    chores.add(ALICE);
    const seen = [1, 2, 3].flatMap(() => pump(ALICE));
    expect(seen).toEqual(['give v1 2', 'give v1 3', 'chore v1']);
  });

  it('of a vat that nothing waits for starts it, once, after those that something waits for', () => {
    const { scheduler, send, pump, unready } = setScene();
    send(CAROL);
    unready.add(ALICE);
    scheduler.wakeEagerly(ALICE);
    expect(pump()).toEqual(['give v3 1', 'start v1']);
    unready.add(BOB);
    scheduler.wakeEagerly(BOB);
    scheduler.forget(BOB);
    expect(pump()).toEqual([]);
  });

  it('is of nobody but sessions once the kernel is to stop', () => {
    const { scheduler, send, pump, chores } = setScene();
    send(ALICE, SERVICE, SESSION);
    chores.add(BOB).add(SESSION);
    scheduler.close();
    expect(pump()).toEqual(['tell s1 3']);
  });
});

describe('a paused kernel', () => {
  it('gives no vat a turn, nor itself, and all of them when it goes on', () => {
    const { scheduler, send, pump, chores } = setScene();
    scheduler.pause();
    expect(scheduler.isPaused()).toBe(true);
    send(ALICE, SESSION);
    chores.add(BOB).add(SESSION);
    expect(pump()).toEqual(['tell s1 2']);
    scheduler.unpause();
    expect([scheduler.isPaused(), pump()]).toEqual([
      false,
      ['chore v2', 'chore s1', 'give v1 1'],
    ]);
  });

  it('makes one delivery for each step, and says to whom', () => {
    const { scheduler, send, pump } = setScene();
    const stepped: string[] = [];
    scheduler.pause();
    send(ALICE, BOB, CAROL);
    scheduler.allowStep(vat => stepped.push(`first ${vat}`));
    const takeBack = scheduler.allowStep(() => stepped.push('taken back'));
    scheduler.allowStep(vat => stepped.push(`last ${vat}`));
    takeBack();
    expect(pump(ALICE)).toEqual(['give v1 1', 'give v2 2']);
    expect(stepped).toEqual(['first v1', 'last v2']);
    scheduler.allowStep(() => stepped.push('forgotten'));
    scheduler.unpause();
    expect(pump()).toEqual(['give v3 3']);
    scheduler.pause();
    send(ALICE);
    expect(pump()).toEqual([]);
    expect(stepped).toHaveLength(2);
  });

  it('waits with its step for the vat that it has started', () => {
    const { scheduler, send, pump, unready, arrive, unfree } = setScene();
    scheduler.pause();
    unready.add(ALICE);
    unfree.add(BOB);
    send(BOB, ALICE);
    scheduler.allowStep(() => {});
    expect(pump()).toEqual(['start v1']);
    unfree.clear();
    expect(pump()).toEqual([]);
    arrive(ALICE);
    expect(pump(ALICE)).toEqual(['give v1 2']);
    expect(pump()).toEqual([]);
  });

  it.each([
    ['can’t take what waits for it', false],
    ['is free and nothing waits for it', true],
  ])(
    'gives the step to another when the vat that it has started %s',
    (_what, isFree) => {
      const { scheduler, send, pump, unready, arrive, unfree } = setScene();
      scheduler.pause();
      unready.add(CAROL);
      scheduler.wakeEagerly(CAROL);
      scheduler.allowStep(() => {});
      expect(pump()).toEqual(['start v3']);
      arrive(CAROL);
      send(BOB);
      if (!isFree) {
        unfree.add(CAROL);
        send(CAROL);
      }
      expect(pump()).toEqual(['give v2 1']);
    },
  );

  it('waits with its step for no vat that was started before', () => {
    const { scheduler, send, pump, unready } = setScene();
    unready.add(ALICE);
    scheduler.wakeEagerly(ALICE);
    expect(pump()).toEqual(['start v1']);
    scheduler.pause();
    send(BOB);
    scheduler.allowStep(() => {});
    expect(pump()).toEqual(['give v2 1']);
  });
});
