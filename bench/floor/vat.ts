/** A vat's worker: liveslots, its store in memory, and nothing else. */
import './lockdown.ts';
import { makeLiveSlots } from '@agoric/swingset-liveslots';
import * as far from '@endo/far';
import { listen, type WirePort } from './wire-port.ts';

const { port1, port2 } = new MessageChannel();
const waitUntilQuiescent = () =>
  new Promise(resolve => {
    port1.onmessage = resolve;
    port2.postMessage(null);
  });

const meterControl = {
  assertIsMetered: () => {},
  assertNotMetered: () => {},
  unmetered: <R>(task: R) => task,
};
const gcTools = {
  WeakRef,
  FinalizationRegistry,
  waitUntilQuiescent,
  meterControl,
};

/** The program is a function of its imports, as in a bundle of ours. */
const makeLoad = (source: string) => (globals: object, inescapable: object) =>
  new Compartment({
    __options__: true,
    globals: { ...globals, ...inescapable },
  }).evaluate(source)({ '@endo/far': far });

/** Runs one vat. First the program's text comes, then deliveries, one at a time; `echo` is for the bare hops. */
export const runVat = (port: WirePort): void => {
  const store = new Map<string, string>();
  const changes = new Map<string, string | null>();
  let syscalls: unknown[][] = [];
  const note = (name: string) => [
    name,
    (...args: unknown[]) => void syscalls.push([name, ...args]),
  ];
  const syscall = {
    ...Object.fromEntries(['send', 'resolve', 'subscribe'].map(note)),
    vatstoreGet: (key: string) => store.get(key),
    vatstoreGetNextKey: (prior: string) =>
      [...store.keys()].sort().find(key => key > prior),
    vatstoreSet: (key: string, value: string) =>
      void (store.set(key, value), changes.set(key, value)),
    vatstoreDelete: (key: string) =>
      void (store.delete(key), changes.set(key, null)),
  };
  const load = (source: string) =>
    makeLiveSlots(syscall, 'v1', {}, {}, gcTools, console, makeLoad(source));
  let liveSlots: ReturnType<typeof load>;
  listen(port, async message => {
    if (message === 'echo') {
      port.postMessage(message);
    } else if (typeof message === 'string') {
      liveSlots = load(message);
    } else {
      await liveSlots.dispatch(message);
      port.postMessage({ syscalls, changes: [...changes] });
      syscalls = [];
      changes.clear();
    }
  });
};
