import type { World } from './world.ts';

/**
 * A step refers to nothing but its parameter: it may be run as a text in
 * another realm, the service worker's console for one.
 */
export type Step = (world: World) => Promise<void>;

/**
 * What the whole must show, from the console to the vats and back. It starts
 * with an empty kernel. Between two steps the kernel is lost without a warning
 * and started again over what it had committed.
 */
export type Scenario = {
  readonly title: string;
  readonly steps: readonly Step[];
  /** Rows, files, workers and clusters are afterwards as they were before. */
  readonly leavesNothing?: boolean;
};
