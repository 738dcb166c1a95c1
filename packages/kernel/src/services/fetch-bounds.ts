import harden from '@endo/harden';
import type { ClusterId, FetchCaveats, Kref } from '@cooperage/protocol';

/** What is kept for an object of the service. */
export type FetchBounds = {
  /** Of the object that was granted, if this one was made of it: all of them share its bound of calls. */
  readonly granted: Kref | null;
  /** To which it was granted, with whose other fetches it shares what all may have; missing in objects of before that was kept. */
  readonly cluster?: ClusterId;
  /** Each must be met; the first is the grant's. */
  readonly sets: readonly FetchCaveats[];
};

/** The bounds that the service itself has written. */
export const parseBounds = (data: string): FetchBounds => JSON.parse(data);
harden(parseBounds);

/**
 * What a server may take for a border of segments, or for two dots between such,
 * although no URL says so: escaped once or again and again, in the old overlong
 * UTF-8, or with a parameter behind the dots. An escaped NUL ends a path for some.
 */
const DISGUISED =
  /%(25)*(2f|5c|2e|00|c0%(25)*a[ef]|c1%(25)*9c|u)|(^|\/)\.{0,2};/i;

const isHost = (wanted: string, host: string): boolean =>
  wanted.startsWith('*.') ? host.endsWith(wanted.slice(1)) : wanted === host;

const isUnder = (prefix: string, path: string): boolean =>
  prefix === '/' ||
  (!DISGUISED.test(path) &&
    (path === prefix ||
      path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)));

const noneOf = (
  what: string,
  wanted: readonly (string | number)[] | undefined,
  isOne: (each: string | number) => boolean,
): readonly string[] =>
  wanted === undefined || wanted.some(isOne)
    ? []
    : [`the ${what} is none of ${wanted.join(', ')}`];

const problemsOfOne = (
  { schemes, hosts, ports, pathPrefix, methods }: FetchCaveats,
  url: URL,
  method: string,
): readonly string[] => {
  const scheme = url.protocol.slice(0, -1);
  const port = Number(url.port) || (scheme === 'https' ? 443 : 80);
  return [
    ...noneOf(`scheme ${scheme}`, schemes, each => each === scheme),
    ...noneOf(`host ${url.hostname}`, hosts, each =>
      isHost(String(each), url.hostname),
    ),
    ...noneOf(`port ${port}`, ports, each => each === port),
    ...noneOf(`method ${method}`, methods, each => each === method),
    ...(pathPrefix === undefined || isUnder(pathPrefix, url.pathname)
      ? []
      : [`the path is not under ${pathPrefix}`]),
  ];
};

/** Why the URL may not be asked in that way, if it may not: each of the sets of caveats must be met. */
export const problemOfFetch = (
  sets: readonly FetchCaveats[],
  text: string,
  method: string,
): string | undefined => {
  if (!URL.canParse(text)) {
    return 'it is no URL';
  }
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return 'it is neither http: nor https:';
  }
  if (url.username !== '' || url.password !== '') {
    return 'it has a name or a password in it';
  }
  // A later set can't grant another port: it says only what is left of the first.
  if (url.port !== '' && sets[0]?.ports === undefined) {
    return `the port ${url.port} is not the scheme's own, and none other was granted`;
  }
  const [problem] = sets.flatMap(each => problemsOfOne(each, url, method));
  return problem;
};
harden(problemOfFetch);

/** The least that any of the sets allows; the first says something of everything. */
export const leastOf = (
  sets: readonly FetchCaveats[],
  key: 'mostBytes' | 'mostMilliseconds',
): number => Math.min(...sets.map(each => each[key] ?? Infinity));
harden(leastOf);
