import type { Moment, RunOptions } from './crash-runs.ts';
import type { Entry, Journal } from './journal.ts';

const isRequest = ({ kind }: Entry): boolean =>
  kind === 'asked' || kind === 'answered' || kind === 'fetched';

/** Notes where the world might stop, and keeps of these moments those that differ. */
export const makeMoments = <Disk>(
  snapshot: () => Disk,
  journal: Journal,
  {
    schedule,
    onPoint = () => {},
  }: Pick<RunOptions<Disk>, 'schedule' | 'onPoint'>,
) => {
  const points = new Map<string, number>();
  const moments: Moment<Disk>[] = [];
  const momentNow = (where: string): Moment<Disk> => ({
    where,
    disk: snapshot(),
    known: journal.entries.length,
  });

  const note = (where: string): void => {
    if (schedule) {
      return;
    }
    points.set(where, (points.get(where) ?? 0) + 1);
    onPoint(where);
    const found = momentNow(where);
    const last = moments.at(-1);
    if (last?.disk !== found.disk) {
      moments.push(found);
    } else if (journal.entries.slice(last.known).some(isRequest)) {
      moments.push(found);
    } else {
      moments[moments.length - 1] = found; // the disk is the same, and more is known of it
    }
  };

  return {
    points: points as ReadonlyMap<string, number>,
    moments: moments as readonly Moment<Disk>[],
    note,
    /** The world stops here. */
    crash: (): void => void moments.push(momentNow('a crash')),
  };
};
