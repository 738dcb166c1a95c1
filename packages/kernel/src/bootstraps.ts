import harden from '@endo/harden';
import type { ClusterId, Kref } from '@cooperage/protocol';
import type { Refcounts } from './gc/refcounts.ts';
import { problemOfBootstrap } from './launch-log.ts';
import type { ClusterRow } from './store/vat-schema.ts';
import type { State } from './store/state.ts';

/**
 * Answers to `bootstrap` that are awaited. A cluster's row holds the promise
 * until it is settled, over restarts too, and then keeps what it was rejected
 * with: so a bootstrap that a crash cut short is told of. To be used inside a crank.
 */
export const makeBootstraps = (
  state: Pick<State, 'clusters' | 'clusterByBootstrap'>,
  refcounts: Pick<Refcounts, 'hold' | 'release'>,
) => {
  const expect = (id: ClusterId, bootstrapResult: Kref): void => {
    const row = state.clusters.get(id);
    if (row) {
      refcounts.hold(bootstrapResult);
      state.clusters.put({ ...row, bootstrapResult });
    }
  };

  /** The cluster waits no more, for its row is about to go or the promise is settled. */
  const release = ({ bootstrapResult }: ClusterRow): void => {
    if (bootstrapResult !== null) {
      refcounts.release(bootstrapResult);
    }
  };

  return harden({
    expect,
    release,
    /** To be called with every promise that is settled. */
    settled: (kref: Kref, isRejected: boolean, body: string): void => {
      const row = state.clusterByBootstrap.get(kref);
      if (row) {
        release(row);
        state.clusters.put({
          ...row,
          bootstrapResult: null,
          bootstrapProblem: isRejected
            ? (problemOfBootstrap(body) ?? null)
            : null,
        });
      }
    },
  });
};
harden(makeBootstraps);

export type Bootstraps = ReturnType<typeof makeBootstraps>;
