import {
  CooperageError,
  isKref,
  showValue,
  type ReferenceRequest,
} from '@cooperage/protocol';
import harden from '@endo/harden';

type Fields = Readonly<Record<string, unknown>>;

/** What a client asked for makes no sense. */
export const badRequest = (problem: string): CooperageError =>
  new CooperageError('BAD_REQUEST', problem);
harden(badRequest);

/** The fields of a request's parameters. Throws CooperageError BAD_REQUEST, as all of these do. */
export const fieldsOf = (params: unknown): Fields => {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) {
    throw badRequest('A request is an object');
  }
  return Object.fromEntries(Object.entries(params));
};
harden(fieldsOf);

export const textOf = (fields: Fields, key: string): string => {
  const value = fields[key];
  if (typeof value !== 'string') {
    throw badRequest(`The request needs ${key}, a text`);
  }
  return value;
};
harden(textOf);

export const optionalTextOf = (
  fields: Fields,
  key: string,
): string | undefined =>
  fields[key] === undefined ? undefined : textOf(fields, key);
harden(optionalTextOf);

export const parseReference = (params: unknown): ReferenceRequest => {
  const fields = fieldsOf(params);
  if (fields['kref'] !== undefined) {
    const { kref } = fields;
    if (!isKref(kref)) {
      throw badRequest(`${showValue(kref)} is no kref such as ko7`);
    }
    return { kref };
  }
  if (fields['home'] !== undefined) {
    return { home: textOf(fields, 'home') };
  }
  const vat = optionalTextOf(fields, 'vat');
  const cluster = textOf(fields, 'cluster');
  return vat === undefined ? { cluster } : { cluster, vat };
};
harden(parseReference);
