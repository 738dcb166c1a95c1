import type { VatId } from '@cooperage/protocol';
import { SCHEMA } from '../store/schema.ts';
import type { VatRow } from '../store/vat-schema.ts';
import { doubtStanding, makeBook } from './crash-book.ts';
import { makeDoer } from './crash-deeds.ts';
import {
  brokenFacts,
  repeatingClusters,
  undoneIn,
  unheardEnds,
} from './crash-facts.ts';
import { makeMoments } from './crash-moments.ts';
import { makeOperator, type Operator } from './crash-operator.ts';
import { makeCrashRig } from './crash-rig.ts';
import type { Moment, RunOptions, RunResult } from './crash-runs.ts';
import { makeWorld } from './crash-world.ts';
import { readContent, wakesIn } from './durable-content.ts';
import { makeDraws, makeSequence } from './draws.ts';
import { PEERS, plainOf, workDoneIn } from './durable-work.ts';
import type { Choose } from './explore.ts';
import { factsIn, makeJournal } from './journal.ts';
import { drain, TIME } from './steps.ts';
import { tablesNow, workersNow } from './whole-state.ts';

export type { Deed, Program } from './crash-programs.ts';
export type { CrashStorage, Freedom, RunOptions } from './crash-runs.ts';

/** How vats that are held up are let go on at the end, and which these are. */
const LETTING_GO: readonly [string, (row: VatRow) => boolean][] = [
  ['unpause', ({ paused }) => paused === 1],
  ['resume', ({ suspension }) => suspension !== null],
];

/**
 * Runs a program from its beginning, or from where a crash has left it, to its
 * end: whatever was asked for and not answered is asked for again. Notes every
 * moment at which the world might stop.
 */
export const runProgram = async <Disk>(
  options: RunOptions<Disk>,
): Promise<RunResult<Disk>> => {
  const { program, storage, from, run = 1, onEntry } = options;
  const { failure, schedule, freedom = {} } = options;
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
  /** From now on vats move, whatever order to hold them is answered yet. */
  let isEnding = false;
  /** Work whose way was cut before it was sent. */
  const vain = new Set<string>();
  const book = makeBook(from?.known ?? []);
  const disk = await storage.open(from?.disk);
  const { note, ...noted } = makeMoments(disk.snapshot, journal, options);
  disk.onPoint?.(note);
  disk.db.prepare(SCHEMA);
  journal.open(readContent(disk.db, disk.stores));
  disk.onPrepared?.();
  const { rig, steps, ...counted } = makeCrashRig(disk, {
    ...options,
    run,
    draw,
    journal,
    note,
    report,
    isHeldStill: () => isHeldStill && !isEnding,
  });

  let operator: Operator | undefined;
  const hasEnded = (): boolean => rig.kernel.status().state !== 'running';
  const world = makeWorld({
    steps,
    choose,
    hasEnded,
    patience: schedule ? undefined : 1 + draw(12, 'patience'),
    afterStep: () => {
      operator?.hear();
      note('between two steps');
    },
  });
  const { step, rest } = world;

  const vatNamed = (name: string) =>
    [...rig.kernel.state.vats.values()].find(row => row.name === name);
  /** Somebody was told how the vat has ended. */
  const insistEnded = (name: string): void => {
    if (vatNamed(name)) {
      report(`${name} is there, and its end was told`);
    }
  };
  let sessions = 0;
  const enter = async (): Promise<Operator> => {
    sessions += 1;
    return makeOperator(rig, world, {
      label: `client@${run}.${sessions}`,
      journal,
      report,
      answered: (work, isRejected, claim) => {
        const deed = Number(/\d+/.exec(work)?.[0]);
        if (work.startsWith('e')) {
          insistEnded(work.replace(/^.* /, ''));
        }
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
      counted.state(),
      steps.state(),
      waiting,
      times,
      operator?.state(),
      journal.state(),
    ]);
  /** Lets everything come to its end, whatever holds it up. */
  const goToEnd = async (last: Operator): Promise<void> => {
    isEnding = true;
    await world.runUntil(last.client.rpc.call('unpause', {}));
    // What repeats has no end but that of its handler.
    for (const cluster of repeatingClusters(rig)) {
      journal.add({ kind: 'asked', deed: -1, thing: `cluster ${cluster}` });
      await world.runUntil(last.client.rpc.call('terminate', { cluster }));
    }
    await rest();
    for (const [method, isMeant] of LETTING_GO) {
      if ([...rig.kernel.state.vats.values()].some(isMeant)) {
        PEERS.forEach(name => doubtStanding(journal, name));
        await world.runUntil(last.client.rpc.call(method, { cluster: 'demo' }));
        await rest();
      }
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
    unheardEnds(rig, storesNow()).forEach(report);
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
    noted.crash();
  }
  steps.stop();
  disk.abandon();
  return {
    end: course.end,
    problems,
    points: noted.points,
    moments: noted.moments,
    known: journal.entries,
    view: [...new Set([...done].filter(id => !id.includes('h')).map(plainOf))]
      .sort()
      .join(),
    steps: world.steps(),
    writes: counted.writes(),
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
