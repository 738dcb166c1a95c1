import harden from '@endo/harden';
import {
  CooperageError,
  encodeJson,
  parseClusterConfig,
  sitesOfGrants,
  type CapData,
  type ClusterConfig,
  type Json,
  type ServiceGrant,
} from '@cooperage/protocol';
import type { Platform } from './ports.ts';

/** True for what JSON can say; a field that is undefined counts as absent. */
const isJson = (value: unknown): value is Json => {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      return (
        value === null ||
        (Array.isArray(value)
          ? Array.from(value).every(isJson)
          : Object.prototype.toString.call(value) === '[object Object]' &&
            Object.values(value).every(
              field => field === undefined || isJson(field),
            ))
      );
    default:
      return false;
  }
};

/** The config that a client wrote. Throws CooperageError BAD_CONFIG, with all its problems. */
export const readConfig = (value: unknown): ClusterConfig => {
  const parsed = parseClusterConfig(value);
  if (!parsed.ok) {
    throw new CooperageError(
      'BAD_CONFIG',
      `The cluster config can't be used: ${parsed.problems.join('; ')}`,
      { problems: parsed.problems },
    );
  }
  for (const [name, { parameters }] of Object.entries(parsed.value.vats)) {
    if (!isJson(parameters)) {
      throw new CooperageError(
        'BAD_CONFIG',
        `vats.${name}: parameters are more than JSON can say`,
      );
    }
  }
  return parsed.value;
};
harden(readConfig);

/** A vat's parameters, marshalled. Throws CooperageError BAD_CONFIG unless they are JSON without references. */
export const parametersOf = (parameters: unknown): CapData<never> => {
  if (!isJson(parameters)) {
    throw new CooperageError(
      'BAD_CONFIG',
      `Parameters are more than JSON can say`,
    );
  }
  return encodeJson(parameters, name => {
    throw new CooperageError(
      'BAD_CONFIG',
      `Parameters name the reference ${name}: a config can't carry references`,
    );
  });
};
harden(parametersOf);

/** Asks whether a person lets be fetched what the grants name; undefined where nobody need be asked. */
export const askerOfSites = (
  { insistSites }: Pick<Platform, 'insistSites'>,
  grants: readonly ServiceGrant[],
): (() => Promise<void>) | undefined => {
  const sites = sitesOfGrants(grants);
  return insistSites && sites.length > 0 ? () => insistSites(sites) : undefined;
};
harden(askerOfSites);
