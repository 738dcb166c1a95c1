import type { Kref, Vref } from './refs.ts';

/**
 * A marshalled value: `body` is smallcaps JSON behind a `#`, `slots` are the
 * references that it names by index. The kernel never reads a body.
 */
export type CapData<Ref extends string = Vref> = {
  readonly body: string;
  readonly slots: readonly Ref[];
};

/** What JSON can say. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** A place in JSON where a reference stands: `{ "@ref": "ko7" }`. */
export type JsonReference = { readonly '@ref': string };

const NEEDS_ESCAPE = /^[!-\-]/;

const escapeString = (text: string): string =>
  NEEDS_ESCAPE.test(text) ? `!${text}` : text;

/** The reference that a JSON value names, if it is of the form `{ "@ref": "…" }`. */
export const parseJsonReference = (value: Json): string | undefined => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return undefined;
  }
  const keys = Object.keys(value);
  const name = (value as JsonReference)['@ref'];
  return keys.length === 1 && keys[0] === '@ref' && typeof name === 'string'
    ? name
    : undefined;
};

const letterOf = (ref: string): '$' | '&' =>
  ref.startsWith('kp') || ref.startsWith('p') ? '&' : '$';

/**
 * CapData for a JSON value, in smallcaps. `{ "@ref": name }` becomes a slot:
 * `resolve` gives the reference for the name, and throws for one it doesn't know.
 */
export const encodeJson = <Ref extends string>(
  value: Json,
  resolve: (name: string) => Ref,
): CapData<Ref> => {
  const slots: Ref[] = [];
  const slotFor = (name: string): string => {
    const ref = resolve(name);
    let index = slots.indexOf(ref);
    if (index < 0) {
      index = slots.push(ref) - 1;
    }
    return `${letterOf(ref)}${index}`;
  };
  const encode = (item: Json): Json => {
    if (typeof item === 'string') {
      return escapeString(item);
    }
    if (typeof item !== 'object' || item === null) {
      return item;
    }
    if (Array.isArray(item)) {
      return item.map(encode);
    }
    const name = parseJsonReference(item);
    if (name !== undefined) {
      return slotFor(name);
    }
    return Object.fromEntries(
      Object.entries(item).map(([key, field]) => [
        escapeString(key),
        encode(field),
      ]),
    );
  };
  const body = `#${JSON.stringify(encode(value))}`;
  return Object.freeze({ body, slots: Object.freeze(slots) });
};

/** CapData of an error without references, as a vat's code meets it: `name` and `message`. */
export const encodeError = <Ref extends string = Kref>(
  name: string,
  message: string,
): CapData<Ref> =>
  Object.freeze({
    body: `#${JSON.stringify({
      '#error': escapeString(message),
      name: escapeString(name),
    })}`,
    slots: Object.freeze([]),
  });

/** What rejects the promises that a dead heap was to decide. */
export const encodeDisconnection = <Ref extends string = Kref>(
  upgradeMessage: string,
  incarnationNumber: number,
): CapData<Ref> =>
  Object.freeze({
    body: `#${JSON.stringify({
      incarnationNumber,
      name: 'vatUpgraded',
      upgradeMessage: escapeString(upgradeMessage),
    })}`,
    slots: Object.freeze([]),
  });

export const UNDEFINED_CAPDATA: CapData<never> = Object.freeze({
  body: '#"#undefined"',
  slots: Object.freeze([]),
});

/** CapData whose whole value is one object reference. */
export const encodeReference = <Ref extends string>(
  ref: Ref,
  iface?: string,
): CapData<Ref> =>
  Object.freeze({
    body: `#${JSON.stringify(iface === undefined ? '$0' : `$0.${iface}`)}`,
    slots: Object.freeze([ref]),
  });

const SINGLE_REFERENCE = '#"$0';
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Whether the string that was begun before `start` ends with the text. By hand:
 * a vat chooses the length, and a regular expression that repeats alternatives
 * overflows the stack at some ten million characters.
 */
const endsWithString = (text: string, start: number): boolean => {
  for (let index = start; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit === QUOTE) {
      return index === text.length - 1;
    }
    if (unit === BACKSLASH) {
      index += 1;
    }
  }
  return false;
};

/**
 * The one object that the data is, or undefined if it is anything else: how a
 * promise resolved to an object is told from one resolved to data.
 */
export const parseSingleReference = <Ref extends string>({
  body,
  slots,
}: CapData<Ref>): Ref | undefined => {
  const end = SINGLE_REFERENCE.length;
  return slots.length === 1 &&
    body.startsWith(SINGLE_REFERENCE) &&
    (body[end] === '.' || body[end] === '"') &&
    endsWithString(body, end)
    ? slots[0]
    : undefined;
};
