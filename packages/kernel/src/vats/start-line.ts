import harden from '@endo/harden';
import type { VatId } from '@cooperage/protocol';
import type { Clock } from '../ports.ts';
import type { Flight } from '../translate/to-endpoint.ts';
import { makeAskers } from './askers.ts';
import { makeFairLine } from './fair-line.ts';
import type { LossCause } from './worker-owner.ts';

/** Who is behind a start. */
export type Behind = {
  /** Who takes turns with others. */
  readonly party: string;
  /** The vat that has asked for it, if one has: it answers for a start that takes the process of all vats along. */
  readonly asker?: VatId | undefined;
};

/** A start whose worker is ready: it waits for leave to begin, or is under way. */
export type ReadyStart = Behind & {
  readonly vat: VatId;
  readonly name: string;
  readonly flight: Flight;
  readonly begin: () => void;
};

/**
 * Starts that are held, from when their workers are ready to their ends. Parties
 * take turns to begin one. What is asked for by a vat that has asked before for
 * what was in flight at a loss of all is to be alone.
 */
export const makeStartLine = ({
  clock,
  mayBegin,
  blame,
}: {
  clock: Pick<Clock, 'now'>;
  /** Whether that vat's startVat may begin now; if not, `goOn` is called in a while. */
  mayBegin: (vat: VatId) => boolean;
  /** A start that the vat asked for has taken the process of all vats along, and not the first one. */
  blame: (vat: VatId, problem: string) => void;
}) => {
  const waiting = makeFairLine<ReadyStart>();
  const flights = new Map<VatId, Flight>();
  const askers = makeAskers(clock.now);
  /** Those that are to be alone, and how many losses whoever asked for each has met. */
  const suspects = new Map<VatId, number>();
  /** To be blamed when all who are told of a loss have been told. */
  const guilty = new Map<VatId, string>();

  /** While some are to be alone, it may be one behind the first who is let in. */
  const findNext = (): ReadyStart | undefined => {
    const first = waiting.first();
    const inLine = suspects.size > 0 ? waiting.all() : first ? [first] : [];
    return inLine.find(({ vat }) => mayBegin(vat));
  };

  const goOn = (): void => {
    for (const [vat, problem] of guilty) {
      guilty.delete(vat);
      blame(vat, problem);
    }
    for (let next = findNext(); next; next = findNext()) {
      waiting.take(next.party, next);
      flights.set(next.vat, next.flight);
      next.begin();
    }
  };

  const isUnderWay = ({ vat, flight }: ReadyStart): boolean =>
    flights.get(vat) === flight;

  return harden({
    /** Those under way, each the same thing as long as it is. */
    flights: (): ReadonlyMap<VatId, Flight> => flights,
    /** Those that are to be alone, and how many losses whoever asked for each has met. */
    suspects: (): ReadonlyMap<VatId, number> => suspects,
    isSuspectWaiting: (vat: VatId): boolean =>
      suspects.has(vat) && !flights.has(vat),
    /** True while one is under way, or waits for leave to begin. */
    isAtWork: (): boolean => flights.size > 0 || waiting.first() !== undefined,
    /** To be called when more may begin. */
    goOn,
    /** Its worker is ready. */
    add: (start: ReadyStart): void => {
      const { vat, party, asker } = start;
      const losses = asker === undefined ? 0 : askers.lossesOf(asker);
      if (losses > 0) {
        suspects.set(vat, losses);
      }
      waiting.add(party, start);
      goOn();
    },
    /** It has ended, or will not begin. */
    leave: (start: ReadyStart): void => {
      waiting.remove(start.party, start);
      suspects.delete(start.vat);
      if (isUnderWay(start)) {
        flights.delete(start.vat);
      }
    },
    /** Its worker is lost; it is still to leave. */
    noteLoss: (start: ReadyStart, problem: string, cause: LossCause): void => {
      const { name, asker } = start;
      const isAlone = cause === 'alone';
      if (
        asker !== undefined &&
        (isAlone || cause === 'host') &&
        isUnderWay(start) &&
        askers.note(asker, isAlone)
      ) {
        guilty.set(
          asker,
          `vat ${name}, whose start it asked for, took the process of all vats along, and was not the first: ${problem}`,
        );
      }
    },
  });
};
harden(makeStartLine);
