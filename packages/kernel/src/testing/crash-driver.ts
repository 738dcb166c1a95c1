import type { ClusterId, Kref, VatId } from '@cooperage/protocol';
import { failStorage } from '../adapters/columns.ts';
import type { Platform } from '../ports.ts';
import { SCHEMA } from '../store/schema.ts';
import { codeOf, doubtSuspension, makeBook, makeDoer } from './crash-deeds.ts';
import { makeOperator, type Operator } from './crash-operator.ts';
import type { Program } from './crash-programs.ts';
import { readContent, wakesIn } from './durable-content.ts';
import { makeDraws, makeSequence, type Draws } from './draws.ts';
import { makeDurableVats } from './durable-vats.ts';
import { PEERS, plainOf, sureWorkOf, workDoneIn } from './durable-work.ts';
import { factsIn, makeJournal, type Entry } from './journal.ts';
import type { Choose } from './explore.ts';
import { makeRig, type Rig } from './rig.ts';
import { drain, makeSteps, TIME, type Lane, type Steps } from './steps.ts';
import { tablesNow, workersNow } from './whole-state.ts';

export type { Deed, Program } from './crash-programs.ts';

/** A storage that can be opened again as it was at any moment. */
export type CrashStorage<Disk> = {
  /** Opens what the disk holds, an empty one unless given. */
  open(disk: Disk | undefined): Promise<{
    readonly db: Platform['db'];
    readonly stores: Platform['stores'];
    /** What the disk holds now; the same as before when nothing has changed. */
    readonly snapshot: () => Disk;
    /** Called after each change of the disk, where the storage knows better than its user. */
    readonly onPoint?: (told: (where: string) => void) => void;
    /** Called once the tables are there and the kernel is about to start. */
    readonly onPrepared?: () => void;
    /** The process is gone. */
    readonly abandon: () => void;
  }>;
};

/** What the world was like when it might have stopped. */
export type Moment<Disk> = {
  readonly where: string;
  readonly disk: Disk;
  readonly known: number;
};

export type RunOptions<Disk> = {
  readonly program: Program;
  readonly storage: CrashStorage<Disk>;
  /** Where the run before this one has stopped, and all that had been known by then. */
  readonly from?: { readonly disk: Disk; readonly known: readonly Entry[] };
  /** Which run of the program's kernel it is, from 1. */
  readonly run?: number;
  /** Has that write to the storage fail, from 1: undone, or done all the same; 0 when it fails by itself. The run ends with the kernel. */
  readonly failure?: { readonly nth: number; readonly isDone: boolean };
  /**
   * Asked, once the cluster runs, which of so many things happens next: what
   * arrives from a vat or at a new worker, or the next deed. Vats are then quick,
   * time passes only when nothing else happens, and no moments are noted.
   */
  readonly schedule?: Choose;
  /** What else is chosen by the schedule. */
  readonly freedom?: Freedom;
  /** Told of all that comes to be known outside, at once. */
  readonly onEntry?: (entry: Entry) => void;
  /** Told where the world might stop. */
  readonly onPoint?: (where: string) => void;
  /** Other options for the kernel than those drawn. */
  readonly kernel?: Parameters<typeof makeRig>[1];
};

export type Freedom = {
  /** Time may pass so often while other things could happen. */
  readonly times?: number;
  /** What is to be done soon may wait while other things happen. */
  readonly isSoonFree?: boolean;
  /** What is sent to a vat may be on its way while other things happen. */
  readonly areVatsSlow?: boolean;
  /** The world may stop: the run has then crashed, and one moment is noted. */
  readonly mayCrash?: boolean;
};

export type RunResult<Disk> = {
  /** How it has ended: as it should, in the middle as the schedule wanted, where others go on, or by the fault of a critical vat. */
  readonly end: 'whole' | 'crashed' | 'known' | 'stopped';
  readonly problems: readonly string[];
  /** Points at which the world might have stopped, by what comes next or has just been. */
  readonly points: ReadonlyMap<string, number>;
  /** Those of them that differ in what the disk held or in what was known. */
  readonly moments: readonly Moment<Disk>[];
  readonly known: readonly Entry[];
  /** What is surely done at the end, each piece once, whichever attempt it was. */
  readonly view: string;
  readonly steps: number;
  /** How often the storage was written to. */
  readonly writes: number;
  /** Pieces of work that were sent by an alias that was known to be revoked. */
  readonly vain: number;
  /** Vats that others have made and that are there at the end. */
  readonly born: number;
};

const MOST_STEPS = 20_000;
const isRequest = ({ kind }: Entry): boolean =>
  kind === 'asked' || kind === 'answered' || kind === 'fetched';

/** What of the facts does not hold of what is stored. */
const brokenFacts = (
  facts: ReadonlyMap<string, string>,
  { kernel: { state } }: Rig,
): string[] =>
  [...facts].flatMap(([thing, fact]) => {
    const [kind, name = ''] = thing.split(' ');
    const vat = [...state.vats.values()].find(row => row.name === name);
    const finders = new Map([
      ['cluster', () => (state.clusterByName.has(name) ? 'there' : 'gone')],
      ['home', () => (state.home.has(name) ? 'there' : 'gone')],
      ['code', () => String(vat?.bundle)],
      ['child', () => (vat ? 'there' : 'gone')],
      [
        'stored',
        () => state.keptBundles.get('person', name)?.hash ?? 'nothing',
      ],
      [
        'alarm',
        () => (state.timerByAlarm.get(name as Kref) ? 'there' : 'gone'),
      ],
      ['suspension', () => (vat?.suspension === null ? 'none' : 'suspended')],
    ]);
    const found = finders.get(kind ?? '')?.();
    return found === fact
      ? []
      : [`${thing} was answered to be ${fact}, and is ${found}`];
  });

/** Clusters whose vats are woken again and again. */
const repeatingClusters = ({ kernel: { state } }: Rig): string[] => {
  const clusters = new Set<ClusterId>();
  for (const { handler, period } of state.timers.values()) {
    const owner = handler && state.objects.get(handler)?.owner;
    const vat = owner ? state.vats.get(owner as VatId) : undefined;
    if (period !== null && vat) {
      clusters.add(vat.cluster);
    }
  }
  return [...clusters].flatMap(id => state.clusters.get(id)?.name ?? []);
};

/** Pieces of work that were not done, or not all that surely follows from them. */
const undoneIn = (
  draw: Draws,
  wanted: readonly string[],
  done: ReadonlySet<string>,
): string[] => {
  const plain = new Set([...done].map(plainOf));
  return [
    ...wanted
      .flatMap(id => sureWorkOf(draw, id))
      .filter(id => !plain.has(id))
      .map(id => `${id} was asked for, and never done`),
    ...[...done]
      .flatMap(id => sureWorkOf(draw, id))
      .filter(id => !done.has(id))
      .map(id => `${id} follows from what was done, and was not done`),
  ];
};

/**
 * Runs a program from its beginning, or from where a crash has left it, to its
 * end: whatever was asked for and not answered is asked for again. Notes every
 * moment at which the world might stop.
 */
export const runProgram = async <Disk>({
  program,
  storage,
  from,
  run = 1,
  failure,
  schedule,
  freedom = {},
  onEntry,
  onPoint = () => {},
  kernel = {},
}: RunOptions<Disk>): Promise<RunResult<Disk>> => {
  const problems: string[] = [];
  const report = (problem: string): void => {
    if (problems.length < 20) {
      problems.push(problem);
    }
  };
  const draw = makeDraws(program.seed);
  const choose = makeSequence(program.seed + 7919 * run);
  const journal = makeJournal(from?.known ?? [], report, onEntry);
  let isHeldStill = false;
  /** Work whose way was cut before it was sent. */
  const vain = new Set<string>();
  const book = makeBook(from?.known ?? []);
  const points = new Map<string, number>();
  const moments: Moment<Disk>[] = [];
  const disk = await storage.open(from?.disk);

  const note = (where: string): void => {
    if (schedule) {
      return;
    }
    points.set(where, (points.get(where) ?? 0) + 1);
    onPoint(where);
    const found = {
      where,
      disk: disk.snapshot(),
      known: journal.entries.length,
    };
    const last = moments.at(-1);
    if (last?.disk !== found.disk) {
      moments.push(found);
    } else if (journal.entries.slice(last.known).some(isRequest)) {
      moments.push(found);
    } else {
      moments[moments.length - 1] = found; // the disk is the same, and more is known of it
    }
  };
  disk.onPoint?.(note);

  const steps: Steps = makeSteps({
    isVatSlow: !schedule || freedom.areVatsSlow === true,
    isSoonAtOnce: schedule !== undefined && !freedom.isSoonFree,
    onMessage: ({ where, lane }) =>
      note(`${where} a message ${lane.split(' ')[0]} a vat`),
    onDelivery: ([kind]) => {
      if (isHeldStill && kind !== 'startVat') {
        report(`a vat was delivered ${kind} to while all were paused`);
      }
    },
  });

  disk.db.prepare(SCHEMA);
  journal.open(readContent(disk.db, disk.stores));
  disk.onPrepared?.();
  const { db, stores } = disk;
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
  /** Vats in the order of their last deliveries. */
  let lastTurns: VatId[] = [];
  const { faults = [], faultsOneIn = 6 } = program;
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
  let cranks = 0;
  const turning: typeof behave = (delivery, vat) => {
    lastTurns = [...lastTurns.filter(id => id !== vat.id), vat.id];
    return behave(delivery, vat);
  };
  const rig = makeRig(turning, {
    parallel: 1 + draw(3, 'parallel'),
    epochCranks: draw(2, 'epochs') ? 1 + draw(6, 'cranks') : 1_000,
    holdMilliseconds: schedule ? 0 : draw(3, 'hold'),
    foldChanges: draw(2, 'fold') ? 1 + draw(20, 'folds') : 1_000,
    foldMilliseconds: 40,
    collectMilliseconds: 60,
    reapReferences: 3,
    reapDeliveries: 5,
    actionsPerDelivery: 2,
    deliveryMilliseconds: faults.includes('silent') ? 20_000 : 1e9,
    bootMilliseconds: 1e9,
    longMilliseconds: 1e9,
    evictMilliseconds: draw(3, 'evict') ? 300_000 : 20 + draw(100, 'idle'),
    services: [
      'timer',
      'revocation',
      'vatAdmin',
      { service: 'fetch', hosts: ['example.org'] },
    ],
    bundles: { helper: { text: codeOf(0) } },
    rules: {
      critical: program.isCritical ?? false,
      onFault: program.isCritical ? 'suspend' : 'restart',
      eviction: draw(2, 'eviction') ? 'any' : 'unseen',
    },
    ...kernel,
    afterCrank: () => {
      cranks += 1;
    },
    wrap: platform =>
      steps.wrap({
        ...platform,
        fetch: ({ url }) => {
          journal.fetch(url);
          note('after a server was asked');
          return {
            answer: new Promise(resolve =>
              steps.post(
                `from ${url}`,
                () =>
                  resolve({
                    status: 200,
                    url,
                    headers: [],
                    bytes: new Uint8Array(),
                  }),
                url,
              ),
            ),
            cancel: () => {},
          };
        },
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
            cranks = 0;
            note('after what was committed is known');
          },
        },
        stores: {
          ...stores,
          fold: (...args) => around('a fold', () => stores.fold(...args)),
          delete: (...args) =>
            around('the deletion of a file', () => stores.delete(...args)),
        },
      }),
  });

  let count = 0;
  let operator: Operator | undefined;
  const hasEnded = (): boolean => rig.kernel.status().state !== 'running';
  /** Time passes as slowly in one program as it is fast in another. */
  const patience = 1 + draw(12, 'patience');
  const chooseLane = (): Lane | undefined => {
    const lanes = steps.choices();
    if (schedule) {
      return lanes[0];
    }
    const busy = lanes.filter(lane => lane !== TIME);
    const some = busy.length > 0 && choose(patience) > 0 ? busy : lanes;
    return some[choose(Math.max(1, some.length))];
  };
  const step = async (lane = chooseLane()): Promise<boolean> => {
    if (lane === undefined || hasEnded()) {
      return false;
    }
    count += 1;
    if (count > MOST_STEPS) {
      throw Error('the world comes to no rest');
    }
    await steps.take(lane);
    operator?.hear();
    note('between two steps');
    return true;
  };
  const world = {
    /** Goes on, as ever it goes, until that has been answered. */
    runUntil: async <Value>(promise: Promise<Value>): Promise<Value> => {
      let isSettled = false;
      const settled = (): void => {
        isSettled = true;
      };
      promise.then(settled, settled);
      await drain();
      while (!isSettled) {
        if (hasEnded()) {
          throw Error('the kernel has ended');
        }
        if (!(await step())) {
          throw Error('nothing more happens, and an answer is still awaited');
        }
      }
      return promise;
    },
  };
  const rest = async (): Promise<void> => {
    while (await step());
  };

  let sessions = 0;
  const enter = async (): Promise<Operator> => {
    sessions += 1;
    const byWork = new Map<string, number>();
    return makeOperator(rig, world, {
      label: `client@${run}.${sessions}`,
      journal,
      report,
      answered: (work, isRejected, claim) => {
        const deed = Number(/\d+/.exec(work)?.[0]);
        byWork.set(work, deed);
        book.settle(deed);
        journal.add({
          kind: 'answered',
          deed,
          thing: claim?.thing,
          fact: isRejected ? undefined : claim?.fact,
          work: isRejected ? undefined : work,
        });
      },
    });
  };

  const storesNow = (): ReadonlyMap<VatId, ReadonlyMap<string, string>> =>
    journal.content()?.stores ?? new Map();
  const doneNow = (): Set<string> =>
    new Set([...storesNow().values()].flatMap(workDoneIn));

  if (from) {
    brokenFacts(factsIn(from.known), rig).forEach(report);
    const done = doneNow();
    for (const entry of from.known) {
      const work = entry.kind === 'answered' ? entry.work : undefined;
      if (work?.startsWith('t') && !done.has(work)) {
        report(`${work} was answered, and is lost`);
      }
    }
  }
  const waiting = program.deeds
    .map((_, index) => index)
    .filter(deed => !book.isSettled(deed));
  const course: { end: RunResult<Disk>['end']; isRefused: boolean } = {
    end: 'whole',
    isRefused: false,
  };
  /** A failing storage has no room for more files: that alone ends no kernel, which does at its next write. */
  const refuse = (problem: string): void => {
    course.isRefused = true;
    if (!failure) {
      report(`the storage does not fail, and yet: ${problem}`);
    }
  };
  let times = freedom.times ?? 0;
  /** All on which it depends how the run goes on; what the vats draw depends on the program alone. */
  const stateNow = (): string =>
    JSON.stringify([
      tablesNow(rig.kernel.state),
      workersNow(rig.vats),
      lastTurns,
      cranks,
      steps.state(),
      waiting,
      times,
      operator?.state(),
      journal.state(),
    ]);
  /** Lets everything come to its end, whatever holds it up. */
  const goToEnd = async (last: Operator): Promise<void> => {
    isHeldStill = false;
    await world.runUntil(last.client.rpc.call('unpause', {}));
    // What repeats has no end but that of its handler.
    for (const cluster of repeatingClusters(rig)) {
      journal.add({ kind: 'asked', deed: -1, thing: `cluster ${cluster}` });
      await world.runUntil(last.client.rpc.call('terminate', { cluster }));
    }
    await rest();
    if ([...rig.kernel.state.vats.values()].some(row => row.suspension)) {
      PEERS.forEach(name => doubtSuspension(journal, name));
      await world.runUntil(last.client.rpc.call('resume', { cluster: 'demo' }));
      await rest();
    }
    await world.runUntil(last.client.rpc.call('collect', {}));
    await rest();
  };
  /** Has the schedule choose until all deeds are done and nothing is left but that time passes. */
  const goInAnyOrder = async (
    ask: Choose,
    doNext: () => Promise<void>,
  ): Promise<void> => {
    for (;;) {
      const lanes = steps.choices().filter(lane => lane !== TIME);
      const isTimeFree = times > 0 && steps.choices().includes(TIME);
      const isRest = lanes.length === 0 && waiting.length === 0;
      const options = [
        ...(waiting.length > 0 ? ['deed'] : []),
        ...lanes.sort(),
        ...(isTimeFree && !isRest ? [TIME] : []),
        ...(isRest ? ['rest'] : []),
        ...(freedom.mayCrash && !from ? ['crash'] : []),
      ];
      const index = options.length > 1 ? ask(options.length, stateNow) : 0;
      const option = index === undefined ? undefined : options[index];
      if (option === undefined || option === 'crash') {
        course.end = option === undefined ? 'known' : 'crashed';
        return;
      }
      if (option === 'rest') {
        return;
      }
      if (option === 'deed') {
        await doNext();
      } else {
        times -= Number(option === TIME);
        await step(option);
      }
      if (hasEnded()) {
        throw Error('the kernel has ended');
      }
    }
  };

  try {
    if (!rig.kernel.state.clusterByName.has('demo')) {
      await world.runUntil(rig.launch('demo', PEERS));
    }
    operator = await enter();
    const doDeed = makeDoer({
      rig,
      program,
      book,
      journal,
      draw,
      report,
      onPause: isPaused => {
        isHeldStill = isPaused;
      },
      onVain: id => vain.add(id),
      onStorage: refuse,
      now: steps.clock.now,
    });
    const doNext = async (): Promise<void> => {
      const deed = waiting.shift() ?? 0;
      if (operator && (await doDeed(operator, deed))) {
        const left = operator;
        operator = await enter();
        left.client.rpc.close();
      }
      if (schedule) {
        await steps.settle();
      }
      note('after a request');
    };
    while (waiting.length > 0 && !schedule) {
      if (hasEnded()) {
        throw Error('the kernel has ended');
      }
      if (steps.choices().length > 0 && choose(4) > 0) {
        await step();
      } else {
        await doNext();
      }
    }
    if (schedule) {
      await goInAnyOrder(schedule, doNext);
    }
    if (course.end === 'whole') {
      await goToEnd(operator);
    }
  } catch (problem) {
    if (rig.kernel.status().state === 'critical-failed') {
      course.end = 'stopped';
    } else if (Object(problem).code === 'STORAGE_FAILED') {
      refuse(String(problem));
    } else if (!failure || !hasEnded()) {
      report(`the run has failed: ${String(problem)}`);
    }
  }
  await drain();
  operator?.hear();
  const { state, reason } = rig.kernel.status();
  if (course.end === 'stopped') {
    if (!program.isCritical) {
      report(`no vat is critical, and the kernel has stopped: ${reason}`);
    }
  } else if (state === 'running' && course.isRefused) {
    // What is stored is as sound as in a kernel that has ended.
  } else if (state !== (failure ? 'storage-failed' : 'running')) {
    report(`the kernel is ${state}: ${reason}`);
  }
  const wanted = program.deeds.flatMap((deed, index) =>
    deed.do === 'work' ? [`t${index}`] : [],
  );
  const done = doneNow();
  if (!failure && course.end === 'whole') {
    undoneIn(draw, wanted, done).forEach(report);
    brokenFacts(factsIn(journal.entries), rig).forEach(report);
    const content = journal.content();
    const wakes = content ? wakesIn(content) : 0;
    const alarms = journal.countAlarms();
    if (wakes !== alarms) {
      report(`${alarms} alarms were set, and vats were woken ${wakes} times`);
    }
  }
  [...done]
    .filter(id => vain.has(id))
    .forEach(id => report(`${id} was done, and its way was cut before`));
  note('at the end');
  if (course.end === 'crashed') {
    moments.push({
      where: 'a crash',
      disk: disk.snapshot(),
      known: journal.entries.length,
    });
  }
  steps.stop();
  disk.abandon();
  return {
    end: course.end,
    problems,
    points,
    moments,
    known: journal.entries,
    view: [...new Set([...done].filter(id => !id.includes('h')).map(plainOf))]
      .sort()
      .join(),
    steps: count,
    writes,
    vain: vain.size,
    born: rig.kernel.state.children.size,
  };
};

/** Continues where the world stopped at that moment of a run. */
export const resumeAt = <Disk>(
  options: RunOptions<Disk>,
  result: RunResult<Disk>,
  { disk, known }: Pick<Moment<Disk>, 'disk' | 'known'>,
): Promise<RunResult<Disk>> =>
  runProgram({
    ...options,
    run: (options.run ?? 1) + 1,
    from: { disk, known: result.known.slice(0, known) },
  });
