import { isVref } from '@cooperage/protocol';
import type { Form } from '@cooperage/protocol/vat-words';

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** No list of any word may be longer. */
const MOST_ENTRIES = 20_000;

/** Whether the value is of that form; a record may have more fields. */
export const conforms = (form: Form, value: unknown): boolean => {
  switch (form.is) {
    case 'one':
      return form.of.includes(value);
    case 'text':
      return typeof value === 'string' && !/\p{Surrogate}/u.test(value);
    case 'line':
      return typeof value === 'string';
    case 'reference':
      return isVref(value);
    case 'number':
      return typeof value === 'number';
    case 'flag':
      return typeof value === 'boolean';
    case 'list':
      return (
        Array.isArray(value) &&
        value.length <= MOST_ENTRIES &&
        Array.from(value).every(each => conforms(form.of, each))
      );
    case 'tuple':
      return (
        Array.isArray(value) &&
        form.of.every((each, index) => conforms(each, value[index]))
      );
    case 'record':
      return (
        isRecord(value) &&
        Object.entries(form.fields).every(([key, each]) =>
          conforms(each, Object.hasOwn(value, key) ? value[key] : undefined),
        )
      );
    case 'either':
      return form.of.some(each => conforms(each, value));
  }
};

/** As many as the longest has; the shorter ones begin again. */
const sideBySide = (columns: readonly (readonly unknown[])[]): unknown[][] =>
  Array.from(
    { length: Math.max(1, ...columns.map(({ length }) => length)) },
    (_, row) => columns.map(each => each[row % each.length]),
  );

/** Values of that form, in which each alternative of it is met. */
export const samplesOf = (form: Form): unknown[] => {
  switch (form.is) {
    case 'one':
      return [...form.of];
    case 'text':
    case 'line':
      return ['some text'];
    case 'reference':
      return ['o-1'];
    case 'number':
      return [1];
    case 'flag':
      return [true, false];
    case 'list':
      return [samplesOf(form.of)];
    case 'tuple':
      return sideBySide(form.of.map(samplesOf));
    case 'record': {
      const keys = Object.keys(form.fields);
      const rows = sideBySide(Object.values(form.fields).map(samplesOf));
      return rows.map(row =>
        Object.fromEntries(keys.map((key, index) => [key, row[index]])),
      );
    }
    case 'either':
      return form.of.flatMap(samplesOf);
  }
};

export type Place = readonly string[];

/** Every place in a value, the whole of it first. */
export const placesIn = (value: unknown): Place[] =>
  typeof value === 'object' && value !== null
    ? [
        [],
        ...Object.entries(value).flatMap(([key, each]) =>
          placesIn(each).map(place => [key, ...place]),
        ),
      ]
    : [[]];

/** A copy that has something else in that place. */
export const putInto = (
  value: unknown,
  [key, ...rest]: Place,
  thing: unknown,
): unknown => {
  if (key === undefined) {
    return thing;
  }
  const fields: Record<string, unknown> = Object(value);
  const part = putInto(fields[key], rest, thing);
  return Array.isArray(value)
    ? value.map((each, index) => (String(index) === key ? part : each))
    : { ...fields, [key]: part };
};
