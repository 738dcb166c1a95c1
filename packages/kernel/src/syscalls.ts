import harden from '@endo/harden';
import {
  isExportVref,
  isPromiseVref,
  ROOT_VREF,
  type CapData,
  type EndpointId,
  type Kref,
  type Message,
  type Resolution,
  type SessionId,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import type { CLists } from './clist.ts';
import { faultUnless } from './faults.ts';
import type { Inbox, KernelMessage } from './inbox.ts';
import type { Promises } from './promises.ts';
import type { CListRow } from './store/schema.ts';
import type { State } from './store/state.ts';
import { makeInterfaceReader } from './translate/interfaces.ts';

/** CapData that is one promise and nothing else. */
const isSinglePromise = ({ body, slots }: CapData): boolean =>
  slots.length === 1 && body === '#"&0"';

/** How an endpoint ends itself: in good order or as a failure, and with what words. */
export type Exit = {
  readonly isRejected: boolean;
  readonly data: CapData<Kref>;
};

/** Applies an endpoint's syscalls to the tables; throws EndpointFault at the first illegal one. */
export const makeSyscalls = (
  state: State,
  {
    clists,
    promises,
    inbox,
    route,
    onExit,
  }: {
    clists: CLists;
    promises: Promises;
    inbox: Inbox;
    route: (message: KernelMessage) => void;
    /** The endpoint asks to end once its crank is applied. */
    onExit: (endpoint: EndpointId, exit: Exit) => void;
  },
) => {
  /** What the endpoint means by a vref; a new export is made known, as what `ifaceOf` says it alleges. */
  const toKref = (
    endpoint: EndpointId,
    vref: Vref,
    ifaceOf?: () => string | null,
  ): Kref => {
    const row = clists.entryOfVref(endpoint, vref);
    if (row) {
      faultUnless(
        row.reachable || isExportVref(vref),
        () => `${vref} was dropped by ${endpoint} and can't be used`,
      );
      clists.reach(row);
      return row.kref;
    }
    // A session was told of the promise, but may not have heard yet.
    const retiring = state.retiring.get(endpoint as SessionId, vref);
    if (retiring) {
      return retiring.kref;
    }
    faultUnless(
      isExportVref(vref),
      () => `${endpoint} has no ${vref} in its c-list`,
    );
    return clists.addExport(endpoint, vref, ifaceOf?.() ?? null);
  };

  const toCapData = (
    endpoint: EndpointId,
    { body, slots }: CapData,
  ): CapData<Kref> => {
    const interfaceAt = makeInterfaceReader(body);
    return {
      body,
      slots: slots.map((vref, index) =>
        toKref(endpoint, vref, () => interfaceAt(index)),
      ),
    };
  };

  const insistDecider = (
    endpoint: EndpointId,
    kref: Kref,
    vref: Vref,
  ): void => {
    const promise = promises.get(kref);
    faultUnless(
      promise.state === 'unresolved' && promise.decider === endpoint,
      () => `${endpoint} is not the decider of ${vref}`,
    );
  };

  const insistPromise = (vref: Vref): void =>
    faultUnless(isPromiseVref(vref), () => `${vref} is no promise`);

  /** The promise for an answer passes from its sender to the kernel. */
  const takeResult = (endpoint: EndpointId, vref: Vref): Kref => {
    insistPromise(vref);
    const kref = toKref(endpoint, vref);
    insistDecider(endpoint, kref, vref);
    promises.setDecider(kref, null);
    return kref;
  };

  const send = (
    endpoint: EndpointId,
    target: Vref,
    { methargs, result }: Message,
  ): void => {
    const message = {
      target: toKref(endpoint, target),
      methargs: toCapData(endpoint, methargs),
      result: result ? takeResult(endpoint, result) : null,
      sender: endpoint,
    };
    faultUnless(
      message.target !== message.result,
      () => `${result} would wait for its own answer`,
    );
    route(message);
  };

  const resolve = (
    endpoint: EndpointId,
    resolutions: readonly Resolution[],
  ): void => {
    const translated = resolutions.map(([vref, isRejected, data]) => {
      insistPromise(vref);
      const kref = toKref(endpoint, vref);
      insistDecider(endpoint, kref, vref);
      faultUnless(
        !(data.slots[0] === vref && isSinglePromise(data)),
        () => `${vref} can't be resolved to itself`,
      );
      return { kref, vref, isRejected, data: toCapData(endpoint, data) };
    });
    for (const { kref, vref, isRejected, data } of translated) {
      insistDecider(endpoint, kref, vref);
      promises.unsubscribe(endpoint, kref);
      promises.resolve(kref, isRejected, data);
    }
    for (const { kref } of translated) {
      const row = clists.entry(endpoint, kref);
      if (row) {
        clists.remove(row);
      }
    }
  };

  const heldEntry = (endpoint: EndpointId, vref: Vref): CListRow => {
    const row = clists.entryOfVref(endpoint, vref);
    faultUnless(
      row && !isPromiseVref(vref),
      () => `${endpoint} has no object ${vref}`,
    );
    return row;
  };

  const dropImport = (endpoint: EndpointId, vref: Vref): void => {
    const row = heldEntry(endpoint, vref);
    faultUnless(
      !isExportVref(vref) && row.reachable,
      () => `${endpoint} can't drop ${vref}: it does not hold it`,
    );
    clists.unreach(row);
  };

  const retireImport = (endpoint: EndpointId, vref: Vref): void => {
    const row = heldEntry(endpoint, vref);
    faultUnless(
      !isExportVref(vref) && !row.reachable,
      () => `${endpoint} can't retire ${vref}: it must drop it first`,
    );
    clists.remove(row);
  };

  const abandonExport = (endpoint: EndpointId, vref: Vref): void => {
    const row = heldEntry(endpoint, vref);
    faultUnless(
      isExportVref(vref) && vref !== ROOT_VREF,
      () => `${endpoint} can't give up ${vref}: it is its root or no export`,
    );
    clists.remove(row);
  };

  const retireExport = (endpoint: EndpointId, vref: Vref): void => {
    faultUnless(
      !heldEntry(endpoint, vref).reachable,
      () => `${endpoint} can't retire ${vref}: it is still reachable`,
    );
    abandonExport(endpoint, vref);
  };

  /** Only what it neither decides nor is told of in this very crank: that has left its c-list. */
  const forgetPromise = (endpoint: EndpointId, vref: Vref): void => {
    insistPromise(vref);
    const row = clists.entryOfVref(endpoint, vref);
    faultUnless(row, () => `${endpoint} has no ${vref} in its c-list`);
    faultUnless(
      promises.get(row.kref).decider !== endpoint,
      () => `${endpoint} can't forget ${vref}, which it decides`,
    );
    promises.unsubscribe(endpoint, row.kref);
    inbox.removeNotifies(endpoint, row.kref);
    clists.remove(row);
  };

  /** Applies one. */
  return (endpoint: EndpointId, syscall: Syscall): void => {
    switch (syscall[0]) {
      case 'send':
        send(endpoint, syscall[1], syscall[2]);
        break;
      case 'subscribe':
        insistPromise(syscall[1]);
        promises.subscribe(endpoint, toKref(endpoint, syscall[1]));
        break;
      case 'resolve':
        resolve(endpoint, syscall[1]);
        break;
      case 'exit':
        onExit(endpoint, {
          isRejected: syscall[1],
          data: toCapData(endpoint, syscall[2]),
        });
        break;
      case 'dropImports':
        syscall[1].forEach(vref => dropImport(endpoint, vref));
        break;
      case 'retireImports':
        syscall[1].forEach(vref => retireImport(endpoint, vref));
        break;
      case 'retireExports':
        syscall[1].forEach(vref => retireExport(endpoint, vref));
        break;
      case 'abandonExports':
        syscall[1].forEach(vref => abandonExport(endpoint, vref));
        break;
      case 'forgetPromises':
        syscall[1].forEach(vref => forgetPromise(endpoint, vref));
        break;
      default:
        syscall satisfies never;
    }
  };
};
harden(makeSyscalls);

export type ApplySyscall = ReturnType<typeof makeSyscalls>;
