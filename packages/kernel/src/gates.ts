import harden from '@endo/harden';
import type { VatId } from '@cooperage/protocol';
import type { Inbox } from './inbox.ts';
import type { KernelOptions } from './kernel-options.ts';
import type { Phase } from './phase.ts';
import { makePlaces } from './places.ts';
import type { Clock } from './ports.ts';
import { makeSolitude } from './solitude.ts';
import type { State } from './store/state.ts';
import type { Candidates } from './vats/candidates.ts';
import type { Pace } from './vats/pace.ts';
import type { Runner } from './vats/runner.ts';
import type { Trials } from './vats/trials.ts';

type GatePowers = {
  clock: Clock;
  options: KernelOptions;
  phase: Phase;
  runner: Runner;
  candidates: Candidates;
  inbox: Inbox;
  trials: Pick<Trials, 'left'>;
  pace: Pick<Pace, 'isQuick'>;
  pump: () => void;
};

type After = (milliseconds: number, callback: () => void) => void;

/** Whether a delivery may begin, as far as it may be a trial; if not, `pump` is called when no more are. */
const makeTurns = ({
  trials,
  inFlight,
  after,
  pump,
}: Pick<GatePowers, 'trials' | 'pump'> & {
  inFlight: () => number;
  after: After;
}) => {
  let isWaiting = false;
  return (): boolean => {
    const left = trials.left();
    if (left === 0 || inFlight() === 0) {
      return true;
    }
    if (!isWaiting) {
      isWaiting = true;
      after(left, () => {
        isWaiting = false;
        pump();
      });
    }
    return false;
  };
};

/**
 * What a delivery has to pass before it begins: places for all, places for those
 * that start a vat, and the solitude of suspects. A start runs the code of a
 * whole vat and takes the processor for long, so with the time-sharing of other
 * deliveries a crowd of starts would share it among them all, until all pass
 * their deadlines. Starts that are held have places of their own: whoever makes
 * vats without end keeps none that is there from starting.
 */
export const makeGates = (
  state: State,
  {
    clock,
    options,
    phase,
    runner,
    candidates: { line: held },
    inbox,
    trials,
    pace,
    pump,
  }: GatePowers,
) => {
  const { parallel = 2, longMilliseconds = 20 } = options;
  const { longStartMilliseconds = 2_000, aloneMilliseconds = 1_000 } = options;
  const after = (milliseconds: number, callback: () => void): (() => void) =>
    clock.after(milliseconds, () => phase.guard(callback));
  const common = { after, onPlace: pump };
  const places = makePlaces({
    ...common,
    most: parallel,
    longMilliseconds,
    flights: runner.flights,
    isQuick: pace.isQuick,
  });
  const starts = makePlaces({
    ...common,
    most: parallel,
    longMilliseconds: longStartMilliseconds,
    flights: () =>
      new Map(
        [...runner.flights()].filter(
          ([, { delivery }]) => delivery[0] === 'startVat',
        ),
      ),
  });
  const heldStarts = makePlaces({
    ...common,
    most: Math.max(parallel, 2), // with 1 a start that spins would keep all others waiting
    longMilliseconds: longStartMilliseconds,
    flights: held.flights,
  });
  const inFlight = (): number => runner.inFlight() + held.flights().size;
  const { isLetIn } = makeSolitude({
    milliseconds: aloneMilliseconds,
    suspects: () =>
      held.suspects().size === 0
        ? runner.suspects()
        : new Map([...runner.suspects(), ...held.suspects()]),
    isInFlight: vat => runner.isFlying(vat) || held.flights().has(vat),
    inFlight,
    isInWant: vat =>
      held.isSuspectWaiting(vat) ||
      (runner.isReady(vat) &&
        runner.isFree(vat) &&
        inbox.head(vat) !== undefined),
    now: () => clock.now(),
    after,
    onOver: pump,
  });
  const isTurn = makeTurns({ trials, inFlight, after, pump });
  /** The next delivery to the vat, if it is ready for one, is its startVat. */
  const isToStart = (vat: VatId): boolean =>
    runner.isReady(vat) && state.vats.get(vat)?.asleep === 1;

  return harden({
    isLetIn,
    /** Whether there is a place for a delivery to a vat that could take it; if not, `pump` is called in a while. */
    isPlace: (vat: VatId): boolean =>
      isTurn() &&
      places.isPlace(vat) &&
      (!isToStart(vat) || starts.isPlace(vat)),
    /** Whether the startVat of a candidate may begin; if not, `pump` is called in a while. */
    mayBegin: (vat: VatId): boolean =>
      isTurn() && heldStarts.isPlace(vat) && isLetIn(vat),
  });
};
harden(makeGates);

export type Gates = ReturnType<typeof makeGates>;
