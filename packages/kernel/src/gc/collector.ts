import harden from '@endo/harden';
import {
  CooperageError,
  isExportVref,
  isPromiseKref,
  type ControlMethods,
  type Kref,
  type VatId,
} from '@cooperage/protocol';
import type { CrankParts } from '../crank.ts';
import type { Phase } from '../phase.ts';
import type { Clock } from '../ports.ts';
import type { State } from '../store/state.ts';
import { makeChores } from './chores.ts';
import { makeCollection } from './collection.ts';
import { makeDirt } from './dirt.ts';

export type CollectorOptions = {
  /** A vat at work is reaped after so many references that it got, or so many deliveries; 1,000 and 20,000 by default. */
  readonly reapReferences?: number;
  readonly reapDeliveries?: number;
  /** A vat that has got fewer references, and was reaped less than three times `overdueMilliseconds` ago, is not reaped at the next idleness; 100 by default. */
  readonly fewReferences?: number;
  /** References in one delivery that tells of garbage, at most; so many are delivered to a vat at work. 1,000 by default. */
  readonly actionsPerDelivery?: number;
  /** How long the kernel is idle before it collects garbage; 500 by default, Infinity for never. */
  readonly collectMilliseconds?: number;
  /** A vat that was told of garbage, or has got references that are not few, is reaped after so long, one that had other deliveries after three times as long, and an endpoint told what is due to it, although the kernel is never idle; 10,000 by default. */
  readonly overdueMilliseconds?: number;
};

/** Vats without a heap whose c-list has what earlier heaps held: one that starts gives up what its store does not need. */
const listHeirs = (state: State): VatId[] =>
  [...state.vats.values()]
    .filter(
      ({ id, asleep }) =>
        asleep === 1 &&
        state.clistByEndpoint
          .values(id)
          .some(({ kref, vref }) => isPromiseKref(kref) || !isExportVref(vref)),
    )
    .map(({ id }) => id);

/** The parts that decide when garbage is looked for, joined. */
export const makeCollector = (
  state: State,
  parts: CrankParts,
  {
    options,
    ...powers
  }: {
    options: CollectorOptions;
    clock: Clock;
    phase: Phase;
    /** True when the vat has a heap and may be delivered to. */
    isAwake: (vat: VatId) => boolean;
    /** Starts a vat that sleeps, if it may run. */
    wake: (vat: VatId) => void;
    /** True when nothing is in flight, no vat starts, and no worker is on its way. */
    isQuiet: () => boolean;
    isPaused: () => boolean;
    /** Services forget what nobody can hear of; true when something has gone. */
    sweep: () => boolean;
    pump: () => void;
  },
) => {
  const { actions, flights, inbox, worklist } = parts;
  const overdueMilliseconds = options.overdueMilliseconds ?? 10_000;
  const idleMilliseconds = options.collectMilliseconds ?? 500;
  const dirt = makeDirt(
    {
      milliseconds: overdueMilliseconds,
      references: options.reapReferences ?? 1_000,
      few: options.fewReferences ?? 100,
      deliveries: options.reapDeliveries ?? 20_000,
    },
    powers.clock.now,
  );
  const chores = makeChores({
    actions,
    flights,
    inbox,
    dirt,
    isAwake: powers.isAwake,
    actionsPerDelivery: options.actionsPerDelivery ?? 1_000,
    onWork: isChore => collection.worked(isChore),
  });
  const breakUp = (cycles: ReadonlySet<Kref>): void => {
    if (cycles.size > 0) {
      parts.run(() => worklist.breakUp(cycles));
    }
  };
  const collection = makeCollection({
    ...powers,
    chores,
    dirt,
    actions,
    search: () => {
      if (worklist.isSearchDue()) {
        breakUp(worklist.searchOn());
      }
      return worklist.isSearchDue();
    },
    heirs: () => listHeirs(state),
    overdueMilliseconds,
    idleMilliseconds,
  });
  return {
    chores,
    goOn: collection.goOn,
    /** True when the vat is to be reaped before its heap may go: what it holds nobody could take from it while it sleeps. */
    reapBeforeSleep: (vat: VatId): boolean => {
      const isToReap = idleMilliseconds < Infinity && dirt.holdsAnything(vat);
      if (isToReap) {
        chores.reap(vat);
      }
      return isToReap;
    },
    /** On what, beside the tables, it hangs when garbage is looked for, and whose. */
    memory: () => ({
      dirt: dirt.memory(),
      chores: chores.memory(),
      collection: collection.memory(),
      due: actions.memory(),
      unsearched: worklist.memory(),
    }),
    /**
     * Resolves with how many rows are left when all garbage is gone; to be
     * pumped after this. Throws CooperageError BAD_REQUEST while the kernel is paused.
     */
    collect: async (): Promise<ControlMethods['collect']['result']> => {
      if (powers.isPaused()) {
        throw new CooperageError(
          'BAD_REQUEST',
          'The kernel is paused: unpause it first',
        );
      }
      await collection.collect();
      return {
        objects: state.objects.size,
        promises: state.promises.size,
        references: state.clists.size,
      };
    },
    /** Finds what an earlier run of the kernel left to be done. */
    restore: (): void => {
      breakUp(worklist.searchAll());
      actions.restore();
    },
  };
};
harden(makeCollector);
