import harden from '@endo/harden';
import {
  CooperageError,
  encodeJson,
  parseClusterConfig,
  type CapData,
  type ClusterConfig,
  type VatConfig,
} from '@cooperage/protocol';

/** True for what JSON can say; a field that is undefined counts as absent. */
const isJson = (value: unknown): boolean => {
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

/** The config that a client wrote. Throws CooperageError BAD_CONFIG, with all its problems, or SERVICE_UNKNOWN. */
export const readConfig = (value: unknown): ClusterConfig => {
  const parsed = parseClusterConfig(value);
  if (!parsed.ok) {
    throw new CooperageError(
      'BAD_CONFIG',
      `The cluster config can't be used: ${parsed.problems.join('; ')}`,
      { problems: parsed.problems },
    );
  }
  const [service] = parsed.value.services;
  if (service !== undefined) {
    throw new CooperageError(
      'SERVICE_UNKNOWN',
      `There is no service ${JSON.stringify(service)}: this kernel offers none`,
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

/** A vat's parameters, marshalled. Throws CooperageError BAD_CONFIG when they name a reference. */
export const parametersOf = (config: VatConfig): CapData<never> =>
  encodeJson(config.parameters, name => {
    throw new CooperageError(
      'BAD_CONFIG',
      `Parameters name the reference ${name}: a config can't carry references`,
    );
  });
harden(parametersOf);
