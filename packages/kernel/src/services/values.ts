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
  /** An object or promise only where a body is read without its slots; its text is what it is alleged to be. */
  readonly type: 'error' | 'symbol' | 'tagged' | 'object' | 'promise';
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

/** An error that somebody sent, of which the message is left. */
export const isError = (value: Value): value is Oddity =>
  typeof value === 'object' &&
  value !== null &&
  'type' in value &&
  value.type === 'error';
harden(isError);

const malformed = (what: string): Refusal =>
  new Refusal(`the arguments can't be read: ${what}`, 'TypeError');

/** Reads a text that names a reference, `$0.Alleged: Bob` for one. */
type ReadSlot = (text: string) => Reference | Oddity;

const SLOT = /^.(\d{1,6})(?:\.(?:Alleged: )?|$)/s;

const amongSlots =
  (slots: readonly Kref[]): ReadSlot =>
  text => {
    const [, digits] = SLOT.exec(text) ?? [];
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

/** What one alleges that has no interface. */
const ANONYMOUS = 'Remotable';

const asAlleged: ReadSlot = text => {
  const [before] = SLOT.exec(text) ?? [];
  if (before === undefined) {
    throw malformed('they name a reference that is none');
  }
  const type = text.startsWith('&') ? 'promise' : 'object';
  const iface = text.slice(before.length);
  return { type, text: iface === ANONYMOUS ? '' : iface };
};

const CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['#undefined', undefined],
  ['#NaN', NaN],
  ['#-0', -0],
  ['#Infinity', Infinity],
  ['#-Infinity', -Infinity],
]);

const readText = (text: string, readSlot: ReadSlot): Value => {
  switch (text[0]) {
    case '!':
      return text.slice(1);
    case '$':
    case '&':
      return readSlot(text);
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
const readPlain = (value: unknown, readSlot: ReadSlot): string => {
  const text = typeof value === 'string' ? readText(value, readSlot) : value;
  if (typeof text !== 'string') {
    throw malformed('they have a tag or an error that is no text');
  }
  return text;
};

const readFields = (
  fields: Record<string, unknown>,
  readSlot: ReadSlot,
  depth: number,
): Value => {
  if (Object.hasOwn(fields, '#error')) {
    return { type: 'error', text: readPlain(fields['#error'], readSlot) };
  }
  if (Object.hasOwn(fields, '#tag')) {
    return { type: 'tagged', text: readPlain(fields['#tag'], readSlot) };
  }
  return new Map(
    Object.entries(fields).map(([key, field]) => [
      key.startsWith('!') ? key.slice(1) : key,
      readAny(field, readSlot, depth),
    ]),
  );
};

const readAny = (value: unknown, readSlot: ReadSlot, depth: number): Value => {
  refuseUnless(
    depth < MOST_DEPTH,
    () => `the arguments are nested deeper than ${MOST_DEPTH}`,
  );
  switch (typeof value) {
    case 'string':
      return readText(value, readSlot);
    case 'boolean':
    case 'number':
      return value;
    case 'object':
      if (value === null) {
        return null;
      }
      return Array.isArray(value)
        ? value.map(each => readAny(each, readSlot, depth + 1))
        : readFields(value as Record<string, unknown>, readSlot, depth + 1);
    default:
      throw malformed('they hold what JSON does not know');
  }
};

const parseBody = (body: string): unknown => {
  if (!body.startsWith('#')) {
    throw malformed('they are in another encoding than smallcaps');
  }
  try {
    return JSON.parse(body.slice(1));
  } catch {
    throw malformed('they are no JSON');
  }
};

/** Reads what a vat or session sent. Throws Refusal when it can't be read. */
export const readValue = ({ body, slots }: CapData<Kref>): Value =>
  readAny(parseBody(body), amongSlots(slots), 0);
harden(readValue);

/** Nobody reads more of a value, and a vat chooses how large it is. */
const MOST_SHOWN = 1_000;

/** So much of what was parsed, with an ellipsis for the rest. */
const beginningOf = (value: unknown): unknown => {
  let left = MOST_SHOWN;
  const beginningOfList = (list: readonly unknown[]): unknown[] => {
    const items: unknown[] = [];
    for (const item of list) {
      if (left <= 0) {
        return [...items, '…'];
      }
      items.push(visit(item));
    }
    return items;
  };
  const visit = (each: unknown): unknown => {
    left -= 1;
    if (typeof each !== 'object' || each === null) {
      return each;
    }
    if (Array.isArray(each)) {
      return beginningOfList(each);
    }
    const fields: [string, unknown][] = [];
    for (const [key, field] of Object.entries(each)) {
      if (left <= 0) {
        fields.push(['…', '…']);
        break;
      }
      fields.push([key, visit(field)]);
    }
    return Object.fromEntries(fields);
  };
  return visit(value);
};

/**
 * The beginning of what was sent, out of its body alone, to be shown: a reference
 * in it is an Oddity. Throws Refusal when it can't be read.
 */
export const readToShow = (body: string): Value =>
  readAny(beginningOf(parseBody(body)), asAlleged, 0);
harden(readToShow);

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
