import {
  KERNEL_LIMITS,
  makeRestingStatus,
  PROTOCOL_VERSION,
  type KernelLimit,
  type KernelStatus,
  type KernelUse,
  type LaunchStatus,
  type StorageRoom,
  type VatStatus,
} from '@cooperage/protocol';
import harden from '@endo/harden';
import type { Mosts } from './bounds.ts';
import type { Clusters } from './clusters.ts';
import type { Inbox } from './inbox.ts';
import { endedVats } from './obituaries.ts';
import type { Phase } from './phase.ts';
import type { DbCounters } from './ports.ts';
import type { VatRow } from './store/vat-schema.ts';
import type { State } from './store/state.ts';
import type { Runner } from './vats/runner.ts';

type Remarks = Pick<
  VatStatus,
  'reason' | 'stoppedBy' | 'isCritical' | 'eviction'
>;

const remarksOn = ({
  failure,
  suspension,
  stoppedBy,
  critical,
  eviction,
}: VatRow): Remarks => {
  const reason = failure ?? suspension;
  return {
    ...(reason === null ? {} : { reason }),
    ...(stoppedBy === null ? {} : { stoppedBy }),
    ...(critical ? { isCritical: true } : {}),
    ...(eviction === 'never' ? {} : { eviction }),
  };
};

const limitsOf = (
  state: State,
  sessions: number,
  mosts: Mosts,
): readonly KernelUse[] => {
  const now: Readonly<Record<KernelLimit, number>> = {
    clusters: state.clusters.size,
    sessions,
    homeNames: state.home.size,
    bundles: state.keptByKeeper.count('person'),
  };
  return KERNEL_LIMITS.map(limit => ({
    limit,
    now: now[limit],
    most: mosts[limit],
  }));
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
    room,
    mosts,
    ...counts
  }: {
    phase: Phase;
    clusters: Pick<Clusters, 'vatsOf'>;
    runner: Pick<Runner, 'vatState'>;
    inbox: Pick<Inbox, 'length'>;
    isPaused: boolean;
    launches: readonly LaunchStatus[];
    sessions: number;
    cranks: number;
    counters: Readonly<DbCounters>;
    room: StorageRoom | undefined;
    mosts: Mosts;
  },
): KernelStatus => {
  const reason = phase.reason();
  if (reason !== undefined) {
    // What the tables hold now was never committed, and will not be.
    const { launches } = counts;
    return { ...makeRestingStatus({ state: phase.state(), reason }), launches };
  }
  const { commits, statements, rows, bytes } = counters;
  return {
    state: phase.state(),
    ...(isPaused ? { isPaused } : {}),
    version: PROTOCOL_VERSION,
    clusters: [...state.clusters.values()].map(cluster => ({
      id: cluster.id,
      name: cluster.name,
      bootstrap: cluster.bootstrap,
      services: cluster.services,
      ...(cluster.bootstrapProblem === null
        ? {}
        : { bootstrapProblem: cluster.bootstrapProblem }),
      vats: clusters.vatsOf(cluster).map(row => ({
        id: row.id,
        name: row.name,
        state: runner.vatState(row),
        incarnation: row.incarnation,
        bundleHash: row.bundle,
        root: row.root,
        waiting: inbox.length(row.id),
        ...remarksOn(row),
      })),
    })),
    ...(state.ended.size > 0 ? { ended: endedVats(state) } : {}),
    home: [...state.home.values()],
    ...counts,
    limits: limitsOf(state, counts.sessions, mosts),
    commits,
    ...(room === undefined ? {} : { room }),
    sql: { statements, rows, bytes },
  };
};
harden(makeStatus);
