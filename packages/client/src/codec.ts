import type { CapData, Vref } from '@cooperage/protocol';
import harden from '@endo/harden';
import { makeMarshal, type Passable } from '@endo/marshal';
import { withPlainInterfaces } from './presence.ts';

/** Values to CapData and back. */
export type Codec = {
  /** Hardens the value. Throws TypeError for what can't be passed, RangeError for what is too large. */
  encode(value: unknown): CapData;
  /** Throws when the data is malformed or names an unknown reference. */
  decode(data: CapData): unknown;
};

/** Characters of one body at most: well below what a connection carries. */
const MAX_BODY = 4_000_000;

/** Decodes without the decoder's stack in every error: it is noise to who reads the error. */
const withoutStacks = <Result>(run: () => Result): Result => {
  const settings = Error as { stackTraceLimit?: number };
  const limit = settings.stackTraceLimit;
  if (limit === undefined) {
    return run();
  }
  settings.stackTraceLimit = 0;
  try {
    return run();
  } finally {
    settings.stackTraceLimit = limit;
  }
};

/** `slotOfValue` gets the objects and promises in a value; `valueOfSlot` gives what stands for a vref. */
export const makeCodec = (options: {
  slotOfValue: (value: object) => Vref;
  valueOfSlot: (vref: Vref, iface: string | undefined) => object;
}): Codec => {
  const marshal = makeMarshal<Vref>(options.slotOfValue, options.valueOfSlot, {
    serializeBodyFormat: 'smallcaps',
    errorTagging: 'off',
    marshalName: 'client',
  });
  return harden({
    encode: (value: unknown) => {
      const raw = marshal.toCapData(harden(value) as Passable);
      // First, for a search through what is much larger would overflow the stack.
      if (raw.body.length > MAX_BODY) {
        throw RangeError(
          `a message of ${raw.body.length} characters is larger than ${MAX_BODY}; send it in parts`,
        );
      }
      const body = withPlainInterfaces(raw.body, raw.slots);
      return harden({ body, slots: raw.slots });
    },
    decode: ({ body, slots }: CapData) =>
      withoutStacks(() => marshal.fromCapData({ body, slots: [...slots] })),
  });
};
harden(makeCodec);

/** What the methargs of a message say. Without `args` the message asks for the property `method`. */
export const parseMethargs = (
  value: unknown,
): {
  readonly method: PropertyKey | undefined;
  readonly args: readonly unknown[] | undefined;
} => {
  const [method, args] = Array.isArray(value) ? (value as unknown[]) : [];
  const isName =
    method === undefined ||
    typeof method === 'string' ||
    typeof method === 'symbol';
  if (!isName || (args !== undefined && !Array.isArray(args))) {
    throw TypeError('a message is [method, args]');
  }
  return { method, args };
};
harden(parseMethargs);
