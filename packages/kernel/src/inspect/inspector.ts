import harden from '@endo/harden';
import {
  CooperageError,
  isPromiseKref,
  isSessionId,
  listUses,
  type ControlMethods,
  type EndpointId,
  type InspectRequest,
  type Inspection,
  type Kref,
  type SessionId,
  type VatId,
} from '@cooperage/protocol';
import type { Clusters } from '../clusters.ts';
import type { Naming } from '../naming.ts';
import type { Clock, VatStores } from '../ports.ts';
import { fieldsOf, parseInspection, textOf } from '../requests.ts';
import { describeEnd } from '../obituaries.ts';
import type { State } from '../store/state.ts';
import type { Usage } from '../usage.ts';
import { bytesUnlessDamaged } from '../damaged-store.ts';
import { reportCycles } from './cycles.ts';
import { inspectEndpoint, type FactsOf } from './endpoints.ts';
import { makeGrowth } from './growth.ts';
import { inspectReference } from './references.ts';

type Result<Name extends keyof ControlMethods> = ControlMethods[Name]['result'];

/** Looks at the tables for people; never writes, and never reads the kernel's database. */
export const makeInspector = (
  state: State,
  {
    clusters,
    naming,
    stores,
    clock,
    usage,
    linesNow,
  }: {
    /** Of log, that the vat has written in this second. */
    linesNow: (vat: VatId) => number;
    usage: Usage;
    clusters: Clusters;
    naming: Naming;
    stores: Pick<VatStores, 'size'>;
    clock: Pick<Clock, 'now'>;
  },
) => {
  const growth = makeGrowth(state, clock);

  const insistKnown = (kref: Kref): Kref => {
    if (!(isPromiseKref(kref) ? state.promises : state.objects).has(kref)) {
      throw new CooperageError(
        'OBJECT_UNKNOWN',
        `There is no ${kref}, or not any more`,
      );
    }
    return kref;
  };

  const insistEndpoint = (endpoint: EndpointId): EndpointId => {
    const isKnown = isSessionId(endpoint)
      ? state.sessions.has(endpoint)
      : state.vats.has(endpoint as VatId);
    if (!isKnown) {
      throw isSessionId(endpoint)
        ? new CooperageError(
            'SESSION_CLOSED',
            `There is no session ${endpoint}, or not any more`,
          )
        : new CooperageError(
            'VAT_UNKNOWN',
            `There is no vat ${endpoint}, or not any more${describeEnd(state, ({ id }) => id === endpoint)}`,
          );
    }
    return endpoint;
  };

  const factsOf: FactsOf = vat => {
    const row = state.vats.get(vat);
    const bytes = row ? bytesUnlessDamaged(() => stores.size(vat)) : 0;
    return (
      row && {
        reason: row.failure ?? row.suspension,
        stoppedBy: row.stoppedBy,
        incarnation: row.incarnation,
        bundleHash: row.bundle,
        store: {
          bytes,
          unfolded: state.changesByVat.count(vat),
        },
        limits: listUses(
          {
            ...usage.used(vat, bytes),
            logLinesPerSecond: linesNow(vat),
          },
          usage.allowed(vat),
        ),
        endowments: row.endowments,
      }
    );
  };

  const look = (
    request: InspectRequest,
    insistSession: () => SessionId,
  ): Inspection => {
    if ('endpoint' in request) {
      return inspectEndpoint(state, insistEndpoint(request.endpoint), factsOf);
    }
    if ('cluster' in request) {
      const { id } = clusters.vatByName(request.cluster, request.vat);
      return inspectEndpoint(state, id, factsOf);
    }
    if ('vref' in request) {
      const { vref } = request;
      const kref = state.clistByVref.get(insistSession(), vref)?.kref;
      if (kref === undefined) {
        throw new CooperageError(
          'OBJECT_UNKNOWN',
          `This session has no ${vref}: the kernel knows only what was sent`,
        );
      }
      return inspectReference(state, kref);
    }
    return inspectReference(
      state,
      insistKnown(
        'kref' in request ? request.kref : naming.krefOf(request).kref,
      ),
    );
  };

  return {
    inspect: (
      params: unknown,
      insistSession: () => SessionId,
    ): Result<'inspect'> => look(parseInspection(params), insistSession),
    mark: (): Result<'mark'> => ({ mark: growth.mark() }),
    grownSince: (params: unknown): Result<'grownSince'> =>
      growth.grownSince(textOf(fieldsOf(params), 'mark')),
    cycles: (): Result<'cycles'> => reportCycles(state),
  };
};
harden(makeInspector);

export type Inspector = ReturnType<typeof makeInspector>;
