/// <reference lib="es2024.string" />
import harden from '@endo/harden';
import {
  isBundleHash,
  isName,
  isPromiseKref,
  LEAST_STORE,
  MOST_ALLOWED,
  NAME,
  parseAdminCaveats,
  parseVatConfig,
  showValue,
  type AdminCaveats,
  type CapData,
  type Kref,
  type VatConfig,
} from '@cooperage/protocol';
import { insistObject } from './arguments.ts';
import { Refusal, refuseUnless } from './refusal.ts';
import type { Call } from './service.ts';
import {
  isRecord,
  isReference,
  plainOf,
  type Value,
  type ValueRecord,
} from './values.ts';

/** Bytes that a store has without a word of its maker where a quota bounds them. */
export const USUAL_STORE = 1_000_000;

const MOST_DEPTH = 100;
const MOST_POWERS = 100;
/** Of what a vat is made with: UTF-16 units, and references. It stays in memory for as long as the vat is there. */
export const MOST_PARAMETER_UNITS = 100_000;
export const MOST_PARAMETER_SLOTS = 1_000;
const MOST_REASON = 500;

/** What a maker may say of a vat beside its code and what it gets. */
export type Policy = Omit<VatConfig, 'bundle' | 'parameters'> & {
  /** Of its store; null when the maker said nothing. */
  readonly bytes: number | null;
};

/** What a call of createVat asks for. */
export type Creation = {
  /** A bundle's name or hash; whether there is one is not checked yet. */
  readonly bundle: string;
  readonly name: string;
  readonly policy: Policy;
  /** Names what the child is given, and nothing else. */
  readonly parameters: CapData<Kref>;
};

const recordOrNone = (value: Value, what: string): ValueRecord => {
  refuseUnless(
    value === undefined || isRecord(value),
    () => `${what} is a record`,
  );
  return value ?? new Map();
};

const refuseUnknown = (
  record: ValueRecord,
  known: readonly string[],
  what: string,
): void => {
  for (const key of record.keys()) {
    refuseUnless(
      known.includes(key),
      () => `${what} has no ${showValue(key)}; there are ${known.join(', ')}`,
    );
  }
};

export const readBundle = (value: Value): string => {
  refuseUnless(
    isName(value) || isBundleHash(value),
    () => `a bundle is given by its name or its hash, not by ${showAny(value)}`,
  );
  return value;
};
harden(readBundle);

const showAny = (value: Value): string =>
  isReference(value) ? `a reference` : showValue(value);

const readName = (value: Value): string => {
  refuseUnless(
    isName(value),
    () => `name is a name (${NAME.source}), not ${showAny(value)}`,
  );
  return value;
};

const readBytes = (value: unknown): number | null => {
  if (value === undefined) {
    return null;
  }
  refuseUnless(
    typeof value === 'number' &&
      Number.isSafeInteger(value) &&
      value >= LEAST_STORE &&
      value <= MOST_ALLOWED,
    () =>
      `policy: bytes is a whole number from ${LEAST_STORE} to ${MOST_ALLOWED}, not ${showValue(value)}`,
    'RangeError',
  );
  return value;
};

/** Only a person's config says that a vat may take the kernel along. */
const POLICY = ['bytes', 'deadline', 'endowments', 'eviction', 'onFault'];

const readPolicy = (value: Value): Policy => {
  const record = recordOrNone(value, 'policy');
  refuseUnknown(record, POLICY, 'policy');
  const { bytes, ...fields } = Object.fromEntries(
    [...record].map(([key, field]) => [key, plainOf(field)]),
  );
  const problems: string[] = [];
  const config = parseVatConfig(
    { ...fields, bundle: { text: '' } },
    'policy',
    problems,
  );
  refuseUnless(problems.length === 0, () => problems.join('; '));
  const { bundle: _bundle, parameters: _parameters, ...policy } = config;
  return { ...policy, bytes: readBytes(bytes) };
};

/**
 * Cuts a part out of what was sent, with the references that the part names and
 * no others. What the kernel has no use for, a tagged record for one, passes as
 * it is: the body stays what the sender has written.
 */
const makeCutter = (given: readonly Kref[]) => {
  const named = new Map<Kref, number>();
  const nameOf = (kref: Kref, rest = ''): string => {
    const index = named.get(kref) ?? named.size;
    named.set(kref, index);
    return `${isPromiseKref(kref) ? '&' : '$'}${index}${rest}`;
  };
  const cutText = (text: string): string => {
    const [, digits, rest] = /^[$&](\d{1,6})(\..*)?$/s.exec(text) ?? [];
    if (digits === undefined) {
      refuseUnless(
        !/^[$&]/.test(text),
        () => 'parameters name a reference in a way that is unknown',
      );
      return text;
    }
    const kref = given[Number(digits)];
    refuseUnless(kref, () => 'parameters name a reference that is not there');
    return nameOf(kref, rest);
  };
  const cut = (part: unknown, depth = 0): unknown => {
    refuseUnless(
      depth < MOST_DEPTH,
      () => `parameters are nested deeper than ${MOST_DEPTH}`,
    );
    if (typeof part === 'string') {
      return cutText(part);
    }
    if (Array.isArray(part)) {
      return part.map(each => cut(each, depth + 1));
    }
    return typeof part === 'object' && part !== null
      ? Object.fromEntries(
          Object.entries(part).map(([key, field]) => [
            key,
            cut(field, depth + 1),
          ]),
        )
      : part;
  };
  return { cut, nameOf, slots: (): Kref[] => [...named.keys()] };
};

/** The JSON of an argument as it was sent, or of a field of it; undefined when there is none. */
const rawArgument = (body: string, index: number, key?: string): unknown => {
  const [, args] = JSON.parse(body.slice(1));
  const argument = Object(args)[index];
  if (key === undefined) {
    return argument;
  }
  return Object.hasOwn(Object(argument), key)
    ? Object(argument)[key]
    : undefined;
};

/** Data as they were sent, to be told to others; undefined when there are none. Throws Refusal. */
export const readData = (
  { methargs, args }: Call,
  index: number,
): CapData<Kref> | undefined => {
  if (args[index] === undefined) {
    return undefined;
  }
  const { cut, slots } = makeCutter(methargs.slots);
  const body = `#${JSON.stringify(cut(rawArgument(methargs.body, index)))}`;
  // A reference to the node would keep the node, and the node what is told.
  refuseUnless(
    slots().length === 0,
    () => 'a reason is data, without references',
  );
  return { body, slots: [] };
};
harden(readData);

const isPlainRecord = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !Object.hasOwn(value, '#error') &&
  !Object.hasOwn(value, '#tag');

const insistSmall = (parameters: CapData<Kref>): CapData<Kref> => {
  const { body, slots } = parameters;
  refuseUnless(
    body.length <= MOST_PARAMETER_UNITS && slots.length <= MOST_PARAMETER_SLOTS,
    () =>
      `parameters and powers have at most ${MOST_PARAMETER_UNITS} characters and ${MOST_PARAMETER_SLOTS} references, and these have ${body.length} and ${slots.length}: tell the vat more when it is there`,
    'RangeError',
  );
  return parameters;
};

/**
 * What the child's buildRootObject gets: the parameters, and the powers in them
 * under the name `powers`, each by its name.
 */
const readParameters = (
  { methargs }: Call,
  options: ValueRecord,
  ifaceOf: (kref: Kref) => string | null,
): CapData<Kref> => {
  const { cut, nameOf, slots } = makeCutter(methargs.slots);
  const raw = rawArgument(methargs.body, 1, 'parameters');
  let tree = raw === undefined || raw === '#undefined' ? {} : cut(raw);
  const powers = options.get('powers');
  if (powers !== undefined) {
    const record = recordOrNone(powers, 'powers');
    refuseUnless(
      record.size <= MOST_POWERS,
      () => `powers are at most ${MOST_POWERS}`,
    );
    refuseUnless(
      isPlainRecord(tree) && !Object.hasOwn(tree, 'powers'),
      () =>
        'parameters are a record without a field powers: that is where the powers go',
    );
    const named = [...record].map(([name, value]) => {
      const kref = insistObject(value, `the power ${readName(name)}`);
      return [name, nameOf(kref, `.Alleged: ${ifaceOf(kref) ?? name}`)];
    });
    tree = { ...tree, powers: Object.fromEntries(named) };
  }
  return insistSmall({ body: `#${JSON.stringify(tree)}`, slots: slots() });
};

/** Reads `createVat(bundle, {name, parameters, powers, policy})`. Throws Refusal. */
export const readCreation = (
  call: Call,
  ifaceOf: (kref: Kref) => string | null,
): Creation => {
  const [bundle, given] = call.args;
  const options = recordOrNone(given, 'the second argument');
  refuseUnknown(
    options,
    ['name', 'parameters', 'powers', 'policy'],
    'createVat',
  );
  return {
    bundle: readBundle(bundle),
    name: readName(options.get('name')),
    policy: readPolicy(options.get('policy')),
    parameters: readParameters(call, options, ifaceOf),
  };
};
harden(readCreation);

/** What a node's upgrade asks for; without new parameters those before stay. */
export type Renewal = {
  readonly bundle: string;
  readonly parameters: CapData<Kref> | undefined;
  readonly upgradeMessage: string | undefined;
};

/** Reads `upgrade(bundle, {parameters, powers, upgradeMessage})`. Throws Refusal. */
export const readUpgrade = (
  call: Call,
  ifaceOf: (kref: Kref) => string | null,
): Renewal => {
  const [bundle, given] = call.args;
  const options = recordOrNone(given, 'the second argument');
  refuseUnknown(options, ['parameters', 'powers', 'upgradeMessage'], 'upgrade');
  const message = options.get('upgradeMessage');
  const isGiven = ['parameters', 'powers'].some(
    key => options.get(key) !== undefined,
  );
  return {
    bundle: readBundle(bundle),
    parameters: isGiven ? readParameters(call, options, ifaceOf) : undefined,
    upgradeMessage: message === undefined ? undefined : readReason(message, ''),
  };
};
harden(readUpgrade);

/** Reads the bounds of `attenuate({vats, bytes, bundles, deadline})`. Throws Refusal. */
export const readCaveats = (value: Value): AdminCaveats => {
  const record = recordOrNone(value, 'what attenuates');
  const problems: string[] = [];
  const caveats = parseAdminCaveats(
    Object.fromEntries(
      [...record].map(([key, field]) => [key, plainOf(field)]),
    ),
    'attenuate',
    problems,
  );
  if (problems.length > 0) {
    throw new Refusal(problems.join('; '), 'TypeError');
  }
  return caveats;
};
harden(readCaveats);

/** A word for people, as it may be stored and shown; without one the one given. */
export const readReason = (value: Value, otherwise: string): string => {
  refuseUnless(
    value === undefined || typeof value === 'string',
    () => 'a reason is a text',
  );
  return (value ?? otherwise).slice(0, MOST_REASON).toWellFormed();
};
harden(readReason);
