import {
  compareKeys,
  encodeJson,
  encodeRows,
  isExportVref,
  isDurableVref,
  isPromiseVref,
  limitsOfStart,
  makeVatId,
  openRows,
  DEFAULT_VAT_LIMITS,
  ROOT_VREF,
  type CapData,
  type Delivery,
  type Holdings,
  type Resolution,
  type Syscall,
  type VatLimits,
  type Vref,
} from '@cooperage/protocol';
import { makeDirectCollector } from '../collect-garbage.ts';
import { makeGcTools } from '../gc-tools.ts';
import { makeLiveSlots, type BuildVatNamespace } from '../liveslots.ts';
import { makeSyscallBuffer } from '../syscall-buffer.ts';
import { makeVatStore } from '../vat-store.ts';

type Answer = { readonly isRejected: boolean; readonly data: CapData };

export const toCapData = (value: Parameters<typeof encodeJson>[0]): CapData =>
  encodeJson(value, name => name as Vref);

/**
 * One vat in this realm, real liveslots over a real store, and just as much of
 * a kernel as its c-list needs: it insists that what the vat gives up was its
 * to give up. `restart` loses the heap; `bounds` are what one crank lets go of.
 */
export const makeLoneVat = (
  buildVatNamespace: BuildVatNamespace,
  gc: () => void,
  bounds: {
    readonly mostDead?: number;
    readonly mostLetGo?: number;
    readonly mostLate?: number;
    readonly limits?: VatLimits;
  } = {},
) => {
  const { limits = DEFAULT_VAT_LIMITS } = bounds;
  const rows = new Map<string, string>();
  const imports = new Map<Vref, boolean>();
  const exports = new Map<Vref, boolean>();
  const promises = new Set<Vref>();
  const answers = new Map<Vref, Answer>();
  let isFirst = true;
  let calls = 0;

  const start = () => {
    const buffer = makeSyscallBuffer({
      limits,
      limitsOfStart: limitsOfStart(limits),
      makeStore: note => makeVatStore(image(), note),
      ...bounds,
      onLate: name => {
        throw Error(`late ${name}`);
      },
    });
    const gcTools = makeGcTools({
      collectGarbage: makeDirectCollector(gc),
      ...bounds,
    });
    const liveSlots = makeLiveSlots({
      syscall: buffer.syscall,
      vatId: makeVatId(1),
      gcTools: gcTools.tools,
      console: {
        debug: () => {},
        info: () => {},
        log: () => {},
        warn: () => {},
        error: () => {},
      },
      buildVatNamespace,
    });
    return { buffer, liveSlots, gcTools };
  };
  const image = () =>
    openRows(
      encodeRows([...rows].sort(([left], [right]) => compareKeys(left, right))),
    );
  let heap: ReturnType<typeof start> | undefined;

  const learn = ({ slots }: CapData): void => {
    for (const vref of slots) {
      if (isPromiseVref(vref)) {
        promises.add(vref);
      } else {
        (isExportVref(vref) ? exports : imports).set(vref, true);
      }
    }
  };
  const insist = (isTrue: boolean, what: string): void => {
    if (!isTrue) {
      throw Error(`illegal: ${what}`);
    }
  };
  const resolve = ([vref, isRejected, data]: Resolution): void => {
    learn(data);
    answers.set(vref, { isRejected, data });
    promises.delete(vref);
  };
  const forbid = (syscall: readonly unknown[]) =>
    insist(false, JSON.stringify(syscall));

  const apply = (syscall: Syscall): void => {
    switch (syscall[0]) {
      case 'send':
        insist(imports.get(syscall[1]) === true, `send to ${syscall[1]}`);
        learn(syscall[2].methargs);
        if (syscall[2].result) {
          promises.add(syscall[2].result);
        }
        break;
      case 'subscribe':
        insist(promises.has(syscall[1]), `subscribe to ${syscall[1]}`);
        break;
      case 'resolve':
        syscall[1].forEach(resolve);
        break;
      case 'dropImports':
        for (const vref of syscall[1]) {
          insist(imports.get(vref) === true, `drop ${vref}`);
          imports.set(vref, false);
        }
        break;
      case 'retireImports':
        for (const vref of syscall[1]) {
          insist(imports.get(vref) === false, `retire ${vref}`);
          imports.delete(vref);
        }
        break;
      case 'retireExports':
        for (const vref of syscall[1]) {
          insist(exports.get(vref) === false, `retire export ${vref}`);
          exports.delete(vref);
        }
        break;
      case 'forgetPromises':
        for (const vref of syscall[1]) {
          insist(promises.delete(vref), `forget ${vref}`);
        }
        break;
      default:
        forbid(syscall);
    }
  };

  const deliver = async (delivery: Delivery, held?: Holdings) => {
    heap ??= start();
    const { buffer, liveSlots, gcTools } = heap;
    gcTools.beginCrank();
    buffer.begin(delivery);
    if (held) {
      buffer.sweep(held);
    }
    const isLate = delivery[0] === 'bringOutYourDead' && buffer.isLate();
    if (!isLate) {
      await liveSlots.dispatch(delivery);
    }
    if (['startVat', 'bringOutYourDead'].includes(delivery[0])) {
      buffer.letGo();
    }
    const hasMore = isLate || gcTools.hasMore() || buffer.hasMore();
    const { syscalls, changes } = buffer.take();
    for (const [key, value] of changes) {
      if (value === null) {
        rows.delete(key);
      } else {
        rows.set(key, value);
      }
    }
    syscalls.forEach(apply);
    return { syscalls, changes, hasMore };
  };

  const startVat = (parameters: CapData = toCapData({})) => {
    const named = new Set(parameters.slots);
    const held = {
      reachable: [...imports].flatMap(([vref, isReachable]) =>
        isReachable && !named.has(vref) ? [vref] : [],
      ),
      recognizable: [...imports].flatMap(([vref, isReachable]) =>
        !isReachable && !named.has(vref) ? [vref] : [],
      ),
      promises: [...promises].filter(vref => !named.has(vref)),
    };
    learn(parameters);
    const wasFirst = isFirst;
    isFirst = false;
    return deliver(['startVat', parameters], wasFirst ? undefined : held);
  };

  const callOn = async (
    target: Vref,
    method: string,
    ...args: Parameters<typeof encodeJson>[0][]
  ): Promise<CapData> => {
    calls += 1;
    const result = `p-${calls}` as Vref;
    const methargs = toCapData([method, args]);
    learn(methargs);
    promises.add(result);
    await deliver(['message', target, { methargs, result }]);
    const answer = answers.get(result);
    if (!answer || answer.isRejected) {
      throw Error(`${method} failed: ${answer?.data.body}`);
    }
    return answer.data;
  };

  return {
    rows,
    imports,
    exports,
    promises,
    deliver,
    startVat,
    /** The kernel's part of the heap's loss, and a new heap. */
    restart: (parameters?: CapData) => {
      heap = undefined;
      for (const vref of exports.keys()) {
        if (!isDurableVref(vref)) {
          exports.delete(vref);
        }
      }
      return startVat(parameters);
    },
    /** One reap, which may leave something to the next one. */
    reapOnce: () => deliver(['bringOutYourDead']),
    reap: async () => {
      for (let hasMore = true; hasMore;) {
        ({ hasMore } = await deliver(['bringOutYourDead']));
      }
    },
    dropExports: async (vrefs: readonly Vref[]) => {
      vrefs.forEach(vref => exports.set(vref, false));
      await deliver(['dropExports', vrefs]);
    },
    retireExports: async (vrefs: readonly Vref[]) => {
      vrefs.forEach(vref => exports.delete(vref));
      await deliver(['retireExports', vrefs]);
    },
    retireImports: async (vrefs: readonly Vref[]) => {
      vrefs.forEach(vref => imports.delete(vref));
      await deliver(['retireImports', vrefs]);
    },
    notify: async (vref: Vref, data: CapData) => {
      learn(data);
      promises.delete(vref);
      await deliver(['notify', [[vref, false, data]]]);
    },
    /** Calls a method of the root, or of another export; gives its answer's marshalled data. */
    call: (method: string, ...args: Parameters<typeof encodeJson>[0][]) =>
      callOn(ROOT_VREF, method, ...args),
    callOn,
    /** The rows as a worker is given them. */
    image,
  };
};
export type LoneVat = ReturnType<typeof makeLoneVat>;
