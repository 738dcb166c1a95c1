import harden from '@endo/harden';
import { isPromiseKref, type CapData, type Kref } from '@cooperage/protocol';
import { Refusal, refuseUnless } from './refusal.ts';

/** A reference in a value. */
export type Reference = {
  readonly type: 'object' | 'promise';
  readonly kref: Kref;
  /** What an answer alleges it to be. */
  readonly iface?: string;
};

/** What no service has a use for but to show it. */
export type Oddity = {
  readonly type: 'error' | 'symbol' | 'tagged';
  readonly text: string;
};

/**
 * What CapData says, as a service reads and writes it. A record is a Map: so
 * nothing that a vat can write passes for a reference, and no key is special.
 */
export type Value =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Value[]
  | ValueRecord
  | Reference
  | Oddity;
export type ValueRecord = ReadonlyMap<string, Value>;

const MOST_DEPTH = 100;

export const isReference = (value: Value): value is Reference =>
  typeof value === 'object' &&
  value !== null &&
  'kref' in value &&
  !(value instanceof Map);
harden(isReference);

export const isRecord = (value: Value): value is ValueRecord =>
  value instanceof Map;
harden(isRecord);

/** `isArray` forgets what a readonly list holds. */
export const isList = (value: Value): value is readonly Value[] =>
  Array.isArray(value);
harden(isList);

const malformed = (what: string): Refusal =>
  new Refusal(`the arguments can't be read: ${what}`, 'TypeError');

const readSlot = (text: string, slots: readonly Kref[]): Reference => {
  const [, digits] = /^.(\d{1,6})(?:\.|$)/s.exec(text) ?? [];
  const kref = digits === undefined ? undefined : slots[Number(digits)];
  if (kref === undefined) {
    throw malformed('they name a reference that is not there');
  }
  const type = isPromiseKref(kref) ? 'promise' : 'object';
  if (text.startsWith('&') !== (type === 'promise')) {
    throw malformed(`they call a reference otherwise than the ${type} it is`);
  }
  return { type, kref };
};

const CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['#undefined', undefined],
  ['#NaN', NaN],
  ['#-0', -0],
  ['#Infinity', Infinity],
  ['#-Infinity', -Infinity],
]);

const readText = (text: string, slots: readonly Kref[]): Value => {
  switch (text[0]) {
    case '!':
      return text.slice(1);
    case '$':
    case '&':
      return readSlot(text, slots);
    case '+':
    case '-':
      if (/^[+-]\d{1,1000}$/.test(text)) {
        return BigInt(text.replace('+', ''));
      }
      throw malformed('they have no number where one should be');
    case '%':
      return { type: 'symbol', text: text.slice(1) };
    case '#':
      if (CONSTANTS.has(text)) {
        return CONSTANTS.get(text);
      }
      throw malformed('they have a constant that is unknown');
    default:
      return text;
  }
};

/** The name of a tag, or the message of an error. Anything else there is no text at all: `String` of it may throw. */
const readPlain = (value: unknown, slots: readonly Kref[]): string => {
  const text = typeof value === 'string' ? readText(value, slots) : value;
  if (typeof text !== 'string') {
    throw malformed('they have a tag or an error that is no text');
  }
  return text;
};

const readFields = (
  fields: Record<string, unknown>,
  slots: readonly Kref[],
  depth: number,
): Value => {
  if (Object.hasOwn(fields, '#error')) {
    return { type: 'error', text: readPlain(fields['#error'], slots) };
  }
  if (Object.hasOwn(fields, '#tag')) {
    return { type: 'tagged', text: readPlain(fields['#tag'], slots) };
  }
  return new Map(
    Object.entries(fields).map(([key, field]) => [
      key.startsWith('!') ? key.slice(1) : key,
      readAny(field, slots, depth),
    ]),
  );
};

const readAny = (
  value: unknown,
  slots: readonly Kref[],
  depth: number,
): Value => {
  refuseUnless(
    depth < MOST_DEPTH,
    () => `the arguments are nested deeper than ${MOST_DEPTH}`,
  );
  switch (typeof value) {
    case 'string':
      return readText(value, slots);
    case 'boolean':
    case 'number':
      return value;
    case 'object':
      if (value === null) {
        return null;
      }
      return Array.isArray(value)
        ? value.map(each => readAny(each, slots, depth + 1))
        : readFields(value as Record<string, unknown>, slots, depth + 1);
    default:
      throw malformed('they hold what JSON does not know');
  }
};

/** Reads what a vat or session sent. Throws Refusal when it can't be read. */
export const readValue = ({ body, slots }: CapData<Kref>): Value => {
  if (!body.startsWith('#')) {
    throw malformed('they are in another encoding than smallcaps');
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.slice(1));
  } catch {
    throw malformed('they are no JSON');
  }
  return readAny(parsed, slots, 0);
};
harden(readValue);

/** Plain data as JSON has it: records become objects, and whole numbers of any size numbers. */
export const plainOf = (value: Value): unknown => {
  if (isList(value)) {
    return value.map(plainOf);
  }
  if (isRecord(value)) {
    return Object.fromEntries(
      [...value].map(([key, field]) => [key, plainOf(field)]),
    );
  }
  return typeof value === 'bigint' ? Number(value) : value;
};
harden(plainOf);

const NEEDS_ESCAPE = /^[!-\-]/;
const escapeText = (text: string): string =>
  NEEDS_ESCAPE.test(text) ? `!${text}` : text;

const writeNumber = (value: number): number | string => {
  if (Number.isFinite(value)) {
    return value;
  }
  return `#${value}`;
};

/** CapData of a value without oddities. */
export const writeValue = (value: Value): CapData<Kref> => {
  const slots: Kref[] = [];
  const named = new Map<Kref, string>();
  const writeReference = ({ kref, type, iface }: Reference): string => {
    const known = named.get(kref);
    if (known !== undefined) {
      return known;
    }
    const name = `${type === 'promise' ? '&' : '$'}${slots.push(kref) - 1}`;
    named.set(kref, name);
    return iface === undefined ? name : `${name}.Alleged: ${iface}`;
  };
  const write = (item: Value): unknown => {
    switch (typeof item) {
      case 'undefined':
        return '#undefined';
      case 'string':
        return escapeText(item);
      case 'bigint':
        return item < 0n ? `${item}` : `+${item}`;
      case 'number':
        return writeNumber(item);
      case 'boolean':
        return item;
      default:
        break;
    }
    if (item === null) {
      return null;
    }
    if (isList(item)) {
      return item.map(write);
    }
    if (isRecord(item)) {
      return Object.fromEntries(
        [...item].map(([key, field]) => [escapeText(key), write(field)]),
      );
    }
    return isReference(item) ? writeReference(item) : escapeText(item.text);
  };
  return { body: `#${JSON.stringify(write(value))}`, slots };
};
harden(writeValue);

/** A record with these fields. */
export const recordOf = (fields: Readonly<Record<string, Value>>): Value =>
  new Map(Object.entries(fields));
harden(recordOf);
