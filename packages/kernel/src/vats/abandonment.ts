import harden from '@endo/harden';
import {
  type FaultPolicy,
  type LogLevel,
  type VatId,
} from '@cooperage/protocol';
import type { CrankParts } from '../crank.ts';
import { insistRow } from '../faults.ts';
import type { Lives } from '../lives.ts';
import type { QueueRow } from '../store/schema.ts';
import type { VatRow } from '../store/vat-schema.ts';
import type { State } from '../store/state.ts';
import type { Flight } from '../translate/to-endpoint.ts';
import type { Trials } from './trials.ts';
import type { LossCause } from './worker-owner.ts';
import type { Workers } from './workers.ts';

/** Lost starts of one incarnation before it is given up; so many abandoned deliveries count as faults. */
const MAX_TRIES = 3;

/** With U+FFFD for each half of a surrogate pair, as a database would store it. */
const toWellFormed = (text: string): string =>
  text.replace(/\p{Surrogate}/gu, '\ufffd');

/** What follows when a worker is gone, or not to be trusted any more. */
export const makeAbandonment = (
  state: State,
  {
    parts,
    lives,
    workers,
    onEnded,
    trials,
    onCriticalLoss,
    say,
  }: {
    parts: CrankParts;
    lives: Lives;
    workers: Workers;
    trials: Pick<Trials, 'end'>;
    onEnded: (vat: VatId) => void;
    /** A critical vat was suspended for a fault. Stops the kernel: does not return. */
    onCriticalLoss: (row: VatRow, reason: string) => void;
    say: (vat: VatId, level: LogLevel, text: string) => void;
  },
) => {
  /** Deliveries in flight. */
  const flights = new Map<VatId, Flight>();
  /** Starts in a row that were lost before startVat was applied. */
  const lostStarts = new Map<VatId, number>();
  /** Vats that were in flight when the process of all was lost, and how often, until a delivery has ended well. */
  const suspects = new Map<VatId, number>();

  const vatRow = (vat: VatId): VatRow =>
    insistRow(state.vats.get(vat), `vat ${vat}`);

  const endFlight = (vat: VatId, isTaken = false): void => {
    flights.delete(vat);
    trials.end(vat, isTaken);
  };
  const forget = (vat: VatId): void => {
    workers.kill(vat);
    endFlight(vat);
  };

  /** It has no heap, and what waits for it waits until a person has seen to it. */
  const giveUp = (vat: VatId, problem: string): void => {
    const row = vatRow(vat);
    const reason = toWellFormed(problem);
    say(vat, 'error', `suspended: ${reason}`);
    parts.run(() => lives.suspendVat(vat, reason, 'kernel'));
    if (row.critical) {
      onCriticalLoss(row, reason);
    }
  };

  /** Its code can't run at all. */
  const fail = (vat: VatId, problem: string): void => {
    forget(vat);
    lostStarts.delete(vat);
    if (vatRow(vat).critical) {
      giveUp(vat, `it can't run: ${problem}`);
    } else {
      const failure = toWellFormed(problem);
      say(vat, 'error', `can't run: ${failure}`);
      parts.run(() => lives.failVat(vat, failure));
    }
  };

  /** Its file can't be used, so its next heap could not start; with one that goes on now it could only lose more. */
  const spoil = (vat: VatId, problem: string): void => {
    const { failure, suspension } = vatRow(vat);
    if (failure === null && suspension === null) {
      forget(vat);
      parts.run(() => lives.loseHeap(vat, `vat lost its heap: ${problem}`));
      fail(vat, problem);
    } else {
      say(vat, 'error', problem);
    }
  };

  /** Restarted as before it would take all other vats along again. */
  const punishmentOf = ({ onFault }: VatRow): FaultPolicy =>
    onFault === 'terminate' ? 'terminate' : 'suspend';

  /** It was in flight when the process of all was lost. Only a suspect that was alone must have been the cause. */
  const answerOfSuspect = (
    row: VatRow,
    cause: 'host' | 'alone',
  ): FaultPolicy => {
    const losses = suspects.get(row.id) ?? 0;
    if (losses === 0 || cause === 'host') {
      suspects.set(row.id, losses + 1);
      return 'restart';
    }
    suspects.delete(row.id);
    return punishmentOf(row);
  };

  const triesOf = (flight: Flight | undefined): number =>
    (flight?.item?.tries ?? 0) + 1;

  /** What its config says; but a notify is never given up, and a vat that has failed at one so often is not restarted for it for ever. */
  const answerToFault = (
    { onFault }: VatRow,
    flight: Flight | undefined,
  ): FaultPolicy =>
    onFault === 'restart' &&
    flight?.item?.kind === 'notify' &&
    triesOf(flight) >= MAX_TRIES
      ? 'suspend'
      : onFault;

  /** What follows for the vat. A loss that is no fault of the vat counts as one when a delivery meets it again and again. */
  const answerTo = (
    row: VatRow,
    cause: LossCause,
    flight: Flight | undefined,
  ): FaultPolicy => {
    switch (cause) {
      case 'exit':
        return 'suspend';
      case 'fault':
        return answerToFault(row, flight);
      case 'host':
      case 'alone':
        return flight ? answerOfSuspect(row, cause) : 'restart';
      case 'asked':
        return punishmentOf(row);
      case 'worker':
        return triesOf(flight) >= MAX_TRIES
          ? answerToFault(row, flight)
          : 'restart';
    }
  };

  const loseStart = (
    vat: VatId,
    reason: string,
    cause: LossCause,
    answer: FaultPolicy,
  ): void => {
    if (answer === 'suspend') {
      lostStarts.delete(vat);
      parts.run(() => lives.suspendVat(vat, reason, 'kernel'));
    } else if (cause === 'fault' || cause === 'worker') {
      const lost = (lostStarts.get(vat) ?? 0) + 1;
      lostStarts.set(vat, lost);
      if (lost >= MAX_TRIES) {
        fail(vat, `${lost} starts were lost; the last one: ${reason}`);
      }
    }
  };

  const loseHeap = (
    vat: VatId,
    item: QueueRow | null | undefined,
    reason: string,
    answer: FaultPolicy,
  ): void =>
    parts.run(() => {
      if (item) {
        lives.countTry(item, reason); // it stays at the head of its inbox
      }
      lives.loseHeap(vat, `vat lost its heap: ${reason}`);
      if (answer === 'suspend') {
        lives.suspendVat(vat, reason, 'kernel');
      }
    });

  /** Its worker is gone or not to be trusted: the delivery in flight is void, and is made again, now or later, or given up. */
  const abandon = (vat: VatId, problem: string, cause: LossCause): void => {
    const flight = flights.get(vat);
    const reason = toWellFormed(problem);
    forget(vat);
    say(
      vat,
      'error',
      `${flight ? 'delivery abandoned' : 'heap lost'}: ${reason}`,
    );
    const row = vatRow(vat);
    const usual = answerTo(row, cause, flight);
    // A critical vat is kept with all it has, for a person to see to.
    const answer = row.critical && usual === 'terminate' ? 'suspend' : usual;
    if (answer === 'terminate') {
      parts.run(() => lives.endVats([vat], `vat was ended: ${reason}`));
      onEnded(vat);
    } else if (row.asleep) {
      loseStart(vat, reason, cause, answer);
    } else {
      // Any of those in flight may be the cause, so of none it counts as a try.
      const tried = cause === 'host' ? undefined : flight?.item;
      loseHeap(vat, tried, reason, answer);
    }
    if (row.critical && answer === 'suspend') {
      onCriticalLoss(row, reason);
    }
  };

  /** What it asks for takes the process of all along, again and again. */
  const blame = (vat: VatId, problem: string): void => {
    if (state.vats.get(vat)?.suspension === null) {
      abandon(vat, problem, 'asked');
    }
  };

  return {
    flights,
    endFlight,
    lostStarts,
    suspects,
    abandon,
    blame,
    fail,
    giveUp,
    spoil,
  };
};
harden(makeAbandonment);
