import harden from '@endo/harden';
import type { InescapableGlobals } from './liveslots.ts';

/** What a Compartment constructor gives, as far as it is used here. */
export type VatCompartment = {
  readonly globalThis: object;
  evaluate(source: string): unknown;
  importNow(specifier: string): object;
};

/**
 * A `Compartment` constructor whose compartments, and those that code inside
 * them makes, all have the inescapable globals.
 */
const wrapCompartment = (inescapable: InescapableGlobals) => {
  const Inner = Compartment;
  const Wrapped = function Compartment(...args: unknown[]): VatCompartment {
    if (new.target === undefined) {
      throw TypeError('Compartment must be called with new');
    }
    const made: VatCompartment = Reflect.construct(Inner, args, new.target);
    const globals: Record<PropertyKey, unknown> = {
      ...inescapable,
      Compartment: Wrapped,
    };
    for (const name of Reflect.ownKeys(globals)) {
      Object.defineProperty(made.globalThis, name, {
        value: globals[name],
        writable: true,
        enumerable: false,
        configurable: true,
      });
    }
    return made;
  };
  // `instanceof` holds, and no way leads from the prototype to the bare constructor: SES has tamed it.
  Wrapped.prototype = Inner.prototype;
  return harden(Wrapped);
};

/** The compartment of a vat's code, its global object hardened. */
export const makeVatCompartment = (parts: {
  readonly globals: object;
  readonly inescapable: InescapableGlobals;
  /** Module descriptors by specifier, as SES takes them. */
  readonly modules?: object;
}): VatCompartment => {
  const made: VatCompartment = Reflect.construct(
    wrapCompartment(parts.inescapable),
    [
      {
        __options__: true,
        globals: parts.globals,
        modules: parts.modules ?? {},
        // A specifier is a name here, never a path.
        resolveHook: (specifier: string) => specifier,
      },
    ],
  );
  harden(made.globalThis);
  return made;
};
harden(makeVatCompartment);
