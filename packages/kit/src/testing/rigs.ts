import { afterEach } from 'vitest';
import { whenWorkersEnded } from '../live-workers.ts';
import { startRig, type Rig, type RigOptions } from '../rig.ts';

/**
 * Starts rigs for the tests of a file. After every test it ends those still
 * open; the test fails when a rig's kernel was no longer running, its tables
 * were inconsistent, or a worker of it outlives it.
 */
export const useRigs = () => {
  const rigs = new Set<Rig>();

  afterEach(async () => {
    const open = [...rigs].filter(rig => !rig.isOver());
    rigs.clear();
    const ends = await Promise.allSettled(open.map(rig => rig.stop()));
    await whenWorkersEnded();
    const problems = ends.flatMap(end =>
      end.status === 'rejected' ? [end.reason as unknown] : [],
    );
    if (problems.length > 0) {
      throw AggregateError(problems, problems.map(String).join('; '));
    }
  });

  return {
    start: async (options?: RigOptions): Promise<Rig> => {
      const rig = await startRig(options);
      rigs.add(rig);
      return rig;
    },
  };
};
