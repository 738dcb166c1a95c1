import harden from '@endo/harden';
import {
  encodeError,
  type FaultPolicy,
  type LogLevel,
  type VatId,
} from '@cooperage/protocol';
import type { CrankParts } from '../crank.ts';
import { insistRow } from '../faults.ts';
import type { Lives } from '../lives.ts';
import type { QueueRow, VatRow } from '../store/schema.ts';
import type { State } from '../store/state.ts';
import type { Flight } from '../translate/to-endpoint.ts';
import type { LossCause } from './worker-owner.ts';
import type { Workers } from './workers.ts';

/** Abandoned deliveries of one item, or lost starts of one incarnation, before it is given up. */
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
    say,
  }: {
    parts: CrankParts;
    lives: Lives;
    workers: Workers;
    onEnded: (row: VatRow) => void;
    say: (vat: VatId, level: LogLevel, text: string) => void;
  },
) => {
  /** Deliveries in flight. */
  const flights = new Map<VatId, Flight>();
  /** Starts in a row that were lost before startVat was applied. */
  const lostStarts = new Map<VatId, number>();
  /** Vats that were in flight when the process of all was lost, until a delivery has ended well. */
  const suspects = new Set<VatId>();

  const vatRow = (vat: VatId): VatRow =>
    insistRow(state.vats.get(vat), `vat ${vat}`);

  const forget = (vat: VatId): void => {
    workers.kill(vat);
    flights.delete(vat);
  };

  /** Its code can't run at all. */
  const fail = (vat: VatId, problem: string): void => {
    forget(vat);
    lostStarts.delete(vat);
    const failure = toWellFormed(problem);
    parts.run(() => lives.failVat(vat, failure));
    say(vat, 'error', `can't run: ${failure}`);
  };

  /** The item stays at the head of its inbox; tried often enough, its answer rejects. */
  const countTry = (item: QueueRow, reason: string): void => {
    const tried = parts.inbox.countTry(item);
    if (tried.tries >= MAX_TRIES) {
      const problem = `given up after ${tried.tries} tries: ${reason}`;
      lives.refuse(tried, encodeError('Error', problem));
    }
  };

  /** A second loss of the shared process while the vat was in flight, each time: so it may be the cause. */
  const isBlamed = (vat: VatId, wasInFlight: boolean): boolean => {
    if (!wasInFlight) {
      return false;
    }
    const isSecond = suspects.delete(vat);
    if (!isSecond) {
      suspects.add(vat);
    }
    return isSecond;
  };

  /** What follows for the vat. A loss that is no fault of the vat counts as one when a delivery meets it again and again. */
  const answerTo = (
    row: VatRow,
    cause: LossCause,
    flight: Flight | undefined,
  ): FaultPolicy => {
    const tries = (flight?.item?.tries ?? 0) + 1;
    switch (cause) {
      case 'fault':
        return row.onFault;
      case 'host':
        // Restarted as before it would take all other vats along again.
        return isBlamed(row.id, flight !== undefined)
          ? row.onFault === 'terminate'
            ? 'terminate'
            : 'suspend'
          : 'restart';
      case 'worker':
        return tries >= MAX_TRIES ? row.onFault : 'restart';
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
      parts.run(() => lives.suspendVat(vat, reason));
    } else if (cause !== 'host') {
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
        countTry(item, reason);
      }
      lives.loseHeap(vat, `vat lost its heap: ${reason}`);
      if (answer === 'suspend') {
        lives.suspendVat(vat, reason);
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
    const answer = answerTo(row, cause, flight);
    if (answer === 'terminate') {
      lostStarts.delete(vat);
      parts.run(() => lives.endVat(vat, `vat was ended: ${reason}`));
      onEnded(row);
    } else if (row.asleep) {
      loseStart(vat, reason, cause, answer);
    } else {
      loseHeap(vat, flight?.item, reason, answer);
    }
  };

  return { flights, lostStarts, suspects, abandon, fail };
};
harden(makeAbandonment);
