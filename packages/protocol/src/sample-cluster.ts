import type { Json } from './capdata.ts';
import type { ClusterConfig } from './cluster.ts';

/** A config together with what a person's file may hold: used by the sample list. */
export type SampleCluster = {
  readonly title: string;
  readonly description: string;
  readonly config: Omit<ClusterConfig, 'services'> | Json;
};
