import {
  isExportVref,
  isPromiseVref,
  makeExportVref,
  type Vref,
} from '@cooperage/protocol';
import harden from '@endo/harden';

/**
 * The two-way table between this client's values and their vrefs.
 *
 * An import, and an export that the kernel has dropped, is held weakly: who
 * uses it holds it. An export that the kernel can reach is held strongly.
 * Promises are held by the promise table while they are open.
 */
export type References = {
  vrefOf(value: object): Vref | undefined;
  valueOf(vref: Vref): object | undefined;
  /** The vref of the value, a fresh one if it has none. Fresh ones count as known to the kernel only once retained. */
  provideVref(value: object, kind: 'object' | 'promise'): Vref;
  allotPromise(): Vref;
  register(vref: Vref, value: object): void;
  /** Takes the vref of a settled promise out of use; the promise gets a fresh one if it is sent again. */
  unregister(vref: Vref): void;
  /** The kernel is about to learn of this vref, by the batch of that number. */
  retain(vref: Vref, batch: number): void;
  /**
   * The kernel could not reach this export any more when it had applied `seen`
   * batches; it may still recognize it. A later batch names it anew.
   */
  drop(vref: Vref, seen: number): void;
  /** The kernel had forgotten this vref when it had applied `seen` batches. */
  retire(vref: Vref, seen: number): void;
};

/** `onCollected` is told the vref of an import, or of an export that the kernel may still recognize, whose value is gone. */
export const makeReferences = (
  onCollected: (vref: Vref) => void,
): References => {
  const vrefs = new WeakMap<object, Vref>();
  const values = new Map<Vref, WeakRef<object>>();
  const reachable = new Map<Vref, { value: object; batch: number }>();
  const recognizable = new Set<Vref>();
  let lastObject = 0;
  let lastPromise = 0;

  /** True when a batch that the kernel had not seen when it spoke names the export. */
  const isNamedSince = (vref: Vref, seen: number): boolean =>
    (reachable.get(vref)?.batch ?? 0) > seen;

  const valueOf = (vref: Vref): object | undefined => values.get(vref)?.deref();

  const registry = new FinalizationRegistry<Vref>(vref => {
    // The same import may have come again since: then its new presence lives.
    if (!values.has(vref) || valueOf(vref) !== undefined) {
      return;
    }
    values.delete(vref);
    if (!isExportVref(vref) || recognizable.delete(vref)) {
      onCollected(vref);
    }
  });

  const register = (vref: Vref, value: object): void => {
    vrefs.set(value, vref);
    values.set(vref, new WeakRef(value));
    if (!isPromiseVref(vref)) {
      registry.register(value, vref);
    }
  };

  const allotPromise = (): Vref => {
    lastPromise += 1;
    return makeExportVref('promise', lastPromise);
  };

  return harden({
    vrefOf: (value: object) => vrefs.get(value),
    valueOf,
    provideVref: (value: object, kind: 'object' | 'promise') => {
      const known = vrefs.get(value);
      if (known !== undefined) {
        return known;
      }
      lastObject += kind === 'object' ? 1 : 0;
      const vref =
        kind === 'object'
          ? makeExportVref('object', lastObject)
          : allotPromise();
      register(vref, value);
      return vref;
    },
    allotPromise,
    register,
    unregister: (vref: Vref) => {
      const value = valueOf(vref);
      values.delete(vref);
      if (value !== undefined) {
        vrefs.delete(value);
      }
    },
    retain: (vref: Vref, batch: number) => {
      const value = valueOf(vref);
      if (isExportVref(vref) && !isPromiseVref(vref) && value !== undefined) {
        reachable.set(vref, { value, batch });
        recognizable.add(vref);
      }
    },
    drop: (vref: Vref, seen: number) => {
      if (!isNamedSince(vref, seen)) {
        reachable.delete(vref);
      }
    },
    retire: (vref: Vref, seen: number) => {
      if (isNamedSince(vref, seen)) {
        return; // as a new export, to the kernel
      }
      reachable.delete(vref);
      recognizable.delete(vref);
      if (valueOf(vref) === undefined) {
        values.delete(vref);
      }
    },
  });
};
harden(makeReferences);
