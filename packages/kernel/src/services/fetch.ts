import harden from '@endo/harden';
import {
  encodeError,
  FETCH_CAVEATS,
  FETCH_DEFAULTS,
  makeServiceId,
  parseFetchCaveats,
  type CapData,
  type ClusterId,
  type FetchCaveats,
  type Kref,
  type ServiceId,
} from '@cooperage/protocol';
import type { CrankParts } from '../crank.ts';
import type { Phase } from '../phase.ts';
import type { Clock, Fetch, FetchAnswer, FetchRequest } from '../ports.ts';
import type { State } from '../store/state.ts';
import {
  leastOf,
  parseBounds,
  problemOfFetch,
  type FetchBounds,
} from './fetch-bounds.ts';
import type { ServiceObjects } from './objects.ts';
import { refuseUnless } from './refusal.ts';
import { LATER, type Call, type Service } from './service.ts';
import {
  isRecord,
  plainOf,
  recordOf,
  writeValue,
  type Value,
} from './values.ts';

const FETCH: ServiceId = makeServiceId('fetch');

/** Calls under way for one grant: the object that a cluster got, and all that were made of it. */
export const MOST_CALLS = 16;
/** Of all clusters: one begins no other while it has as many under way as there is room for. So none ever has all the room. */
export const MOST_CALLS_OF_ALL = 200;
const MOST_SETS = 16;
/** Of the text that is kept for what vats added to a grant. */
const MOST_ADDED_UNITS = 10_000;
const MOST_BODY_UNITS = 1_000_000;

/** What an answer tells of its headers: nothing that names a person or a session. */
const TOLD_HEADERS: readonly string[] = [
  'age',
  'cache-control',
  'content-disposition',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'date',
  'etag',
  'expires',
  'last-modified',
  'link',
  'retry-after',
];

const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
const HEADER_VALUE = /^[\t\x20-\x7e]{0,4000}$/;
/** Headers that say who asks, or how the message travels: not the caller's to say. */
const FORBIDDEN =
  /^(connection|content-length|cookie2?|date|dnt|expect|host|keep-alive|origin|referer|te|trailer|transfer-encoding|upgrade|user-agent|via|accept-charset|accept-encoding|proxy-.*|sec-.*|x-http-method.*|x-method-override)$/;

const readHeaders = (value: Value): (readonly [string, string])[] => {
  refuseUnless(
    value === undefined || (isRecord(value) && value.size <= 50),
    () => 'headers is a record of at most 50 texts',
  );
  return [...(value ?? [])].map(([key, text]) => {
    const name = key.toLowerCase();
    refuseUnless(
      HEADER_NAME.test(name) &&
        typeof text === 'string' &&
        HEADER_VALUE.test(text),
      () => `the header ${JSON.stringify(key.slice(0, 80))} is malformed`,
    );
    refuseUnless(
      !FORBIDDEN.test(name),
      () => `the header ${name} can't be chosen by the caller`,
    );
    return [name, text] as const;
  });
};

type Options = Pick<FetchRequest, 'method' | 'headers' | 'body'>;

const readBody = (body: Value, method: string): string | null => {
  if (body === null) {
    return null;
  }
  refuseUnless(
    typeof body === 'string' && body.length <= MOST_BODY_UNITS,
    () => `body is a text of at most ${MOST_BODY_UNITS} units`,
  );
  refuseUnless(
    method !== 'GET' && method !== 'HEAD',
    () => `a ${method} has no body`,
  );
  return body;
};

const readOptions = (value: Value): Options => {
  refuseUnless(
    value === undefined || isRecord(value),
    () => 'options is a record of method, headers and body',
  );
  for (const key of value?.keys() ?? []) {
    refuseUnless(
      ['method', 'headers', 'body'].includes(key),
      () =>
        `there is no option ${JSON.stringify(key.slice(0, 80))}; there are method, headers and body`,
    );
  }
  const method = value?.get('method') ?? 'GET';
  refuseUnless(typeof method === 'string', () => 'method is a text');
  return {
    method,
    headers: readHeaders(value?.get('headers')),
    body: readBody(value?.get('body') ?? null, method),
  };
};

const readCaveats = (value: Value): FetchCaveats => {
  refuseUnless(
    value !== undefined &&
      isRecord(value) &&
      value.size <= FETCH_CAVEATS.length,
    () => `caveats are a record of ${FETCH_CAVEATS.join(', ')}`,
  );
  const problems: string[] = [];
  const fields = Object.fromEntries(
    [...value].map(([key, field]) => [key, plainOf(field)]),
  );
  const caveats = parseFetchCaveats(fields, 'caveats', problems);
  refuseUnless(problems.length === 0, () => problems.join('; '));
  return caveats;
};

const showAnswer = ({ status, url, headers, bytes }: FetchAnswer): Value => {
  const told = headers.filter(([name]) => TOLD_HEADERS.includes(name));
  return recordOf({
    status,
    url,
    headers: new Map(told),
    text: new TextDecoder('utf-8').decode(bytes),
  });
};

/** Another fetch that may do no more than this one. */
const narrow = ({ self, args }: Call): string => {
  const { granted, sets, ...rest } = parseBounds(self.data);
  const [first, ...before] = sets;
  const added = [...before, readCaveats(args[0])];
  refuseUnless(
    first &&
      added.length < MOST_SETS &&
      JSON.stringify(added).length <= MOST_ADDED_UNITS,
    () =>
      `it can be attenuated ${MOST_SETS - 1} times, with ${MOST_ADDED_UNITS} units of caveats together`,
    'RangeError',
  );
  const bounds: FetchBounds = {
    ...rest,
    granted: granted ?? self.kref,
    sets: [first, ...added],
  };
  return JSON.stringify(bounds);
};

/**
 * `E(fetch).fetch(url, {method, headers, body})` asks a server within what the
 * object was granted, and answers `{status, url, headers, text}`. A row tells of
 * each call under way: it begins when that is committed, and a kernel that finds
 * the row at its start rejects the call, for nobody knows how far it came. So
 * each call is made once at most. `E(fetch).attenuate(caveats)` gives an object
 * that may do what both sets of caveats allow.
 */
export const makeFetchService = (
  state: State,
  {
    parts,
    objects,
    clock,
    phase,
    pump,
    fetch,
  }: {
    parts: CrankParts;
    objects: ServiceObjects;
    clock: Clock;
    phase: Phase;
    pump: () => void;
    fetch: Fetch;
  },
): Service => {
  const { refcounts, promises } = parts;
  /** What cancels each call under way. */
  const cancels = new Map<number, () => void>();
  /** For whom each is: none is under way of an earlier run. */
  const accounts = new Map<number, ClusterId | Kref>();
  phase.onEnd(() => cancels.forEach(cancel => cancel()));

  /** To be used inside a crank. */
  const settle = (id: number, isRejected: boolean, data: CapData<Kref>) => {
    const row = state.calls.get(id);
    if (row) {
      state.calls.delete(id);
      accounts.delete(id);
      if (row.promise !== null) {
        promises.resolve(row.promise, isRejected, data);
        refcounts.release(row.promise);
      }
    }
  };

  const end = (id: number, isRejected: boolean, data: CapData<Kref>): void =>
    phase.guard(() => {
      if (cancels.delete(id)) {
        parts.run(() => settle(id, isRejected, data));
        pump();
      }
    });

  const begin = (
    id: number,
    request: FetchRequest,
    milliseconds: number,
  ): void => {
    const fail = (problem: string): void =>
      end(
        id,
        true,
        encodeError('Error', `${request.url} can't be fetched: ${problem}`),
      );
    const { answer, cancel } = fetch(request);
    const cancelTimer = clock.after(milliseconds, () => {
      cancel();
      fail(`no answer came within ${milliseconds} milliseconds`);
    });
    cancels.set(id, () => {
      cancelTimer();
      cancel();
    });
    answer.then(
      given => {
        cancelTimer();
        end(id, false, writeValue(showAnswer(given)));
      },
      (problem: unknown) => {
        cancelTimer();
        fail(problem instanceof Error ? problem.message : String(problem));
      },
    );
  };

  const hasRoom = (object: Kref, account: ClusterId | Kref): boolean => {
    const own = [...accounts.values()].filter(each => each === account).length;
    return (
      state.callsByObject.count(object) < MOST_CALLS &&
      own < MOST_CALLS_OF_ALL - accounts.size
    );
  };

  const call = (given: Call): typeof LATER => {
    const { self, args, result, afterCommit } = given;
    const { granted, cluster, sets } = parseBounds(self.data);
    const object = granted ?? self.kref;
    const account = cluster ?? object;
    const [url, options] = args;
    refuseUnless(
      typeof url === 'string' && url.length < 10_000,
      () => 'the URL is a text',
    );
    const asked = readOptions(options);
    const problem = problemOfFetch(sets, url, asked.method);
    refuseUnless(
      problem === undefined,
      () => `${url.slice(0, 200)} may not be fetched: ${problem}`,
      'Error',
    );
    refuseUnless(
      hasRoom(object, account),
      () => 'too many calls are under way: wait for their answers',
      'RangeError',
    );
    const id = state.allot('call');
    state.calls.put({
      id,
      service: FETCH,
      object,
      promise: result,
      slots: [],
    });
    accounts.set(id, account);
    if (result !== null) {
      refcounts.hold(result);
    }
    const request: FetchRequest = {
      ...asked,
      url: new URL(url).href,
      mostBytes: leastOf(sets, 'mostBytes'),
      problemOf: (next, method) => problemOfFetch(sets, next, method),
    };
    afterCommit(() => begin(id, request, leastOf(sets, 'mostMilliseconds')));
    return LATER;
  };

  return harden({
    kinds: {
      fetch: {
        fetch: call,
        attenuate: given =>
          objects.make({
            service: FETCH,
            kind: 'fetch',
            data: narrow(given),
            maker: given.sender,
          }),
      },
    },
    grant: ({ id }, { caveats }) => ({
      kind: 'fetch',
      data: JSON.stringify({
        granted: null,
        cluster: id,
        sets: [{ ...FETCH_DEFAULTS, ...caveats }],
      } satisfies FetchBounds),
    }),
    restore: () => {
      for (const { id, service } of [...state.calls.values()]) {
        if (service === FETCH) {
          const problem =
            'the kernel was restarted while this call was under way: nobody knows whether the server has heard it';
          parts.run(() => settle(id, true, encodeError('Error', problem)));
        }
      }
    },
  } satisfies Service);
};
harden(makeFetchService);
