import harden from '@endo/harden';
import {
  CooperageError,
  isServiceId,
  isVatId,
  type Kref,
} from '@cooperage/protocol';
import { mostsOf } from './bounds.ts';
import type { CrankParts } from './crank.ts';
import { insistRow } from './faults.ts';
import type { KernelOptions } from './kernel-options.ts';
import { describeEnd } from './obituaries.ts';
import type { ClusterRow, VatRow } from './store/vat-schema.ts';
import type { State } from './store/state.ts';
import type { Runner } from './vats/runner.ts';

/** A cluster's, and that of one vat of it; without that, all of its vats are meant. See `OrderRequest` of the id. */
type Names = readonly [
  cluster: string,
  vat?: string | undefined,
  id?: string | undefined,
];

const MAY_BE_SUSPENDED = [
  'can be suspended',
  "is suspended by a person already, or can't run",
] as const;
const IS_PAUSED = ['is paused', 'is not paused'] as const;

/** Neither broken nor suspended. */
const isSound = ({ failure, suspension }: VatRow): boolean =>
  failure === null && suspension === null;

/** It may be stopped, but not by a person, who can see to it that nobody else lets it go on. */
const isOthers = ({ stoppedBy }: VatRow): boolean => stoppedBy !== 'person';

/** Throws CooperageError when another than the one that is meant has the name. */
const insistMeant = (
  row: { readonly id: string },
  id: string | undefined,
  { code, what }: { code: 'CLUSTER_UNKNOWN' | 'VAT_UNKNOWN'; what: string },
): void => {
  if (id !== undefined && row.id !== id) {
    throw new CooperageError(
      code,
      `${what} is ${row.id} now, not the ${id} that was meant: that one has ended`,
    );
  }
};

const NAME = /^[A-Za-z_$][\w$.-]{0,62}$/;

/** Running clusters and the person's home: found by name, ended, restarted, kept. */
export const makeClusters = (
  state: State,
  {
    parts,
    runner,
    options,
  }: {
    options: KernelOptions;
    parts: CrankParts;
    runner: Runner;
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

  /** The id is a vat's when one is named. */
  const clusterMeant = (...[name, vatName, id]: Names): ClusterRow => {
    const cluster = byName(name);
    if (vatName === undefined) {
      const what = `Cluster ${name}`;
      insistMeant(cluster, id, { code: 'CLUSTER_UNKNOWN', what });
    }
    return cluster;
  };

  const vatByName = (...names: Names): VatRow => {
    const [clusterName, vatName, id] = names;
    const cluster = clusterMeant(...names);
    const wanted = vatName ?? cluster.bootstrap;
    const vats = vatsOf(cluster);
    const vat = vats.find(each => each.name === wanted);
    if (!vat) {
      throw new CooperageError(
        'VAT_UNKNOWN',
        `Cluster ${clusterName} has no vat ${JSON.stringify(wanted)}; it has ${vats.map(each => each.name).join(', ') || 'none'}${describeEnd(state, ended => ended.cluster === clusterName && ended.name === wanted)}`,
      );
    }
    if (vatName !== undefined) {
      const what = `Vat ${clusterName}.${wanted}`;
      insistMeant(vat, id, { code: 'VAT_UNKNOWN', what });
    }
    return vat;
  };

  /** One vat, or all of the cluster's. */
  const vatsNamed = (...names: Names): VatRow[] => {
    const [, vatName] = names;
    return vatName === undefined
      ? vatsOf(clusterMeant(...names))
      : [vatByName(...names)];
  };

  /**
   * Those of the vats named of which something can be asked. Throws CooperageError
   * BAD_REQUEST when there is none.
   */
  const vatsThat = (
    isMeant: (vat: VatRow) => boolean,
    [is, isNot]: readonly [is: string, isNot: string],
    names: Names,
  ): VatRow[] => {
    const [clusterName, vatName] = names;
    const vats = vatsNamed(...names).filter(isMeant);
    if (vats.length === 0) {
      throw new CooperageError(
        'BAD_REQUEST',
        vatName === undefined
          ? `No vat of ${clusterName} ${is}`
          : `Vat ${clusterName}.${vatName} ${isNot}`,
      );
    }
    return vats;
  };

  const terminate = (...names: Names): void => {
    const [name, vatName] = names;
    runner.terminate(
      vatsNamed(...names).map(({ id }) => id),
      vatName === undefined
        ? `cluster ${name} was terminated`
        : `vat ${name}.${vatName} was terminated`,
    );
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
    restart: (...names: Names): void => {
      const vats = vatsNamed(...names);
      vats.forEach(vat => runner.restart(vat.id, 'restarted by a person'));
    },
    /** Throws CooperageError BAD_REQUEST when there is no suspended vat among those named. */
    resume: (...names: Names): void =>
      vatsThat(
        ({ suspension }) => suspension !== null,
        ['is suspended', 'is not suspended'],
        names,
      ).forEach(({ id }) => runner.resume(id)),
    /** Throws CooperageError BAD_REQUEST, as the next two do, when none of those named is meant. */
    suspend: (...names: Names): void =>
      vatsThat(
        row => isSound(row) || (row.failure === null && isOthers(row)),
        MAY_BE_SUSPENDED,
        names,
      ).forEach(({ id, suspension }) =>
        runner.suspend(id, suspension ?? 'suspended by a person', 'person'),
      ),
    pause: (...names: Names): void =>
      vatsThat(
        vat => isSound(vat) && (!vat.paused || isOthers(vat)),
        ['can be paused', 'is paused by a person or does not run'],
        names,
      ).forEach(({ id }) => runner.pause(id, 'person')),
    unpause: (...names: Names): void =>
      vatsThat(({ paused }) => paused === 1, IS_PAUSED, names).forEach(
        ({ id }) => runner.unpause(id),
      ),
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
    /** Throws CooperageError BAD_REQUEST, NAME_TAKEN or LIMIT_REACHED. */
    keep: (name: string, kref: Kref): void => {
      if (!NAME.test(name)) {
        throw new CooperageError(
          'BAD_REQUEST',
          `${JSON.stringify(name)} is no name (${NAME.source})`,
        );
      }
      const { owner } = insistRow(state.objects.get(kref), `object ${kref}`);
      const isThere =
        (isVatId(owner) && state.vats.has(owner)) || isServiceId(owner);
      if (!isThere) {
        throw new CooperageError(
          'BAD_REQUEST',
          `${kref} is neither a vat's object nor a service's, or no longer: it can't be kept`,
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
      if (state.home.size >= mostsOf(options).homeNames) {
        throw new CooperageError(
          'LIMIT_REACHED',
          `${state.home.size} names are kept in home, and no more may be: forget one first`,
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
      parts.run(() =>
        [...state.ended.values()].forEach(row =>
          state.ended.delete(row.number),
        ),
      );
    },
  };
};
harden(makeClusters);

export type Clusters = ReturnType<typeof makeClusters>;
