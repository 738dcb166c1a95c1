import harden from '@endo/harden';
import { CooperageError } from '@cooperage/protocol';
import { mostsOf } from './bounds.ts';
import type { KernelOptions } from './kernel-options.ts';
import type { Clock } from './ports.ts';

const MINUTE = 60_000;

/** Lets launches begin while there are not too many clusters, and not too many launches a minute. */
export const makeLaunchGate = ({
  now,
  options,
  clusters,
}: {
  now: Clock['now'];
  options: Pick<KernelOptions, 'mostClusters' | 'launchesPerMinute'>;
  /** Clusters that there are or that are being launched. */
  clusters: () => number;
}) => {
  const { launchesPerMinute = 600 } = options;
  const most = mostsOf(options).clusters;
  /** When launches of the last minute began. */
  let begun: number[] = [];
  return harden({
    /** Throws CooperageError LIMIT_REACHED, or counts one more. */
    pass: (): void => {
      if (clusters() >= most) {
        throw new CooperageError(
          'LIMIT_REACHED',
          `There are ${clusters()} clusters, and no more may be: terminate one first`,
        );
      }
      const time = now();
      begun = begun.filter(each => each > time - MINUTE && each <= time);
      if (begun.length >= launchesPerMinute) {
        throw new CooperageError(
          'LIMIT_REACHED',
          `${begun.length} launches have begun within a minute, and no more may: launch it a little later`,
        );
      }
      begun.push(time);
    },
  });
};
harden(makeLaunchGate);
