import harden from '@endo/harden';
import {
  isList,
  isRecord,
  isReference,
  type Value,
  type ValueRecord,
} from './values.ts';

/** A key that needs no quotes. */
const PLAIN_KEY = /^[A-Za-z_$][\w$]*$/;

const showRecord = (record: ValueRecord): string => {
  const fields = [...record].map(
    ([key, field]) =>
      `${PLAIN_KEY.test(key) ? key : JSON.stringify(key)}: ${show(field)}`,
  );
  return fields.length === 0 ? '{ }' : `{ ${fields.join(', ')} }`;
};

const showList = (list: readonly Value[]): string =>
  list.length === 0 ? '[ ]' : `[ ${list.map(show).join(', ')} ]`;

const showObject = (value: Exclude<Value, string | number>): string => {
  if (isList(value)) {
    return showList(value);
  }
  if (isRecord(value)) {
    return showRecord(value);
  }
  if (isReference(value)) {
    return `[${value.type} ${value.kref}]`;
  }
  if (typeof value !== 'object' || value === null) {
    return String(value);
  }
  return value.text === ''
    ? `[${value.type}]`
    : `[${value.type}: ${value.text}]`;
};

/** A text within another value is quoted. */
const show = (value: Value): string => {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'bigint':
      return `${value}n`;
    case 'number':
      return String(value);
    default:
      return showObject(value);
  }
};

/** A value in one line, for people: `{ hot: true, by: [object: Kettle] }`; of a text, the text. */
export const textOfValue = (value: Value): string =>
  typeof value === 'string' ? value : show(value);
harden(textOfValue);
