import harden from '@endo/harden';
import {
  CooperageError,
  isVatId,
  type Kref,
  type VatId,
} from '@cooperage/protocol';
import type { CrankParts } from './crank.ts';
import { insistRow } from './faults.ts';
import type { Lives } from './lives.ts';
import type { Outputs } from './outputs.ts';
import type { VatStores } from './ports.ts';
import type { Scheduler } from './scheduler.ts';
import type { ClusterRow, VatRow } from './store/schema.ts';
import type { State } from './store/state.ts';
import type { Runner } from './vats/runner.ts';

const NAME = /^[A-Za-z_$][\w$.-]{0,62}$/;

/** Running clusters and the person's home: found by name, ended, restarted, kept. */
export const makeClusters = (
  state: State,
  {
    parts,
    lives,
    runner,
    scheduler,
    outputs,
    stores,
  }: {
    parts: CrankParts;
    lives: Lives;
    runner: Runner;
    scheduler: Scheduler;
    outputs: Outputs;
    stores: VatStores;
  },
) => {
  /** Names of clusters on their way. */
  const taken = new Set<string>();

  const byName = (name: string): ClusterRow => {
    const row = state.clusterByName.get(name);
    if (!row) {
      const names = [...state.clusters.values()].map(each => each.name);
      throw new CooperageError(
        'CLUSTER_UNKNOWN',
        `There is no cluster ${JSON.stringify(name)}; there is ${names.join(', ') || 'none at all'}`,
      );
    }
    return row;
  };

  const vatsOf = (cluster: ClusterRow): VatRow[] =>
    state.vatsByCluster.values(cluster.id);

  const vatByName = (clusterName: string, vatName?: string): VatRow => {
    const cluster = byName(clusterName);
    const wanted = vatName ?? cluster.bootstrap;
    const vats = vatsOf(cluster);
    const vat = vats.find(each => each.name === wanted);
    if (!vat) {
      throw new CooperageError(
        'VAT_UNKNOWN',
        `Cluster ${clusterName} has no vat ${JSON.stringify(wanted)}; it has ${vats.map(each => each.name).join(', ') || 'none'}`,
      );
    }
    return vat;
  };

  /** One vat, or all of the cluster's. */
  const vatsNamed = (clusterName: string, vatName?: string): VatRow[] =>
    vatName === undefined
      ? vatsOf(byName(clusterName))
      : [vatByName(clusterName, vatName)];

  /** What is left to do for a vat that has left the tables: its file goes once that is committed. */
  const cleanUp = (vat: VatId): void => {
    scheduler.forget(vat);
    outputs.leave(() => stores.delete(vat));
  };

  /** Code that no vat is bound to goes. */
  const dropBundle = ({ bundle }: VatRow): void => {
    if (state.vatsByBundle.count(bundle) === 0) {
      state.bundles.delete(bundle);
    }
  };

  const terminate = (name: string): void => {
    const cluster = byName(name);
    const vats = vatsOf(cluster);
    vats.forEach(vat => runner.drop(vat.id));
    parts.run(() => {
      vats.forEach(vat =>
        lives.endVat(vat.id, `cluster ${name} was terminated`),
      );
      state.clusters.delete(cluster.id);
      vats.forEach(dropBundle);
    });
    vats.forEach(vat => cleanUp(vat.id));
  };

  const forget = (name: string): void => {
    const row = state.home.get(name);
    if (!row) {
      throw new CooperageError(
        'OBJECT_UNKNOWN',
        `Nothing is kept under the name ${JSON.stringify(name)}`,
      );
    }
    parts.run(() => {
      state.home.delete(name);
      parts.refcounts.release(row.kref);
    });
  };

  return {
    vatByName,
    vatsOf,
    terminate,
    restart: (clusterName: string, vatName?: string): void => {
      const vats = vatsNamed(clusterName, vatName);
      vats.forEach(vat => runner.restart(vat.id, 'restarted by a person'));
    },
    /** Throws CooperageError BAD_REQUEST when there is no suspended vat among those named. */
    resume: (clusterName: string, vatName?: string): void => {
      const vats = vatsNamed(clusterName, vatName).filter(
        ({ suspension }) => suspension !== null,
      );
      if (vats.length === 0) {
        throw new CooperageError(
          'BAD_REQUEST',
          vatName === undefined
            ? `No vat of ${clusterName} is suspended`
            : `Vat ${clusterName}.${vatName} is not suspended`,
        );
      }
      vats.forEach(({ id }) => runner.resume(id));
    },
    /** A vat has ended; the last one takes its cluster with it. */
    ended: (vat: VatRow): void => {
      cleanUp(vat.id);
      parts.run(() => {
        dropBundle(vat);
        if (state.vatsByCluster.count(vat.cluster) === 0) {
          state.clusters.delete(vat.cluster);
        }
      });
    },
    /** Keeps the name for a cluster that is on its way, until the returned function is called. */
    takeName: (name: string): (() => void) => {
      if (taken.has(name) || state.clusterByName.has(name)) {
        throw new CooperageError(
          'CLUSTER_EXISTS',
          `A cluster named ${name} is there already: choose another name, or terminate it first`,
        );
      }
      if (state.home.has(name)) {
        throw new CooperageError(
          'NAME_TAKEN',
          `Something is kept under the name ${name}: forget it first, or choose another`,
        );
      }
      taken.add(name);
      return () => taken.delete(name);
    },
    keep: (name: string, kref: Kref): void => {
      if (!NAME.test(name)) {
        throw new CooperageError(
          'BAD_REQUEST',
          `${JSON.stringify(name)} is no name (${NAME.source})`,
        );
      }
      const { owner } = insistRow(state.objects.get(kref), `object ${kref}`);
      if (!isVatId(owner)) {
        throw new CooperageError(
          'BAD_REQUEST',
          `${kref} is no vat's object, or no longer: it can't be kept`,
        );
      }
      if (
        state.home.has(name) ||
        state.clusterByName.has(name) ||
        taken.has(name)
      ) {
        throw new CooperageError(
          'NAME_TAKEN',
          `The name ${name} is taken: forget it first, or choose another`,
        );
      }
      parts.run(() => {
        state.home.put({ name, kref });
        parts.refcounts.hold(kref);
      });
    },
    forget,
    erase: (): void => {
      [...state.home.values()].forEach(row => forget(row.name));
      [...state.clusters.values()].forEach(row => terminate(row.name));
    },
  };
};
harden(makeClusters);

export type Clusters = ReturnType<typeof makeClusters>;
