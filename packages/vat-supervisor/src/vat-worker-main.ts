import harden from '@endo/harden';
import type { FromVat, ToVat } from '@cooperage/protocol';
import { makeMessagePortStream, type PortLike } from '@cooperage/streams';
import { survivingGlobals } from './bare-worker.ts';
import { startSupervisor, type SupervisorPowers } from './supervisor.ts';

export { makeChromeCollector, makeDirectCollector } from './collect-garbage.ts';

/** What differs from platform to platform. */
export type VatWorkerPowers = Pick<
  SupervisorPowers,
  'collectGarbage' | 'onUnhandledRejection'
>;

/** Listens on a worker's scope as the Web defines it. */
export const listenOnScope = (report: (reason: unknown) => void): void => {
  const listen: unknown = Reflect.get(globalThis, 'addEventListener');
  if (typeof listen !== 'function') {
    return;
  }
  Reflect.apply(listen, globalThis, [
    'unhandledrejection',
    (event: { readonly reason: unknown; preventDefault(): void }) => {
      event.preventDefault();
      report(event.reason);
    },
  ]);
};

harden(listenOnScope);

/**
 * Runs one vat over its port to the kernel, in a worker whose entry imported
 * `@cooperage/vat-supervisor/lockdown` before anything else. Owns the port.
 */
export const runVatWorker = (port: PortLike, powers: VatWorkerPowers): void =>
  startSupervisor({
    stream: makeMessagePortStream<ToVat, FromVat>(port, { label: 'vat' }),
    ...powers,
    survivingGlobals,
  });
harden(runVatWorker);
