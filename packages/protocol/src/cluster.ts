import { parseLimits, type VatBounds } from './allowance.ts';
import { isBundleHash } from './bundle.ts';
import {
  parseBundles,
  parseSource,
  type BundleSource,
  type BundleSources,
} from './bundle-source.ts';
import type { Json } from './capdata.ts';
import { isDeadline, MAX_DEADLINE } from './deadline.ts';
import { isFields, own, type Fields } from './fields.ts';
import { isName, NAME } from './names.ts';
import type { VatId } from './refs.ts';
import { parseServiceGrants, type ServiceGrant } from './service-grants.ts';
import { showValue } from './show-value.ts';

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
  /** Its end or failure, unless a person asked for it, stops the kernel. */
  readonly critical: boolean;
  readonly eviction: EvictionPolicy;
  /** Bounds of its own where the kernel's usual ones don't fit. */
  readonly limits: Partial<VatBounds>;
};

/**
 * Whether an idle vat may lose its worker, and start again with the next
 * message, over its store:
 *
 * - `never`;
 * - `unseen`: while nobody could tell, because its c-list has no export but its
 *   root and durable ones, and no promise; what its code keeps in mere variables
 *   is lost all the same;
 * - `any`: whenever it is idle: whoever waits for it or holds an object that is
 *   not durable is told as at a restart.
 */
export const EVICTION_POLICIES = Object.freeze([
  'never',
  'unseen',
  'any',
] as const);
export type EvictionPolicy = (typeof EVICTION_POLICIES)[number];

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

/**
 * A cluster: vats that are launched together, and the one whose root gets
 * `bootstrap(vats, services)`.
 */
export type ClusterConfig = {
  readonly name: string;
  readonly bootstrap: string;
  /** The kernel's services that the bootstrap vat gets, and no other vat unless it hands them on. */
  readonly services: readonly ServiceGrant[];
  /** Code that is stored with the cluster under names of its own, for vats that it makes later. */
  readonly bundles: BundleSources;
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

type Found<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problems: readonly string[] };

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

const VAT_FIELDS = Object.freeze([
  'bundle',
  'bundleSpec',
  'parameters',
  'endowments',
  'deadline',
  'onFault',
  'critical',
  'eviction',
  'limits',
]);

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
  if (isDeadline(deadline)) {
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

const parseEviction = (
  fields: Fields,
  where: string,
  problems: string[],
): EvictionPolicy => {
  const wanted = own(fields, 'eviction') ?? 'never';
  const policy = EVICTION_POLICIES.find(known => known === wanted);
  if (policy === undefined) {
    problems.push(
      `${where}: eviction is one of ${EVICTION_POLICIES.join(', ')}, not ${showValue(wanted)}`,
    );
  }
  return policy ?? 'never';
};

const parseCritical = (
  fields: Fields,
  where: string,
  problems: string[],
): boolean => {
  const critical = own(fields, 'critical') ?? false;
  if (typeof critical !== 'boolean') {
    problems.push(
      `${where}: critical is true or false, not ${showValue(critical)}`,
    );
  }
  return critical === true;
};

/** Reads what a config, or a vat that makes another, says of a vat; adds what is wrong to the problems. */
export const parseVatConfig = (
  value: unknown,
  where: string,
  problems: string[],
): VatConfig => {
  const fields = isFields(value) ? value : {};
  if (!isFields(value)) {
    problems.push(`${where}: is not an object`);
  }
  problems.push(...unknownFields(fields, VAT_FIELDS, where));
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
    critical: parseCritical(fields, where, problems),
    eviction: parseEviction(fields, where, problems),
    limits: parseLimits(own(fields, 'limits') ?? {}, where, problems),
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
  for (const name of names.filter(each => !isName(each))) {
    problems.push(`vats: ${JSON.stringify(name)} is no name (${NAME.source})`);
  }
  return Object.fromEntries(
    names.map(name => [
      name,
      parseVatConfig(value[name], `vats.${name}`, problems),
    ]),
  );
};

/** An administrator may be bound to the cluster's bundles by their names. */
const checkAdmins = (
  services: readonly ServiceGrant[],
  bundles: ClusterConfig['bundles'],
  problems: string[],
): void => {
  for (const { as, admin } of services) {
    for (const name of admin?.bundles ?? []) {
      if (!isBundleHash(name) && !Object.hasOwn(bundles, name)) {
        problems.push(
          `services: ${as} names the bundle ${name}, and the config's bundles are ${Object.keys(bundles).join(', ') || 'none'}`,
        );
      }
    }
  }
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
    ['name', 'bootstrap', 'services', 'bundles', 'vats'],
    'config',
  );
  const vats = parseVats(own(value, 'vats'), problems);
  const bootstrap = parseBootstrap(own(value, 'bootstrap'), vats, problems);
  const name = own(value, 'name') ?? bootstrap;
  if (!isName(name)) {
    problems.push(`name: ${showValue(name)} is no name (${NAME.source})`);
  }
  const services = parseServiceGrants(own(value, 'services') ?? [], problems);
  const bundles = parseBundles(own(value, 'bundles') ?? {}, problems);
  checkAdmins(services, bundles, problems);
  return problems.length > 0
    ? { ok: false, problems }
    : {
        ok: true,
        value: { name: String(name), bootstrap, services, bundles, vats },
      };
};

/** A vat that is no more: what people can still learn of it. */
export type EndedVat = {
  readonly id: VatId;
  readonly cluster: string;
  readonly name: string;
  /** That of its last heap. */
  readonly incarnation: number;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
};

/** A launch under way, or ended not long ago. */
export type LaunchStatus = {
  readonly id: number;
  readonly name: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly steps: readonly {
    readonly text: string;
    readonly state: 'running' | 'done' | 'failed';
  }[];
  readonly error?: string;
};
