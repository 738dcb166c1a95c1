import {
  CooperageError,
  isKref,
  isSessionId,
  isVatId,
  isVref,
  parseBundleSource,
  showValue,
  type BundleSource,
  type InspectRequest,
  type ReferenceRequest,
} from '@cooperage/protocol';
import harden from '@endo/harden';
import { parametersOf } from './launch-config.ts';
import type { UpgradeOrder } from './upgrade-order.ts';

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

export const sourceOf = (fields: Fields): BundleSource => {
  const source = parseBundleSource(fields['bundle']);
  if (!source) {
    throw badRequest(
      'The request needs a bundle, one of {"url": text}, {"hash": 128 hex digits}, {"text": text}',
    );
  }
  return source;
};
harden(sourceOf);

/** Of an `OrderRequest`. */
export const parseOrder = (
  params: unknown,
): readonly [
  cluster: string,
  vat: string | undefined,
  id: string | undefined,
] => {
  const fields = fieldsOf(params);
  return [
    textOf(fields, 'cluster'),
    optionalTextOf(fields, 'vat'),
    optionalTextOf(fields, 'id'),
  ];
};
harden(parseOrder);

/** Which code a vat is to get. Throws CooperageError BAD_REQUEST, and BAD_CONFIG for its parameters. */
export const parseUpgrade = (params: unknown): UpgradeOrder => {
  const fields = fieldsOf(params);
  const { parameters } = fields;
  return {
    source: sourceOf(fields),
    parameters: parameters === undefined ? undefined : parametersOf(parameters),
    upgradeMessage: optionalTextOf(fields, 'upgradeMessage'),
    by: 'person',
  };
};
harden(parseUpgrade);

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

export const parseInspection = (params: unknown): InspectRequest => {
  const { vref, endpoint, ...fields } = fieldsOf(params);
  if (vref !== undefined) {
    if (!isVref(vref)) {
      throw badRequest(`${showValue(vref)} is no vref such as o-7`);
    }
    return { vref };
  }
  if (endpoint !== undefined) {
    if (!isVatId(endpoint) && !isSessionId(endpoint)) {
      throw badRequest(`${showValue(endpoint)} is no vat (v3) or session (s2)`);
    }
    return { endpoint };
  }
  return parseReference(fields);
};
harden(parseInspection);
