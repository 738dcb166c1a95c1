import {
  PROTOCOL_VERSION,
  type KernelStatus,
  type LaunchStatus,
  type VatStatus,
} from '@cooperage/protocol';
import harden from '@endo/harden';
import type { Clusters } from './clusters.ts';
import type { Inbox } from './inbox.ts';
import type { Phase } from './phase.ts';
import type { DbCounters } from './ports.ts';
import type { VatRow } from './store/schema.ts';
import type { State } from './store/state.ts';
import type { Runner } from './vats/runner.ts';

const reasonOf = ({
  failure,
  suspension,
}: VatRow): Pick<VatStatus, 'reason'> => {
  const reason = failure ?? suspension;
  return reason === null ? {} : { reason };
};

/** The kernel as people are shown it. Also answers for a kernel that has ended. */
export const makeStatus = (
  state: State,
  {
    phase,
    clusters,
    runner,
    inbox,
    isPaused,
    counters,
    ...counts
  }: {
    phase: Phase;
    clusters: Clusters;
    runner: Runner;
    inbox: Inbox;
    isPaused: boolean;
    launches: readonly LaunchStatus[];
    sessions: number;
    cranks: number;
    counters: Readonly<DbCounters>;
  },
): KernelStatus => {
  const reason = phase.reason();
  const { commits, statements, rows, bytes } = counters;
  return {
    state: phase.state(),
    ...(reason === undefined ? {} : { reason }),
    ...(isPaused ? { isPaused } : {}),
    version: PROTOCOL_VERSION,
    clusters: [...state.clusters.values()].map(cluster => ({
      id: cluster.id,
      name: cluster.name,
      bootstrap: cluster.bootstrap,
      vats: clusters.vatsOf(cluster).map(row => ({
        id: row.id,
        name: row.name,
        state: runner.vatState(row),
        incarnation: row.incarnation,
        bundleHash: row.bundle,
        root: row.root,
        waiting: inbox.length(row.id),
        ...reasonOf(row),
      })),
    })),
    home: [...state.home.values()],
    ...counts,
    commits,
    sql: { statements, rows, bytes },
  };
};
harden(makeStatus);
