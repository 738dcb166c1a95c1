import { showValue } from './show-value.ts';

/**
 * What a `fetch` may be used for. A field that is absent sets no bound; of
 * several sets of caveats all must be met.
 */
export type FetchCaveats = {
  readonly schemes?: readonly string[];
  /** `api.example.org`, or `*.example.org` for every name below that one. */
  readonly hosts?: readonly string[];
  /** Without it the scheme's own port alone. */
  readonly ports?: readonly number[];
  /** What the path begins with, at the border of a segment: `/v1` lets `/v1/a` pass, and `/v10` not. */
  readonly pathPrefix?: string;
  /** In capitals. */
  readonly methods?: readonly string[];
  /** Bytes of an answer's body. */
  readonly mostBytes?: number;
  /** Milliseconds from the call to the end of the answer. */
  readonly mostMilliseconds?: number;
};

/** What a fetch may do that was granted without a word about it. */
export const FETCH_DEFAULTS = Object.freeze({
  schemes: Object.freeze(['https']),
  methods: Object.freeze(['GET', 'HEAD']),
  mostBytes: 1_000_000,
  mostMilliseconds: 30_000,
} as const) satisfies FetchCaveats;

/**
 * The sites that caveats name, as browsers write them: `https://*.example.org/*`.
 * A site has neither port nor path: a browser asks its person for no less than all of it.
 */
export const sitesOf = ({
  schemes = FETCH_DEFAULTS.schemes,
  hosts = [],
}: FetchCaveats): readonly string[] =>
  schemes.flatMap(scheme => hosts.map(host => `${scheme}://${host}/*`));

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const HOST = new RegExp(
  `^((\\*\\.)?(${LABEL}\\.)*${LABEL}|\\[[0-9a-f:.]{2,45}\\])$`,
);
/** A wildcard stands for names; an address has none below it. */
const ADDRESSES = /^\*\.(.*\.)?\d+$/;
const MOST_HOST_UNITS = 255;
const METHOD = /^[A-Z]{1,20}$/;
const PREFIX = /^\/[\w.~!$&'()*+,;=:@/-]{0,500}$/;
const DOTS = /(^|\/)\.\.?(\/|$)/;
const MOST_ENTRIES = 100;

const isHost = (value: unknown): boolean =>
  typeof value === 'string' &&
  value.length <= MOST_HOST_UNITS &&
  HOST.test(value) &&
  !ADDRESSES.test(value);

type Check = readonly [isRight: (value: unknown) => boolean, what: string];

const listOf =
  (isRight: (entry: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= MOST_ENTRIES &&
    value.every(isRight);

const matches =
  (pattern: RegExp) =>
  (value: unknown): boolean =>
    typeof value === 'string' && pattern.test(value);

const isWhole =
  (least: number, most: number) =>
  (value: unknown): boolean =>
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value >= least &&
    value <= most;

/** An answer that is bigger would not fit into a crank. */
export const MOST_FETCHED_BYTES = 4_000_000;
export const MOST_FETCH_MILLISECONDS = 600_000;

const CHECKS: { readonly [Key in keyof Required<FetchCaveats>]: Check } = {
  schemes: [listOf(matches(/^https?$/)), 'a list out of http, https'],
  hosts: [
    listOf(isHost),
    'a list of host names in small letters, such as api.example.org or *.example.org',
  ],
  ports: [listOf(isWhole(1, 65_535)), 'a list of whole numbers up to 65535'],
  pathPrefix: [
    value => matches(PREFIX)(value) && !DOTS.test(String(value)),
    'a path that begins with / and has neither dots for a segment nor escapes',
  ],
  methods: [listOf(matches(METHOD)), 'a list of methods in capitals'],
  mostBytes: [
    isWhole(1, MOST_FETCHED_BYTES),
    `a whole number of bytes up to ${MOST_FETCHED_BYTES}`,
  ],
  mostMilliseconds: [
    isWhole(1, MOST_FETCH_MILLISECONDS),
    `a whole number of milliseconds up to ${MOST_FETCH_MILLISECONDS}`,
  ],
};

export const FETCH_CAVEATS = Object.freeze(Object.keys(CHECKS));

/** Checks what a person or a vat wrote; the problems go into the list, each led by `where`. */
export const parseFetchCaveats = (
  fields: Readonly<Record<string, unknown>>,
  where: string,
  problems: string[],
): FetchCaveats => {
  const caveats: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    const check = Object.hasOwn(CHECKS, key)
      ? CHECKS[key as keyof FetchCaveats]
      : undefined;
    if (!check) {
      problems.push(
        `${where}: unknown field ${showValue(key)} (known: ${FETCH_CAVEATS.join(', ')})`,
      );
    } else if (!check[0](value)) {
      problems.push(`${where}: ${key} is ${check[1]}, not ${showValue(value)}`);
    } else {
      caveats[key] = value;
    }
  }
  return caveats;
};
