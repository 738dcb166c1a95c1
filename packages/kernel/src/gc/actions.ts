import harden from '@endo/harden';
import {
  isExportVref,
  isPromiseKref,
  type EndpointId,
  type Kref,
} from '@cooperage/protocol';
import type { State } from '../store/state.ts';

/** What an endpoint is told of objects that it exports or remembers. */
export type GcKind = 'dropExports' | 'retireExports' | 'retireImports';

/** One delivery's worth of it. */
export type GcAction = {
  readonly kind: GcKind;
  readonly krefs: readonly Kref[];
};

/**
 * What is due to an endpoint for one entry of its c-list, as the tables stand now:
 *
 * 1. *dropExports*: it exports the object, has not been told to drop it, and
 *    nobody can reach it.
 * 2. *retireExports*: it exports the object, has dropped it, and nobody can
 *    even recognize it.
 * 3. *retireImports*: it recognizes an object that has no exporter any more and
 *    that nobody can reach: nobody will ever name it again.
 *
 * Nothing else is ever due; what was due is not any more when the object was
 * exported again (1, 2), is recognized by somebody new (2), or the entry is gone.
 */
export const dueTo = (
  state: State,
  endpoint: EndpointId,
  kref: Kref,
): GcKind | undefined => {
  const entry = state.clists.get(endpoint, kref);
  const object = state.objects.get(kref);
  if (!entry || !object) {
    return undefined; // it is gone
  }
  if (object.reachable > 0) {
    return undefined; // it is held
  }
  if (!isExportVref(entry.vref)) {
    return object.owner === null ? 'retireImports' : undefined;
  }
  if (entry.reachable) {
    return 'dropExports';
  }
  return object.recognizable === 0 ? 'retireExports' : undefined;
};
harden(dueTo);

/**
 * Which entries of whose c-list to look at. What is due is derived from the
 * tables alone, each time it is asked for; so there is no table of actions, no
 * action can be out of date, and a crank that is undone leaves none behind.
 * Kept here are only the places where something may be due: every place where
 * something is, and perhaps others, which go when they are looked at.
 */
export const makeActions = (state: State) => {
  const places = new Map<EndpointId, Set<Kref>>();

  const note = (endpoint: EndpointId, kref: Kref): void => {
    if (state.endings.has(endpoint)) {
      return; // it is told nothing any more
    }
    let krefs = places.get(endpoint);
    if (!krefs) {
      krefs = new Set();
      places.set(endpoint, krefs);
    }
    krefs.add(kref);
  };

  return harden({
    note,
    /** Endpoints to which something may be due. */
    endpoints: (): IterableIterator<EndpointId> => places.keys(),
    /** How much may be due to the endpoint, at most. */
    count: (endpoint: EndpointId): number => places.get(endpoint)?.size ?? 0,

    /**
     * What to tell the endpoint next: things of one kind, at most `most` of
     * them. They stay due until the delivery has landed.
     */
    next: (endpoint: EndpointId, most: number): GcAction | undefined => {
      const noted = places.get(endpoint) ?? new Set<Kref>();
      const krefs: Kref[] = [];
      let kind: GcKind | undefined;
      let looked = 0;
      for (const kref of noted) {
        const due = dueTo(state, endpoint, kref);
        if (!due) {
          noted.delete(kref);
        } else if (kind === undefined || due === kind) {
          kind = due;
          krefs.push(kref);
        }
        looked += 1;
        if (looked === 2 * most || krefs.length === most) {
          break; // the rest is for other deliveries
        }
      }
      if (noted.size === 0) {
        places.delete(endpoint);
      }
      return kind && { kind, krefs };
    },

    /** What is noted, in the order in which it is looked at. */
    memory: () =>
      [...places].map(([endpoint, krefs]) => [endpoint, [...krefs]] as const),

    /** The endpoint is no more. */
    forget: (endpoint: EndpointId): void => {
      places.delete(endpoint);
    },

    /** Notes all that is due: at the start of a kernel, once. */
    restore: (): void => {
      for (const { endpoint, kref } of state.clists.values()) {
        if (!isPromiseKref(kref) && dueTo(state, endpoint, kref)) {
          note(endpoint, kref);
        }
      }
    },
  });
};
harden(makeActions);

export type Actions = ReturnType<typeof makeActions>;
