import harden from '@endo/harden';
import type { LogLevel, VatLimits } from '@cooperage/protocol';
import type { CrankParts } from '../crank.ts';
import type { Outputs } from '../outputs.ts';
import type { Phase } from '../phase.ts';
import type { Platform } from '../ports.ts';
import type { State } from '../store/state.ts';
import type { Candidate, Candidates } from '../vats/candidates.ts';
import type { StoreBounds } from '../vats/store-bounds.ts';
import { makeConsoleService } from './console.ts';
import { makeFetchService } from './fetch.ts';
import { makeServiceObjects } from './objects.ts';
import { makeRevocationService } from './revocation.ts';
import type { Service } from './service.ts';
import { makeServices } from './services.ts';
import { makeTimerService } from './timer.ts';
import { makeVatAdminService } from './vat-admin.ts';
import { makeBirths } from './vat-admin-births.ts';
import type { UsualTerms } from './vat-admin-terms.ts';
import { makeNodes, type VatOrders } from './vat-admin-nodes.ts';

/** The services that this kernel offers, by name. */
export const joinServices = (
  state: State,
  {
    platform: { clock, fetch, stores },
    parts,
    outputs,
    phase,
    limits,
    pump,
    write,
    bounds,
    candidates,
    orders,
    usual,
  }: {
    platform: Platform;
    parts: CrankParts;
    outputs: Outputs;
    phase: Phase;
    limits: VatLimits;
    pump: () => void;
    write: (label: string, level: LogLevel, text: string) => void;
    bounds: StoreBounds;
    candidates: () => Candidates;
    usual: UsualTerms;
    orders: VatOrders & { adopt(candidate: Candidate): void };
  },
) => {
  const objects = makeServiceObjects(state, parts.refcounts);
  const common = { parts, objects, clock, phase, pump };
  const vatAdmin = makeVatAdminService(state, {
    objects,
    births: makeBirths(state, {
      ...common,
      stores,
      candidates,
      adopt: orders.adopt,
      usual,
    }),
    nodes: makeNodes(state, { ...common, orders, bounds }),
  });
  const services = new Map<string, Service>([
    ['timer', makeTimerService(state, common)],
    ['console', makeConsoleService({ clock, limits, write })],
    ['revocation', makeRevocationService(state, { objects })],
    ['vatAdmin', vatAdmin],
  ]);
  if (fetch) {
    services.set('fetch', makeFetchService(state, { ...common, fetch }));
  }
  return makeServices(state, { ...common, outputs, services });
};
harden(joinServices);
