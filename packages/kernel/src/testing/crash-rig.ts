import { failStorage } from '../adapters/columns.ts';
import { codeOf } from './crash-code.ts';
import type { CrashStorage, RunOptions } from './crash-runs.ts';
import type { Draws } from './draws.ts';
import { makeDurableVats } from './durable-vats.ts';
import type { Journal } from './journal.ts';
import { makeRig, type Rig } from './rig.ts';
import { makeSteps } from './steps.ts';

type OpenDisk<Disk> = Pick<
  Awaited<ReturnType<CrashStorage<Disk>['open']>>,
  'db' | 'stores'
>;

/** The storage, each write to which is noted, and one fails if it is to. */
const watchStorage = <Disk>(
  { db, stores }: OpenDisk<Disk>,
  {
    journal,
    failure,
    note,
    onCommit,
  }: {
    journal: Journal;
    failure: RunOptions<Disk>['failure'];
    note: (where: string) => void;
    onCommit: () => void;
  },
) => {
  let writes = 0;
  /** One write to the storage. */
  const around = (what: string, work: () => void): void => {
    writes += 1;
    const isToFail = writes === failure?.nth;
    note(`before ${what}`);
    if (!isToFail || failure?.isDone) {
      work();
    }
    note(`after ${what}`);
    if (isToFail) {
      throw failStorage(what, 'the test says so');
    }
  };
  const watched: OpenDisk<Disk> = {
    db: {
      ...db,
      get counters() {
        return db.counters;
      },
      prepare: () => {},
      commit: changes => {
        journal.begin(changes);
        around('a commit', () => db.commit(changes));
        journal.end();
        onCommit();
        note('after what was committed is known');
      },
    },
    stores: {
      ...stores,
      fold: (...args) => around('a fold', () => stores.fold(...args)),
      delete: (...args) =>
        around('the deletion of a file', () => stores.delete(...args)),
    },
  };
  return { ...watched, writes: () => writes };
};

/** How the kernel of a program works, which is drawn too. */
const optionsFor = (
  {
    program: { faults = [], isCritical = false },
    schedule,
  }: Pick<RunOptions<never>, 'program' | 'schedule'>,
  draw: Draws,
): NonNullable<Parameters<typeof makeRig>[1]> => ({
  parallel: 1 + draw(3, 'parallel'),
  epochCranks: draw(2, 'epochs') ? 1 + draw(6, 'cranks') : 1_000,
  holdMilliseconds: schedule ? 0 : draw(3, 'hold'),
  foldChanges: draw(2, 'fold') ? 1 + draw(20, 'folds') : 1_000,
  foldMilliseconds: 40,
  collectMilliseconds: 60,
  reapReferences: 3,
  fewReferences: 1,
  reapDeliveries: 5,
  actionsPerDelivery: 2,
  deliveryMilliseconds: faults.includes('silent') ? 20_000 : 1e9,
  bootMilliseconds: 1e9,
  longMilliseconds: 1e9,
  quickMilliseconds: 0,
  evictMilliseconds: draw(3, 'evict') ? 300_000 : 20 + draw(100, 'idle'),
  services: [
    'timer',
    'revocation',
    'vatAdmin',
    { service: 'fetch', hosts: ['example.org'] },
  ],
  bundles: { helper: { text: codeOf(0) } },
  rules: {
    critical: isCritical,
    onFault: isCritical ? 'suspend' : 'restart',
    eviction: draw(2, 'eviction') ? 'any' : 'unseen',
  },
});

/** A kernel over the storage, with vats that have their minds in their stores, in a world that goes step by step. */
export const makeCrashRig = <Disk>(
  disk: OpenDisk<Disk>,
  {
    draw,
    journal,
    note,
    report,
    isHeldStill,
    ...options
  }: RunOptions<Disk> & {
    run: number;
    draw: Draws;
    journal: Journal;
    note: (where: string) => void;
    report: (problem: string) => void;
    /** Whether no vat may get anything. */
    isHeldStill: () => boolean;
  },
) => {
  const { program, run, schedule, freedom = {}, failure, kernel } = options;
  const { faults = [], faultsOneIn = 6 } = program;
  let cranks = 0;
  const steps = makeSteps({
    isVatSlow: !schedule || freedom.areVatsSlow === true,
    isSoonAtOnce: schedule !== undefined && !freedom.isSoonFree,
    onMessage: ({ where, lane }) =>
      note(`${where} a message ${lane.split(' ')[0]} a vat`),
    onDelivery: ([kind], vat) => {
      if (isHeldStill() && kind !== 'startVat') {
        report(`a vat was delivered ${kind} to while all were paused`);
      }
      const isWork = kind === 'message' || kind === 'notify';
      if (isWork && rig.kernel.state.vats.get(vat)?.paused) {
        report(`${vat} was delivered ${kind} to while it was paused`);
      }
    },
  });
  const storage = watchStorage(disk, {
    journal,
    failure,
    note,
    onCommit: () => {
      cranks = 0;
    },
  });
  const behave = makeDurableVats({
    draw,
    run,
    report,
    // A crash does not count the tries at a delivery: only the first run has faults.
    faultAt: id =>
      run === 1 && draw(faultsOneIn, id, 'fault') === 0
        ? faults[draw(Math.max(1, faults.length), id, 'which fault')]
        : undefined,
  });
  const askServer = (url: string) => {
    journal.fetch(url);
    note('after a server was asked');
    const answer = { status: 200, url, headers: [], bytes: new Uint8Array() };
    return {
      answer: new Promise<typeof answer>(resolve =>
        steps.post(`from ${url}`, () => resolve(answer), url),
      ),
      cancel: () => {},
    };
  };
  const rig: Rig = makeRig(behave, {
    ...optionsFor(options, draw),
    ...kernel,
    afterCrank: () => {
      cranks += 1;
    },
    wrap: platform =>
      steps.wrap({
        ...platform,
        fetch: ({ url }) => askServer(url),
        db: storage.db,
        stores: storage.stores,
      }),
  });
  return {
    rig,
    steps,
    /** How often the storage was written to. */
    writes: storage.writes,
    /** Of what the kernel knows beside its tables, what it does next may hang on this. */
    state: (): unknown => [rig.kernel.memory(), cranks],
  };
};
