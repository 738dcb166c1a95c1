import { isBundleHash, type BundleHash } from './bundle.ts';
import type { Json } from './capdata.ts';
import { showValue } from './show-value.ts';

/** Where a vat's code comes from. */
export type BundleSource =
  | { readonly url: string }
  | { readonly hash: BundleHash }
  | { readonly text: string };

export type VatConfig = {
  readonly bundle: BundleSource;
  /** Given to `buildRootObject` as its second argument. */
  readonly parameters: Json;
  /** Globals beside the language's own; `console` unless told otherwise. */
  readonly endowments: readonly Endowment[];
  /**
   * Milliseconds that the vat may take for one delivery, a whole number from 1
   * to `MAX_DEADLINE`; null for the kernel's own measure.
   */
  readonly deadline: number | null;
  readonly onFault: FaultPolicy;
};

/**
 * What follows when a vat breaks a rule or passes its deadline, and the crank
 * is abandoned:
 *
 * - `suspend`: messages wait until a person resumes or ends the vat;
 * - `restart`: the next incarnation tries the delivery again, three times in all;
 * - `terminate`: the vat ends.
 */
export const FAULT_POLICIES = Object.freeze([
  'suspend',
  'restart',
  'terminate',
] as const);
export type FaultPolicy = (typeof FAULT_POLICIES)[number];

/** An hour, in milliseconds. */
export const MAX_DEADLINE = 3_600_000;

/**
 * A cluster: vats that are launched together, and the one whose root gets
 * `bootstrap(vats, services)`.
 */
export type ClusterConfig = {
  readonly name: string;
  readonly bootstrap: string;
  readonly services: readonly string[];
  readonly vats: { readonly [name: string]: VatConfig };
};

export const ENDOWMENTS = Object.freeze([
  'console',
  'TextEncoder',
  'TextDecoder',
  'URL',
] as const);
export type Endowment = (typeof ENDOWMENTS)[number];

export const MAX_VATS_PER_CLUSTER = 64;
const NAME = /^[A-Za-z][\w.-]{0,62}$/;

type Found<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problems: readonly string[] };

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const own = (fields: Fields, key: string): unknown =>
  Object.hasOwn(fields, key) ? fields[key] : undefined;

const unknownFields = (
  fields: Fields,
  known: readonly string[],
  where: string,
): string[] =>
  Object.keys(fields)
    .filter(key => !known.includes(key))
    .map(
      key => `${where}: unknown field "${key}" (known: ${known.join(', ')})`,
    );

const parseSource = (
  fields: Fields,
  where: string,
  problems: string[],
): BundleSource => {
  const bundle = own(fields, 'bundle');
  const url = own(fields, 'bundleSpec');
  if (bundle === undefined && typeof url === 'string') {
    return { url };
  }
  if (!isFields(bundle)) {
    problems.push(
      `${where}: needs a bundle, one of {"url": …}, {"hash": …}, {"text": …}`,
    );
    return { text: '' };
  }
  const keys = Object.keys(bundle);
  const [key] = keys;
  const value = key === undefined ? undefined : bundle[key];
  if (keys.length === 1 && typeof value === 'string') {
    if (key === 'url') {
      return { url: value };
    }
    if (key === 'text') {
      return { text: value };
    }
    if (key === 'hash' && isBundleHash(value)) {
      return { hash: value };
    }
  }
  problems.push(
    `${where}: bundle is one of {"url": text}, {"hash": 128 hex digits}, {"text": text}`,
  );
  return { text: '' };
};

const isEndowment = (value: unknown): value is Endowment =>
  ENDOWMENTS.some(known => known === value);

const parseDeadline = (
  fields: Fields,
  where: string,
  problems: string[],
): number | null => {
  const deadline = own(fields, 'deadline') ?? null;
  if (deadline === null) {
    return null;
  }
  if (
    typeof deadline === 'number' &&
    Number.isInteger(deadline) &&
    deadline >= 1 &&
    deadline <= MAX_DEADLINE
  ) {
    return deadline;
  }
  problems.push(
    `${where}: deadline is a whole number of milliseconds from 1 to ${MAX_DEADLINE}, not ${showValue(deadline)}`,
  );
  return null;
};

const parsePolicy = (
  fields: Fields,
  where: string,
  problems: string[],
): FaultPolicy => {
  const wanted = own(fields, 'onFault') ?? 'suspend';
  const policy = FAULT_POLICIES.find(known => known === wanted);
  if (policy === undefined) {
    problems.push(
      `${where}: onFault is one of ${FAULT_POLICIES.join(', ')}, not ${showValue(wanted)}`,
    );
  }
  return policy ?? 'suspend';
};

const parseVat = (
  value: unknown,
  where: string,
  problems: string[],
): VatConfig => {
  const fields = isFields(value) ? value : {};
  if (!isFields(value)) {
    problems.push(`${where}: is not an object`);
  }
  problems.push(
    ...unknownFields(
      fields,
      [
        'bundle',
        'bundleSpec',
        'parameters',
        'endowments',
        'deadline',
        'onFault',
      ],
      where,
    ),
  );
  const endowments = own(fields, 'endowments') ?? ['console'];
  if (!Array.isArray(endowments) || !endowments.every(isEndowment)) {
    problems.push(
      `${where}: endowments is a list of names out of ${ENDOWMENTS.join(', ')}`,
    );
  }
  return {
    bundle: parseSource(fields, where, problems),
    parameters: (own(fields, 'parameters') ?? {}) as Json,
    endowments: Array.isArray(endowments) ? endowments.filter(isEndowment) : [],
    deadline: parseDeadline(fields, where, problems),
    onFault: parsePolicy(fields, where, problems),
  };
};

const parseVats = (
  value: unknown,
  problems: string[],
): ClusterConfig['vats'] => {
  if (!isFields(value) || Object.keys(value).length === 0) {
    problems.push('vats: is an object that names at least one vat');
    return {};
  }
  const names = Object.keys(value);
  if (names.length > MAX_VATS_PER_CLUSTER) {
    problems.push(
      `vats: ${names.length} are more than ${MAX_VATS_PER_CLUSTER} in one cluster`,
    );
  }
  for (const name of names.filter(each => !NAME.test(each))) {
    problems.push(`vats: ${JSON.stringify(name)} is no name (${NAME.source})`);
  }
  return Object.fromEntries(
    names.map(name => [name, parseVat(value[name], `vats.${name}`, problems)]),
  );
};

const parseServices = (value: unknown, problems: string[]): string[] => {
  const services = value ?? [];
  const isNames = (list: unknown): list is string[] =>
    Array.isArray(list) && list.every(each => typeof each === 'string');
  if (isNames(services)) {
    return services;
  }
  problems.push('services: is a list of names');
  return [];
};

const parseBootstrap = (
  value: unknown,
  vats: ClusterConfig['vats'],
  problems: string[],
): string => {
  const bootstrap = value ?? Object.keys(vats)[0] ?? '';
  if (typeof bootstrap === 'string' && Object.hasOwn(vats, bootstrap)) {
    return bootstrap;
  }
  problems.push(
    `bootstrap: ${showValue(bootstrap)} is none of the vats ${Object.keys(vats).join(', ')}`,
  );
  return '';
};

/** Checks a config that a person or a program wrote; all its problems at once. */
export const parseClusterConfig = (value: unknown): Found<ClusterConfig> => {
  if (!isFields(value)) {
    return { ok: false, problems: ['a cluster config is an object'] };
  }
  const problems = unknownFields(
    value,
    ['name', 'bootstrap', 'services', 'vats'],
    'config',
  );
  const vats = parseVats(own(value, 'vats'), problems);
  const bootstrap = parseBootstrap(own(value, 'bootstrap'), vats, problems);
  const name = own(value, 'name') ?? bootstrap;
  if (typeof name !== 'string' || !NAME.test(name)) {
    problems.push(`name: ${showValue(name)} is no name (${NAME.source})`);
  }
  const services = parseServices(own(value, 'services'), problems);
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, value: { name: String(name), bootstrap, services, vats } };
};
