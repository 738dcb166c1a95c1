import { parseAdminCaveats, type AdminCaveats } from './admin-caveats.ts';
import {
  parseFetchCaveats,
  sitesOf,
  type FetchCaveats,
} from './fetch-caveats.ts';
import { isName, NAME } from './names.ts';
import { showValue } from './show-value.ts';

/** A service of the kernel for the bootstrap of a cluster. */
export type ServiceGrant = {
  /** Which service. */
  readonly service: string;
  /** What it is called among the services that `bootstrap(vats, services)` gets. */
  readonly as: string;
  /** The bounds of a fetch; null for a service that has none. */
  readonly caveats: FetchCaveats | null;
  /** The bounds of an administrator of vats; null for other services. */
  readonly admin: AdminCaveats | null;
};

const MOST_GRANTS = 64;

const parseRecord = (
  fields: Readonly<Record<string, unknown>>,
  where: string,
  problems: string[],
): ServiceGrant => {
  const { service, as = service, ...caveats } = fields;
  for (const [key, value] of Object.entries({ service, as })) {
    if (!isName(value)) {
      problems.push(
        `${where}: ${key} is a name (${NAME.source}), not ${showValue(value)}`,
      );
    }
  }
  const names = {
    service: typeof service === 'string' ? service : '',
    as: typeof as === 'string' ? as : '',
  };
  if (service === 'fetch') {
    if (caveats['hosts'] === undefined) {
      problems.push(
        `${where}: fetch needs to be told its hosts: {"service": "fetch", "hosts": ["api.example.org"]}`,
      );
    }
    return {
      ...names,
      caveats: parseFetchCaveats(caveats, where, problems),
      admin: null,
    };
  }
  if (service === 'vatAdmin') {
    const admin = parseAdminCaveats(caveats, where, problems);
    return { ...names, caveats: null, admin };
  }
  for (const key of Object.keys(caveats)) {
    problems.push(
      `${where}: unknown field ${showValue(key)} (known: service, as)`,
    );
  }
  return { ...names, caveats: null, admin: null };
};

/**
 * Reads `services` of a cluster config: a list of names, and of records where a
 * service has another name or caveats.
 */
export const parseServiceGrants = (
  value: unknown,
  problems: string[],
): readonly ServiceGrant[] => {
  if (!Array.isArray(value) || value.length > MOST_GRANTS) {
    problems.push(
      `services: is a list of at most ${MOST_GRANTS} names such as "timer", or records such as {"service": "fetch", "hosts": […]}`,
    );
    return [];
  }
  const taken = new Set<string>();
  return Array.from(value, (entry: unknown, index) => {
    const where = `services.${index}`;
    const isRecord =
      typeof entry === 'object' && entry !== null && !Array.isArray(entry);
    const grant = parseRecord(
      isRecord ? { ...entry } : { service: entry },
      where,
      problems,
    );
    if (taken.has(grant.as)) {
      problems.push(`${where}: there are two named ${showValue(grant.as)}`);
    }
    taken.add(grant.as);
    return grant;
  });
};

/** The sites that the grants name, each once; see `sitesOf`. */
export const sitesOfGrants = (
  grants: readonly ServiceGrant[],
): readonly string[] => [
  ...new Set(
    grants.flatMap(({ service, caveats }) =>
      service === 'fetch' && caveats !== null ? sitesOf(caveats) : [],
    ),
  ),
];
