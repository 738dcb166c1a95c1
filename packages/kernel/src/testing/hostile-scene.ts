import { readContent } from './durable-content.ts';
import {
  makeMemoryImage,
  openMemoryKernelDb,
  openMemoryVatStores,
  type MemoryImage,
} from '../adapters/memory.ts';
import { SCHEMA } from '../store/schema.ts';
import type { State } from '../store/state.ts';
import type { VatId } from '@cooperage/protocol';
import type { Scene } from './hostile-words.ts';
import type { Behavior, Beginning, RawVat } from './raw-vats.ts';
import {
  answerStart,
  dataOf,
  fulfil,
  makeStage,
  send,
  settle,
  subscribe,
  vref,
  type Stage,
} from './stage.ts';

/** When a word is said: while its vat owes that answer, or none. */
export const MOMENTS = [
  'message',
  'notify',
  'garbage',
  'idle',
  'launching',
  'starting',
  'startVat',
  'upgrade: launching',
  'upgrade: starting',
  'upgrade: startVat',
] as const;
export type Moment = (typeof MOMENTS)[number];

/** Other code than that of `launch`, as far as the kernel can tell. */
const NEW_CODE = JSON.stringify({ moduleFormat: 'cooperageScript', v: 2 });

const GARBAGE: readonly string[] = [
  'dropExports',
  'retireExports',
  'retireImports',
  'bringOutYourDead',
];

const BEGINNINGS: Readonly<Record<string, Beginning>> = {
  launching: 'silent',
  starting: 'unready',
};

/** What is mallory's to disturb of another vat, and must not change while she breaks a rule. */
export const rowsOfVat = (state: State, vat: VatId): string =>
  JSON.stringify([
    state.vats.get(vat),
    state.clistByEndpoint.values(vat),
    state.changesByVat.values(vat),
    state.queueByName.values(vat),
    state.promisesByDecider.values(vat),
  ]);

/** What the disk has of a vat: its rows, and its store. */
const storedOf = (image: MemoryImage, vat: VatId): unknown => {
  const disk = makeMemoryImage(image);
  const db = openMemoryKernelDb(disk);
  db.prepare(SCHEMA);
  const { tables, stores } = readContent(db, openMemoryVatStores(disk));
  const rows = [...tables].flatMap(([name, each]) =>
    [...each.values()]
      .filter(row => row.includes(vat))
      .map(row => JSON.stringify([name, row])),
  );
  return { rows: rows.sort(), store: [...(stores.get(vat) ?? [])] };
};

/**
 * Mallory, who says what the test wants, and three neighbors: bob answers and
 * writes down whatever he is asked, mallory has a reference to him; carol and
 * dave only have one another, and a store.
 */
export const makeHostileScene = async () => {
  let due = '';
  const behave: Behavior = (delivery, { label }) => {
    const [kind] = delivery;
    if (label === 'mallory') {
      const isDue = due === 'garbage' ? GARBAGE.includes(kind) : kind === due;
      return isDue ? undefined : answerStart(delivery);
    }
    const changes = [['mind', `of ${label}`]] as const;
    const result = kind === 'message' ? delivery[2].result : null;
    return result
      ? { syscalls: [fulfil(result, dataOf('as ever'))], changes }
      : { changes };
  };
  const stage = await makeStage(['mallory', 'bob', 'carol', 'dave'], {
    behave,
    begin: label => (label === 'mallory' && BEGINNINGS[due]) || 'ready',
    collectMilliseconds: Infinity,
  });
  const { rig, client } = stage;
  const { state } = rig.kernel;
  const idOf = (name: string): VatId => stage.vat(name).id;
  let promises = 0;
  const nextPromise = (): string => `p+${(promises += 1)}`;

  await stage.say(
    send(stage.root('carol'), 'meet', [stage.root('dave')], nextPromise()),
    send(stage.root('dave'), 'meet', [stage.root('carol')], nextPromise()),
  );
  const aloof = [idOf('carol'), idOf('dave')];

  const mallory = () =>
    rig.kernel
      .status()
      .clusters.flatMap(({ vats }) => vats)
      .find(({ name }) => name === 'mallory');
  const order = (method: string, more = {}): Promise<unknown> =>
    client.rpc
      .call(method, { cluster: 'demo', vat: 'mallory', ...more })
      .catch(() => {});

  const poke = (promise = nextPromise()): Promise<void> =>
    stage.say(
      send(
        stage.root('mallory'),
        'poke',
        [stage.root('bob'), 'o+7', promise],
        nextPromise(),
      ),
    );
  /** Her newest worker. */
  const worker = (): RawVat | undefined =>
    rig.vats.all.findLast(
      ({ label, isKilled }) => label === 'mallory' && !isKilled,
    );
  /** Lets her answer what she was told. */
  const drain = async (): Promise<void> => {
    while (mallory()?.state === 'running' && worker()?.isBusy) {
      await stage.finishWith('mallory', {});
    }
  };
  const bringNotify = async (): Promise<void> => {
    const promise = nextPromise();
    await poke(promise);
    const [, , message] = stage.flight('mallory');
    const { slots } = Object(message).methargs;
    await stage.finish('mallory', subscribe(slots[2]));
    await stage.say(fulfil(promise, dataOf(1)));
  };
  /** The client gets an object of hers, and drops it. */
  const bringGarbage = async (): Promise<void> => {
    const promise = nextPromise();
    await stage.say(
      send(stage.root('mallory'), 'give', [], promise),
      subscribe(promise),
    );
    const [, , message] = stage.flight('mallory');
    const heard = client.deliveries.length;
    await stage.finish(
      'mallory',
      fulfil(Object(message).result, dataOf('$0', 'o+9')),
    );
    const given = client.deliveries
      .slice(heard)
      .flatMap(told => (told[0] === 'notify' ? told[1] : []))
      .flatMap(([, , { slots }]) => slots);
    await stage.say(['dropImports', given.map(vref)]);
    void client.rpc.call('collect', {}).catch(() => {});
    await settle();
  };

  /** Has that moment come, for so many words; gives her who says them. */
  const bring = async (moment: Moment, words: number): Promise<RawVat> => {
    if (moment === 'message') {
      for (let more = 0; more < words; more += 1) {
        await poke();
      }
      return stage.vat('mallory');
    }
    await drain();
    due = moment.replace('upgrade: ', '');
    if (moment === 'notify') {
      await bringNotify();
    } else if (moment === 'garbage') {
      await bringGarbage();
    } else if (moment.startsWith('upgrade')) {
      void order('upgrade', { bundle: { text: NEW_CODE } });
      await settle();
    } else if (moment !== 'idle') {
      void order('restart');
      await poke();
    }
    return stage.vat('mallory');
  };

  /** Ends the moment: she runs again, or has ended for good. */
  const leave = async (speaker: RawVat): Promise<void> => {
    due = '';
    speaker.lose('the test ends it'); // an upgrade waits for it, perhaps
    await settle();
    const now = mallory();
    if (now) {
      await order(now.state === 'suspended' ? 'resume' : 'restart');
      await poke(); // so that she has a worker
    }
    await drain();
  };

  /** Asks bob, and gives what the client is told. */
  const askBob = async (): Promise<unknown> => {
    const promise = nextPromise();
    const before = client.deliveries.length;
    await stage.say(
      send(stage.root('bob'), 'ask', [], promise),
      subscribe(promise),
    );
    return client.deliveries
      .slice(before)
      .flatMap(told => (told[0] === 'notify' ? told[1] : []))
      .filter(([each]) => each === promise)
      .map(([, isRejected, data]) => [isRejected, data]);
  };

  return {
    stage,
    bring,
    leave,
    askBob,
    mallory,
    bobsRows: () => rowsOfVat(state, idOf('bob')),
    /** Of those who have nothing to do with mallory, on the disk. */
    aloof: async (): Promise<unknown> => {
      await rig.kernel.idle();
      return aloof.map(vat => storedOf(rig.image, vat));
    },
    /** And every line of log. */
    everyRow: () => JSON.stringify([snapshot(state), rig.logs]),
  };
};

/** Every row that there is. */
const snapshot = (state: State): unknown => {
  const { vats, clists, objects, promises, queue, vatChanges, counters } =
    state;
  return [vats, clists, objects, promises, queue, vatChanges, counters].map(
    table => [...table.values()],
  );
};

/** What the vat is being told. */
export const sceneOf = (vat: RawVat): Scene => {
  const flight = vat.deliveries.at(-1);
  const { methargs = dataOf(0), result = null } =
    flight?.[0] === 'message' ? flight[2] : {};
  const [first = 'o+0', second = 'o-50', third = 'p-51'] = methargs.slots;
  return {
    crank: Number(vat.lastCrank),
    names: {
      '<target>': flight?.[0] === 'message' ? flight[1] : 'o+0',
      '<result>': String(result),
      '<0>': first,
      '<1>': second,
      '<2>': third,
    },
  };
};

/** What vats and sessions leave in the tables when they are gone. */
export const rowsLeft = ({ rig }: Stage): string[] => {
  const { vats, clists, objects, promises, queue, vatChanges } =
    rig.kernel.state;
  return Object.entries({ vats, clists, objects, promises, queue, vatChanges })
    .filter(([, { size }]) => size > 0)
    .map(([name]) => name);
};
