import type {
  BundleHash,
  BundleSource,
  BundleStatus,
  ClusterId,
  ClusterStatus,
  ControlMethods,
  KernelStatus,
  UpgradeResult,
  VatId,
} from '@cooperage/protocol';
import type { showCycles, showGrowth } from './inspection.ts';

/** A launched cluster, with presences of its vats' roots. */
export type Launched = {
  readonly name: string;
  readonly cluster: ClusterId;
  /** The root of the bootstrap vat. */
  readonly root: object;
  readonly vats: Readonly<Record<string, object>>;
};

/** Of an upgrade, beside the code: JSON for `buildRootObject`, and what the vat's open promises reject with. */
export type UpgradeOptions = Pick<
  ControlMethods['upgrade']['params'],
  'parameters' | 'upgradeMessage'
>;

/** The kernel as the console has it: a far object; every call rejects with an error that has a code. */
export type KernelFacade = {
  /** A config as `parseClusterConfig` takes it, or its JSON text. */
  launch(config: unknown): Promise<Launched>;
  clusters(): Promise<readonly ClusterStatus[]>;
  status(): Promise<KernelStatus>;
  /** The root of a vat; without `vat`, of the cluster's bootstrap vat. */
  root(cluster: string, vat?: string): Promise<object>;
  /** Without `vat`, the whole cluster. */
  terminate(cluster: string, vat?: string): Promise<void>;
  restart(cluster: string, vat?: string): Promise<void>;
  /**
   * Gives a vat new code over its store, and new parameters if they are given.
   * Resolves when it runs; rejects, and the vat goes on as it was, when it does not.
   */
  upgrade(
    cluster: string,
    vat: string,
    bundle: BundleSource,
    options?: UpgradeOptions,
  ): Promise<UpgradeResult>;
  /** Lets a suspended vat go on; without `vat`, all of the cluster's. */
  resume(cluster: string, vat?: string): Promise<void>;
  /** Takes the heap of a vat, whose messages then wait; without `vat`, of all of the cluster's. */
  suspend(cluster: string, vat?: string): Promise<void>;
  /**
   * Holds a vat still, or all of the cluster's, or without names all vats, heaps and all;
   * `step` makes one delivery while all are, and tells to which vat.
   */
  pause(cluster?: string, vat?: string): Promise<void>;
  unpause(cluster?: string, vat?: string): Promise<void>;
  step(): Promise<VatId | null>;
  /** Collects garbage in all vats; tells how much is left in the kernel. */
  collect(): Promise<ControlMethods['collect']['result']>;
  /** Keeps an object of a vat as `home[name]`. */
  keep(name: string, presence: object): Promise<void>;
  forget(name: string): Promise<void>;
  /** The object with a kref such as `ko12`. */
  reference(kref: string): Promise<object>;
  /**
   * Who exports and holds it, and why it is alive, in words: of an object or a
   * promise of this console, or of a kref, a vat (`demo.bob`, `v3`), a session
   * (`s2`), or a name in home. Looking holds nothing.
   */
  inspect(subject: unknown): Promise<object>;
  /** Counts what there is; `grownSince` tells what has become more. */
  mark(): Promise<string>;
  grownSince(mark: string): Promise<ReturnType<typeof showGrowth>>;
  /** References that lead back to where they begin. */
  cycles(): Promise<ReturnType<typeof showCycles>>;
  /**
   * Stores code under a name, for configs and vats that name it by its hash, which
   * it gives.
   */
  storeBundle(name: string, bundle: BundleSource): Promise<BundleHash>;
  bundles(): Promise<readonly BundleStatus[]>;
  forgetBundle(name: string): Promise<void>;
  help(): string;
};
