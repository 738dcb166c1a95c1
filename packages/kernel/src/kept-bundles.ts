import harden from '@endo/harden';
import {
  CooperageError,
  isBundleHash,
  isName,
  NAME,
  showValue,
  type BundleHash,
  type BundleSource,
  type BundleStatus,
  type ClusterId,
} from '@cooperage/protocol';
import { dropUnusedBundle, type Bundles, type Code } from './bundles.ts';
import type { CrankParts } from './crank.ts';
import type { Phase } from './phase.ts';
import type { KeptBundleRow } from './store/schema.ts';
import type { State } from './store/state.ts';

/** What the config of the cluster calls its bundles. */
export const namedBundles = (
  state: State,
  cluster: ClusterId,
): readonly KeptBundleRow[] => state.keptByKeeper.values(cluster);
harden(namedBundles);

/**
 * The code that a vat of the cluster may mean: one of the cluster's own by its
 * name, or by its hash one of these or one that a person has stored. What other
 * clusters run is not to be found.
 */
export const findBundle = (
  state: State,
  cluster: ClusterId,
  nameOrHash: string,
): BundleHash | undefined =>
  isBundleHash(nameOrHash)
    ? state.keptByHash
        .values(nameOrHash)
        .find(({ keeper }) => keeper === 'person' || keeper === cluster)?.hash
    : state.keptBundles.get(cluster, nameOrHash)?.hash;
harden(findBundle);

const release = (state: State, { keeper, name, hash }: KeptBundleRow): void => {
  state.keptBundles.delete(keeper, name);
  dropUnusedBundle(state, hash);
};

/** The cluster is no more; inside a crank. */
export const releaseBundlesOf = (state: State, cluster: ClusterId): void =>
  state.keptByKeeper.values(cluster).forEach(row => release(state, row));
harden(releaseBundlesOf);

/** Keeps code for clusters and for a person, under names that they give it. */
export const makeKeptBundles = (
  state: State,
  {
    bundles,
    parts,
    phase,
    most,
  }: {
    bundles: Bundles;
    parts: Pick<CrankParts, 'run'>;
    phase: Phase;
    /** That a person may store. */
    most: number;
  },
) => {
  /** Another that was kept under that name goes. */
  const keep = (
    keeper: KeptBundleRow['keeper'],
    name: string,
    code: Code,
  ): void => {
    const before = state.keptBundles.get(keeper, name);
    bundles.keep(code);
    const { hash, text } = code;
    state.keptBundles.put({ keeper, name, hash, units: text.length });
    if (before) {
      dropUnusedBundle(state, before.hash);
    }
  };

  const ofPerson = (): KeptBundleRow[] => state.keptByKeeper.values('person');

  const insistRoom = (name: string): void => {
    const stored = state.keptByKeeper.count('person');
    if (stored >= most && !state.keptBundles.has('person', name)) {
      throw new CooperageError(
        'LIMIT_REACHED',
        `${stored} bundles are stored, and no more may be: forget one first`,
      );
    }
  };

  return harden({
    /** To be used inside a crank, as the next one. */
    keep,
    /** Fetches code and stores it for a person. Rejects with CooperageError. */
    store: async (name: string, source: BundleSource): Promise<BundleHash> => {
      if (!isName(name)) {
        throw new CooperageError(
          'BAD_REQUEST',
          `${showValue(name)} is no name for a bundle (${NAME.source})`,
        );
      }
      const code = await bundles.read(name, source);
      phase.insistRunning();
      insistRoom(name);
      parts.run(() => keep('person', name, code));
      return code.hash;
    },
    /** Throws CooperageError BUNDLE_UNKNOWN. */
    forget: (name: string): void => {
      const row = state.keptBundles.get('person', name);
      if (!row) {
        throw new CooperageError(
          'BUNDLE_UNKNOWN',
          `No bundle is stored under the name ${showValue(name)}`,
        );
      }
      parts.run(() => release(state, row));
    },
    /** Those that a person has stored. */
    list: (): BundleStatus[] =>
      ofPerson().map(({ name, hash, units }) => ({ name, hash, units })),
    /** Forgets all that a person has stored. */
    erase: (): void =>
      parts.run(() => ofPerson().forEach(row => release(state, row))),
  });
};
harden(makeKeptBundles);

export type KeptBundles = ReturnType<typeof makeKeptBundles>;
