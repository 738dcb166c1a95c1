/**
 * A vat in this realm, without a worker and a kernel: liveslots over the store
 * that vats have, or over a bare Map with a sorted array of its keys.
 */
import {
  compareKeys,
  DEFAULT_VAT_LIMITS,
  encodeRows,
  makeVatId,
  openRows,
  ROOT_VREF,
  type Delivery,
  type Row,
  type StoreChange,
  type Vref,
} from '@cooperage/protocol';
import { makeGcTools } from '../../packages/vat-supervisor/src/gc-tools.ts';
import {
  makeLiveSlots,
  type LiveSlotsSyscall,
} from '../../packages/vat-supervisor/src/liveslots.ts';
import { loadBundle } from '../../packages/vat-supervisor/src/load-bundle.ts';
import { makeSyscallBuffer } from '../../packages/vat-supervisor/src/syscall-buffer.ts';
import { makeVatStore } from '../../packages/vat-supervisor/src/vat-store.ts';
import { makeStoreConfig } from '../store-program.ts';

/** The rows that a crank begins with and the changes that it ends with. */
type Layer = {
  readonly syscall: LiveSlotsSyscall;
  begin(delivery: Delivery): void;
  end(): readonly StoreChange[];
};

const makeOurs = (rows: readonly Row[]): Layer => {
  const buffer = makeSyscallBuffer({
    limits: DEFAULT_VAT_LIMITS,
    makeStore: note => makeVatStore(openRows(encodeRows(rows)), note),
    onLate: name => {
      throw Error(`${name} came late`);
    },
  });
  return {
    syscall: buffer.syscall,
    begin: buffer.begin,
    end: () => buffer.take().changes,
  };
};

const makeBare = (rows: readonly Row[]): Layer => {
  const values = new Map(rows);
  const keys = rows.map(([key]) => key);
  const changes = new Map<string, string | null>();
  let said: unknown[] = [];
  const say = (...syscall: unknown[]): void => void said.push(syscall);
  const placeOf = (key: string): number => {
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((keys[middle] ?? '') < key) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  return {
    syscall: {
      send: say,
      subscribe: say,
      resolve: say,
      exit: say,
      dropImports: say,
      retireImports: say,
      retireExports: say,
      abandonExports: say,
      callNow: () => {
        throw Error('there are no devices here');
      },
      vatstoreGet: key => values.get(key),
      vatstoreGetNextKey: key => {
        const place = placeOf(key);
        return keys[keys[place] === key ? place + 1 : place];
      },
      vatstoreSet: (key, value) => {
        if (!values.has(key)) {
          keys.splice(placeOf(key), 0, key);
        }
        values.set(key, value);
        changes.set(key, value);
      },
      vatstoreDelete: key => {
        if (values.delete(key)) {
          keys.splice(placeOf(key), 1);
        }
        changes.set(key, null);
      },
    },
    begin: () => {},
    end: () => {
      const all = [...changes];
      changes.clear();
      said = [];
      return all;
    },
  };
};

const SILENT = Object.freeze({
  debug: () => {},
  info: () => {},
  log: () => {},
  warn: () => {},
  error: () => {},
});

const start = async (
  layer: Layer,
  onChanges: (changes: readonly StoreChange[]) => void,
) => {
  const { vats } = makeStoreConfig('store');
  const text = vats['store']?.bundle.text ?? '';
  const liveSlots = makeLiveSlots({
    syscall: layer.syscall,
    vatId: makeVatId(1),
    gcTools: makeGcTools({ collectGarbage: async () => true }).tools,
    console: SILENT,
    buildVatNamespace: loadBundle(text, {}),
  });
  const deliver = async (delivery: Delivery): Promise<void> => {
    layer.begin(delivery);
    await liveSlots.dispatch(delivery);
    onChanges(layer.end());
  };
  await deliver(['startVat', { body: '#{}', slots: [] }]);
  let calls = 0;
  return (method: string, ...args: readonly number[]): Promise<void> => {
    calls += 1;
    const body = `#${JSON.stringify([method, args])}`;
    const result = `p-${calls}` as Vref;
    return deliver([
      'message',
      ROOT_VREF,
      { methargs: { body, slots: [] }, result },
    ]);
  };
};

/** Two vats of the store program that have started over the same rows; each gives a way to call its root. */
export const makeStoreVats = async (count: number) => {
  const rows = new Map<string, string>();
  const fill = await start(makeOurs([]), changes => {
    for (const [key, value] of changes) {
      if (value === null) {
        rows.delete(key);
      } else {
        rows.set(key, value);
      }
    }
  });
  await fill('fill', 0, count);
  const sorted = [...rows].sort(([a], [b]) => compareKeys(a, b));
  const ignore = (): void => {};
  return {
    ours: await start(makeOurs(sorted), ignore),
    bare: await start(makeBare(sorted), ignore),
  };
};
