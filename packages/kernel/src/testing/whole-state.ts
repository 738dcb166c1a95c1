import type { State } from '../store/state.ts';
import type { RawVats } from './raw-vats.ts';

/** Bundles are left out: which there are follows from the vats. */
export const RESIDENT = [
  'counters',
  'clusters',
  'vats',
  'endings',
  'keptBundles',
  'objects',
  'promises',
  'clists',
  'queue',
  'home',
  'sessions',
  'retiring',
  'vatChanges',
  'trials',
  'serviceObjects',
  'aliases',
  'timers',
  'calls',
  'quotas',
  'births',
  'children',
] as const;

/** All tables as they are now, committed or not. */
export const tablesNow = (state: State): unknown =>
  RESIDENT.map(name =>
    [...state[name].values()].map(row => JSON.stringify(row)).sort(),
  );

/** How far each worker is; what it knows is in its vat's store, or on its way. */
export const workersNow = ({ all }: RawVats): unknown =>
  all
    .map(({ id, incarnation, deliveries, isKilled, isBusy }) =>
      JSON.stringify([id, incarnation, deliveries.length, isKilled, isBusy]),
    )
    .sort();
