/** What stands between the vats passes on what they say. Each vat's root is `o+0` to itself, `o-<number>` to all others. */
import { listen, type WirePort } from './wire-port.ts';

type CapData = { readonly body: string; readonly slots: readonly string[] };
type Settle = (isRejected: boolean, value: CapData) => void;
type Send = readonly ['send', string, CapData, string];
type Resolve = readonly ['resolve', (readonly [string, boolean, CapData])[]];
type Syscall = Send | Resolve | readonly ['subscribe', string];

/** A key of a vat's store and its new value; null deletes. */
export type Change = readonly [string, string | null];
type Done = { readonly syscalls: Syscall[]; readonly changes: Change[] };

/** Starts a vat at each port. Each crank is committed, then what it says goes on. One delivery at a time to a vat. */
export const makeFloor = (
  source: string,
  ports: readonly WirePort[],
  commit: (vat: number, changes: readonly Change[]) => void,
) => {
  let promises = 0;
  const results = new Map<string, Settle>();
  let onEcho = () => {};
  const vats = ports.map(port => ({
    port,
    inbox: [] as unknown[],
    isBusy: false,
  }));
  type Vat = (typeof vats)[number];

  const deliver = (vat: Vat, ...deliveries: unknown[]): void => {
    vat.inbox.push(...deliveries);
    if (vat.isBusy || vat.inbox.length === 0) return;
    vat.isBusy = true;
    vat.port.postMessage(vat.inbox.shift());
  };

  const send = (target: string, methargs: CapData, settle: Settle): void => {
    promises += 1;
    const result = `p-${promises}`;
    results.set(result, settle);
    const vat = vats[Number(target.slice(2))];
    if (vat) deliver(vat, ['message', 'o+0', { methargs, result }]);
  };

  const obey = (vat: Vat, syscall: Syscall): void => {
    if (syscall[0] === 'send') {
      const [, target, methargs, result] = syscall;
      send(target, methargs, (isRejected, value) =>
        deliver(vat, ['notify', [[result, isRejected, value]]]),
      );
    } else if (syscall[0] === 'resolve') {
      for (const [promise, isRejected, value] of syscall[1]) {
        results.get(promise)?.(isRejected, value);
        results.delete(promise);
      }
    }
  };

  for (const [number, vat] of vats.entries()) {
    listen(vat.port, (message: 'echo' | Done) => {
      if (message === 'echo') return onEcho();
      commit(number, message.changes);
      vat.isBusy = false;
      message.syscalls.forEach(syscall => obey(vat, syscall));
      deliver(vat);
    });
    vat.port.postMessage(source);
    deliver(vat, ['startVat', { body: '#{}', slots: [] }]);
  }

  return {
    /** Calls an object from outside. Resolves with the value's body when the crank that gave it is committed. */
    call: (target: string, method: string, args: unknown[], slots: string[]) =>
      new Promise<string>((resolve, reject) => {
        const body = `#${JSON.stringify([method, args])}`;
        send(target, { body, slots }, (isRejected, value) =>
          isRejected ? reject(Error(value.body)) : resolve(value.body),
        );
      }),
    /** The hops of that many round trips from vat to vat, with nothing at their ends. */
    hop: (trips: number) =>
      new Promise<void>(resolve => {
        let left = 2 * trips;
        const post = () => ports[left % 2]?.postMessage('echo');
        onEcho = () => ((left -= 1) > 0 ? post() : resolve());
        post();
      }),
  };
};
