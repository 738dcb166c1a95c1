import { describe, expect, it } from 'vitest';
import type { Json, Kref } from '@cooperage/protocol';
import { makeMemoryImage } from '../adapters/memory.ts';
import type { Fetch, FetchAnswer, FetchRequest, Platform } from '../ports.ts';
import { makeAdminStage } from '../testing/admin-stage.ts';
import { makeWitness } from '../testing/commits.ts';
import { makeManualClock } from '../testing/manual-clock.ts';
import { makeRig } from '../testing/rig.ts';
import {
  answerStart,
  dataOf,
  send,
  settle,
  subscribe,
} from '../testing/stage.ts';
import {
  call,
  makeServiceStage,
  referTo,
  referToKref,
} from '../testing/service-stage.ts';
import { problemOfFetch } from './fetch-bounds.ts';
import { MOST_CALLS, MOST_CALLS_OF_ALL } from './fetch.ts';

const GRANT = { service: 'fetch', hosts: ['api.example.org'] };

const makePromiseKit = <Value>() => {
  let resolve: (value: Value) => void = () => {};
  let reject: (problem: Error) => void = () => {};
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
};

type Asked = {
  readonly request: FetchRequest;
  readonly answer: (given: Partial<FetchAnswer>) => void;
  readonly fail: (problem: Error) => void;
  isCanceled: boolean;
};

/** A way to servers that a test answers for. */
const makeServers = () => {
  const asked: Asked[] = [];
  const fetch: Fetch = request => {
    const { promise, resolve, reject } = makePromiseKit<FetchAnswer>();
    const entry: Asked = {
      request,
      answer: given =>
        resolve({
          status: 200,
          url: request.url,
          headers: [],
          bytes: new Uint8Array(),
          ...given,
        }),
      fail: reject,
      isCanceled: false,
    };
    asked.push(entry);
    return {
      answer: promise,
      cancel: () => {
        entry.isCanceled = true;
      },
    };
  };
  return { asked, fetch };
};

const makeFetchStage = async (grants: readonly Json[] = [GRANT]) => {
  const { asked, fetch } = makeServers();
  const time = makeManualClock();
  const stage = await makeServiceStage([], grants, {
    clock: time.clock,
    collectMilliseconds: Infinity,
    wrap: platform => ({ ...platform, fetch }),
  });
  return { ...stage, asked, time, object: await stage.refer('fetch') };
};

const headersOf = (count: number): Json =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`a${at}`, '']));

const problemIn = (told: unknown): string =>
  Object(Object(told).value)['#error'];

describe('the fetch service', () => {
  it('asks once the call is committed, and tells the answer without what names a person', async () => {
    const { ask, told, asked, object, rig } = await makeFetchStage();
    const answer = await ask(object, 'fetch', [
      'https://api.example.org/a/../b?c#d',
      { headers: { Accept: 'text/plain' } },
    ]);
    const [{ request, answer: give } = Object(undefined)] = asked;
    expect(request).toMatchObject({
      url: 'https://api.example.org/b?c#d',
      method: 'GET',
      headers: [['accept', 'text/plain']],
      body: null,
      mostBytes: 1_000_000,
    });
    expect([rig.kernel.state.calls.size, told(answer)]).toEqual([1, undefined]);
    give({
      status: 404,
      headers: [
        ['content-type', 'text/plain'],
        ['set-cookie', 'who=me'],
      ],
      bytes: new TextEncoder().encode('#none'),
    });
    await settle();
    expect(told(answer)).toEqual({
      isRejected: false,
      value: {
        status: 404,
        url: 'https://api.example.org/b?c#d',
        headers: { 'content-type': 'text/plain' },
        text: '!#none',
      },
      slots: [],
    });
    expect(rig.kernel.state.calls.size).toBe(0);
  });

  it.each<[readonly Json[], RegExp]>([
    [[7], /^the URL is a text$/],
    [[`https://api.example.org/${'a'.repeat(9_976)}`], /^the URL is a text$/],
    [
      [`https://example.org/${'a'.repeat(500)}`],
      /^https:\/\/example.org\/a{180} may not be fetched: the host/,
    ],
    [['api.example.org'], /it is no URL/],
    [['file:///etc/passwd'], /neither http: nor https:/],
    [['http://api.example.org/'], /the scheme http is none of https/],
    [['https://example.org/'], /the host example.org is none of/],
    [['https://api.example.org.evil.org/'], /the host/],
    [['https://api.example.org@evil.org/'], /a name or a password/],
    [['https://api.example.org:8443/'], /the port 8443/],
    [
      ['https://api.example.org/', { method: 'POST' }],
      /the method POST is none of GET, HEAD/,
    ],
    [
      ['https://api.example.org/', { headers: { Cookie: 'a' } }],
      /the header cookie can't be chosen/,
    ],
    [
      ['https://api.example.org/', { headers: { a: 'b\r\nc: d' } }],
      /^the header "a" is malformed$/,
    ],
    [
      ['https://api.example.org/', { headers: { a: 7 } }],
      /^the header "a" is malformed$/,
    ],
    [
      [
        'https://api.example.org/',
        { headers: { [`${'a'.repeat(80)}!ä`]: '' } },
      ],
      /^the header "a{80}" is malformed$/,
    ],
    [
      ['https://api.example.org/', { headers: ['a'] }],
      /^headers is a record of at most 50 texts$/,
    ],
    [
      ['https://api.example.org/', { headers: headersOf(51) }],
      /^headers is a record of at most 50 texts$/,
    ],
    [['https://api.example.org/', { body: 'x' }], /^a GET has no body$/],
    [
      ['https://api.example.org/', { method: 'HEAD', body: '' }],
      /^a HEAD has no body$/,
    ],
    [
      ['https://api.example.org/', { method: 'POST', body: 7 }],
      /^body is a text of at most 1000000 units$/,
    ],
    [
      ['https://api.example.org/', { method: 'POST', body: [] }],
      /^body is a text of at most 1000000 units$/,
    ],
    [['https://api.example.org/', { method: 7 }], /^method is a text$/],
    [
      ['https://api.example.org/', 7],
      /^options is a record of method, headers and body$/,
    ],
    [
      ['https://api.example.org/', { redirect: 'follow' }],
      /^there is no option "redirect"; there are method, headers and body$/,
    ],
    [
      ['https://api.example.org/', { ['a'.repeat(90)]: 1 }],
      /^there is no option "a{80}"; there are/,
    ],
  ])('refuses %j, and asks nobody', async (args, problem) => {
    const { ask, told, asked, object, rig } = await makeFetchStage();
    const answer = told(await ask(object, 'fetch', args));
    expect([problemIn(answer), answer?.isRejected]).toEqual([
      expect.stringMatching(problem),
      true,
    ]);
    expect([asked.length, rig.kernel.state.calls.size]).toEqual([0, 0]);
  });

  it('sends as many headers, and as long a URL and body, as it takes at most', async () => {
    const { ask, told, asked, object } = await makeFetchStage([
      { ...GRANT, methods: ['POST'] },
    ]);
    const url = `https://api.example.org/${'a'.repeat(9_975)}`;
    const body = 'x'.repeat(1_000_000);
    const options = { method: 'POST', headers: headersOf(50) };
    await ask(object, 'fetch', [url, { ...options, body }]);
    const [{ request } = Object(undefined)] = asked;
    expect([request.url, request.body, request.headers.length]).toEqual([
      url,
      body,
      50,
    ]);
    const more = await ask(object, 'fetch', [
      url,
      { ...options, body: `${body}x` },
    ]);
    expect(problemIn(told(more))).toMatch(/^body is a text of at most 1000000/);
    expect(asked).toHaveLength(1);
  });

  it('is canceled, and its time counts no more, when the kernel stops or it has its answer', async () => {
    const { ask, asked, object, rig, time, say } = await makeFetchStage();
    const waits = time.waits().length;
    const url = 'https://api.example.org/';
    await ask(object, 'fetch', [url]);
    await say(call(object, 'fetch', [url]));
    expect(asked[0]?.request).toMatchObject({ headers: [], body: null });
    expect(time.waits()).toHaveLength(waits + 2);
    asked[1]?.answer({}); // nobody is told
    await settle();
    expect(time.waits()).toHaveLength(waits + 1);
    expect(rig.kernel.state.calls.size).toBe(1);
    await rig.kernel.stop();
    expect(asked.map(({ isCanceled }) => isCanceled)).toEqual([true, false]);
    expect(time.waits()).not.toContain(30_000);
  });

  it('is attenuated to what both sets of caveats allow, and never to more', async () => {
    const { ask, told, asked, object } = await makeFetchStage();
    const [narrow = ''] =
      told(await ask(object, 'attenuate', [{ pathPrefix: '/v1' }]))?.slots ??
      [];
    const [wide = ''] =
      told(
        await ask(narrow, 'attenuate', [
          { hosts: ['evil.org', 'api.example.org'], methods: ['POST'] },
        ]),
      )?.slots ?? [];
    const problems = [
      await ask(narrow, 'fetch', ['https://api.example.org/v10']),
      await ask(wide, 'fetch', ['https://evil.org/v1', { method: 'POST' }]),
      await ask(wide, 'fetch', [
        'https://api.example.org/v1',
        { method: 'POST' },
      ]),
      await ask(object, 'attenuate', [{ hosts: [] }]),
    ].map(each => problemIn(told(each)));
    expect(problems).toEqual([
      expect.stringContaining('the path is not under /v1'),
      expect.stringContaining('the host evil.org'),
      expect.stringContaining('the method POST'),
      expect.stringContaining('caveats: hosts is a list'),
    ]);
    await ask(narrow, 'fetch', ['https://api.example.org/v1/x']);
    const { request } = asked[0] ?? Object(undefined);
    expect([
      asked.length,
      request.problemOf('https://api.example.org/v2', 'GET'),
      request.problemOf('https://api.example.org/v1/y', 'GET'),
    ]).toEqual([1, 'the path is not under /v1', undefined]);
  });

  it('has bounds that no attenuation widens, and one bound of calls with all that are made of it', async () => {
    const { ask, told, asked, object, rig } = await makeFetchStage();
    const narrowed = async (caveats: Json): Promise<string> =>
      told(await ask(object, 'attenuate', [caveats]))?.slots[0] ?? '';
    const ported = await narrowed({ ports: [443, 8443] });
    const sized = await narrowed({ mostBytes: 4_000_000, mostMilliseconds: 1 });
    expect(
      told(await ask(ported, 'fetch', ['https://api.example.org:8443/']))
        ?.value,
    ).toEqual({
      '#error':
        "https://api.example.org:8443/ may not be fetched: the port 8443 is not the scheme's own, and none other was granted",
      name: 'Error',
    });
    for (let count = 0; count < MOST_CALLS; count += 1) {
      const fetch = [object, ported, sized][count % 3] ?? '';
      await ask(fetch, 'fetch', ['https://api.example.org/']);
    }
    expect(asked.map(({ request }) => request.mostBytes)).toEqual(
      Array.from({ length: MOST_CALLS }, () => 1_000_000),
    );
    const another = await narrowed({});
    expect(
      problemIn(
        told(await ask(another, 'fetch', ['https://api.example.org/'])),
      ),
    ).toMatch(/too many calls/);
    expect([asked.length, rig.kernel.state.calls.size]).toEqual([
      MOST_CALLS,
      MOST_CALLS,
    ]);
  });

  it('leaves room for the calls of others, however many fetches a cluster was granted', async () => {
    const grants = Array.from({ length: 13 }, (_, at) => ({
      ...GRANT,
      as: `fetch${at}`,
      pathPrefix: `/${at}`,
    }));
    const { client, say, launch, rig } = await makeFetchStage(grants);
    await launch('other', 'guest');
    const { calls, serviceObjects } = rig.kernel.state;
    const krefs = [...serviceObjects.values()].map(({ kref }) => kref);
    const [mine, theirs] = [krefs.slice(0, 13), krefs.slice(13)];
    const ask = async (fetches: readonly Kref[]): Promise<number> => {
      const before = calls.size;
      for (const [at, kref] of fetches.entries()) {
        const object = await referToKref(client, kref);
        const url = `https://api.example.org/${at}`;
        await say(
          ...Array.from({ length: MOST_CALLS }, () =>
            call(object, 'fetch', [url]),
          ),
        );
      }
      return calls.size - before;
    };
    expect([await ask(mine), await ask(theirs), await ask(mine)]).toEqual([
      MOST_CALLS_OF_ALL / 2,
      MOST_CALLS_OF_ALL / 4,
      0,
    ]);
  });

  it.each<[string, Json, RegExp]>([
    ['no record', 7, /caveats are a record of schemes, hosts/],
    ['nothing', '#undefined', /caveats are a record of schemes, hosts/],
    [
      'more fields than there are',
      Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`a${at}`, at])),
      /caveats are a record of schemes, hosts/,
    ],
    ['a field that is none', { host: 'a.b' }, /unknown field "host"/],
    [
      'more text than is kept',
      {
        hosts: Array.from({ length: 60 }, (_, at) =>
          `${'a'.repeat(60)}.`.repeat(3).concat(`h${at}`),
        ),
      },
      /attenuated 15 times, with 10000 units/,
    ],
  ])('is not attenuated by %s', async (_what, caveats, problem) => {
    const { ask, told, object, rig } = await makeFetchStage();
    const before = rig.kernel.state.serviceObjects.size;
    const answer = told(await ask(object, 'attenuate', [caveats]));
    expect(problemIn(answer)).toMatch(problem);
    expect(rig.kernel.state.serviceObjects.size).toBe(before);
  });

  it('is attenuated fifteen times and no more', async () => {
    const { ask, told, object } = await makeFetchStage();
    let last = object;
    for (let count = 1; count < 16; count += 1) {
      last = told(await ask(last, 'attenuate', [{}]))?.slots[0] ?? '';
    }
    expect(told(await ask(last, 'attenuate', [{}]))?.value).toEqual({
      '#error':
        'it can be attenuated 15 times, with 10000 units of caveats together',
      name: 'RangeError',
    });
  });

  it('is attenuated by all caveats that there are, up to the units that are kept', async () => {
    const { ask, told, object } = await makeFetchStage();
    const caveats = {
      schemes: ['https'],
      hosts: Array.from({ length: 51 }, (_, at) =>
        `${'a'.repeat(60)}.`.repeat(3).concat(`h${10 + at}`),
      ),
      ports: [443],
      methods: ['GET'],
      mostBytes: 1,
      mostMilliseconds: 1,
    };
    const unitsOf = (pathPrefix: string): number =>
      JSON.stringify([{ ...caveats, pathPrefix }]).length;
    const longest = `/${'a'.repeat(10_000 - unitsOf('/'))}`;
    const attenuate = async (pathPrefix: string) =>
      told(await ask(object, 'attenuate', [{ ...caveats, pathPrefix }]));
    expect(await attenuate(longest)).toMatchObject({ isRejected: false });
    expect(problemIn(await attenuate(`${longest}a`))).toMatch(/10000 units/);
  });

  it('gives up after its time, tells failures, and bounds calls under way', async () => {
    const { ask, told, asked, object, time } = await makeFetchStage();
    const url = 'https://api.example.org/';
    const calls: string[] = [];
    for (let count = 0; count <= MOST_CALLS; count += 1) {
      calls.push(await ask(object, 'fetch', [url]));
    }
    expect(told(calls[MOST_CALLS] ?? '')?.value).toEqual({
      '#error': 'too many calls are under way: wait for their answers',
      name: 'RangeError',
    });
    asked[0]?.fail(Error('no route'));
    await settle();
    time.advance(30_000);
    await settle();
    expect(told(calls[0] ?? '')?.isRejected).toBe(true);
    expect([
      problemIn(told(calls[0] ?? '')),
      problemIn(told(calls[1] ?? '')),
      asked[1]?.isCanceled,
      asked[0]?.isCanceled,
    ]).toEqual([
      `${url} can't be fetched: no route`,
      `${url} can't be fetched: no answer came within 30000 milliseconds`,
      true,
      false,
    ]);
    asked[1]?.answer({});
    await settle();
  });

  it('is asked at most once for a call, and each call settles, wherever a crash is (10)', async () => {
    const { images, wrap } = makeWitness();
    const image = makeMemoryImage();
    const servers = makeServers();
    /** Calls on the disk when a server is asked. */
    const committed: (number | undefined)[] = [];
    const witness = (platform: Platform): Platform => ({
      ...wrap(image)(platform),
      fetch: request => {
        committed.push(image.tables.get('calls')?.size);
        return servers.fetch(request);
      },
    });
    const options = { collectMilliseconds: Infinity, services: [GRANT] };
    const rig = makeRig(answerStart, { ...options, image, wrap: witness });
    await rig.launch('demo', ['boot']);
    const client = await rig.connect();
    const object = await referTo(rig, client, 'fetch');
    const asks: number[] = [];
    for (let index = 1; index <= 3; index += 1) {
      client.send(
        call(object, 'fetch', ['https://api.example.org/'], `p+${index}`),
      );
      await settle();
      asks.push(servers.asked.length);
      servers.asked.at(-1)?.answer({});
      await settle();
    }
    expect({ asks, committed }).toEqual({
      asks: [1, 2, 3],
      committed: [1, 1, 1],
    });
    const left = new Set<number>();
    for (const each of images) {
      left.add(each.tables.get('calls')?.size ?? 0);
      const again = makeServers();
      const later = makeRig(answerStart, {
        ...options,
        image: each,
        wrap: platform => ({ ...platform, fetch: again.fetch }),
      });
      await later.kernel.idle();
      expect([again.asked.length, later.kernel.state.calls.size]).toEqual([
        0, 0,
      ]);
      await later.kernel.stop();
    }
    expect(left).toEqual(new Set([0, 1]));
  });

  it('tells a vat that the server may have heard of its call, when the kernel was restarted meanwhile', async () => {
    const { fetch } = makeServers();
    const wrap = (platform: Platform): Platform => ({ ...platform, fetch });
    const stage = await makeServiceStage(['alice'], [GRANT], { wrap });
    const object = await stage.refer('fetch');
    await stage.say(send(stage.root('alice'), 'take', [object]));
    await stage.finish(
      'alice',
      call('o-50', 'fetch', ['https://api.example.org/'], 'p+1'),
      subscribe('p+1'),
    );
    expect(stage.rig.kernel.state.calls.size).toBe(1);
    const image = makeMemoryImage(stage.rig.image);
    await stage.rig.kernel.stop();
    const later = makeRig(() => ({}), { image, wrap });
    await later.kernel.idle();
    const error = {
      '#error':
        'the kernel was restarted while this call was under way: nobody knows whether the server has heard it',
      name: 'Error',
    };
    expect(later.vats.get('alice').deliveries.at(-1)).toEqual([
      'notify',
      [['p+1', true, dataOf(error)]],
    ]);
    await later.kernel.stop();
  });

  it('rejects no calls of other services at a restart: how a vat ends is told when it does', async () => {
    const { fetch } = makeServers();
    const wrap = (platform: Platform): Platform => ({ ...platform, fetch });
    const stage = await makeAdminStage({}, { wrap });
    const [, node = ''] = (await stage.make('kid'))?.slots ?? [];
    await stage.say(send(stage.root('alice'), 'take', [node]));
    await stage.finish(
      'alice',
      call('o-50', 'done', [], 'p+1'),
      subscribe('p+1'),
    );
    const image = makeMemoryImage(stage.rig.image);
    await stage.rig.kernel.stop();
    const later = makeRig(() => ({}), { image, wrap });
    await later.kernel.idle();
    expect([...later.kernel.state.calls.values()]).toMatchObject([
      { service: '@vatAdmin' },
    ]);
    await later.kernel.stop();
  });

  it('rejects the calls of a kernel that has no way to servers', async () => {
    const { rig } = await makeFetchStage();
    await rig.kernel.stop();
    const later = makeRig(answerStart, { image: rig.image });
    const client = await later.connect();
    const again = await referTo(later, client, 'fetch');
    client.send(call(again, 'fetch', ['https://api.example.org/'], 'p+1'), [
      'subscribe',
      'p+1' as never,
    ]);
    await settle();
    expect(JSON.stringify(client.deliveries)).toContain(
      'This kernel has no service fetch',
    );
  });
});

describe('the bounds of a fetch', () => {
  it.each([
    ['/v1', 'https://a.org/v1', true],
    ['/v1', 'https://a.org/v1/x/../y', true],
    ['/v1', 'https://a.org/v1/../x', false],
    ['/v1', 'https://a.org/v1/..%2fx', false],
    ['/v1', 'https://a.org/v1/%2e%2e/x', false],
    ['/v1', 'https://a.org/v1\\..\\x', false],
    ['/v1', 'https://a.org/v1/%252e%252e/x', false],
    ['/v1', 'https://a.org/v1/%25252F..', false],
    ['/v1', 'https://a.org/v1/..;/x', false],
    ['/v1', 'https://a.org/v1/..;a=b/x', false],
    ['/v1', 'https://a.org/v1/a;b=c', true],
    ['/v1', 'https://a.org/v1/%c0%ae%c0%ae/x', false],
    ['/v1', 'https://a.org/v1/x%00', false],
    ['/v1', 'https://a.org/v1/%u002e', false],
    ['/v1', 'https://a.org/v1/.\t./x', false],
    ['/v1', 'https://a.org/v1/100%25', true],
    ['/v1', 'https://a.org/v1?x=../%2e', true],
    ['/v1', 'https://a.org//v1/x', false],
    ['/v1', 'https://a.org/V1', false],
    ['/v1/', 'https://a.org/v1', false],
    ['/', 'https://a.org/%2f', true],
  ])('under %s: %s is %s', (pathPrefix, url, isAllowed) => {
    const problem = problemOfFetch([{ pathPrefix }], url, 'GET');
    expect(problem === undefined).toBe(isAllowed);
  });

  it.each([
    ['*.example.org', 'https://a.example.org/', true],
    ['*.example.org', 'https://a.b.example.org/', true],
    ['*.example.org', 'https://example.org/', false],
    ['*.example.org', 'https://evilexample.org/', false],
    ['example.org', 'https://evilxample.org/', false],
    ['example.org', 'https://a.example.org/', false],
    ['example.org', 'https://who@example.org/', false],
    ['example.org', 'https://:secret@example.org/', false],
    ['example.org', 'https://EXAMPLE.org/', true],
    ['example.org', 'https://example.org./', false],
    ['*.example.org', 'https://a.example.org./', false],
    ['example.org', 'https://evil.org\\@example.org/', false],
    ['example.org', 'https://evil.org/?@example.org/', false],
    ['example.org', 'https://evil.org#@example.org/', false],
    ['example.org', 'https:example.org', true],
    ['example.org', 'https://ex\u00adample.org/', true],
    ['example.org', 'https://ｅxample。org/', true],
    ['*.example.org', 'https://evil.org/.example.org', false],
    ['*.example.org', 'https://evil.org%2f.example.org/', false],
    ['127.0.0.1', 'https://2130706433/', true],
    ['127.0.0.1', 'https://0x7f.1/', true],
    ['localhost', 'https://127.0.0.1/', false],
    ['localhost', 'https://[::1]/', false],
    ['127.0.0.1', 'https://[::ffff:127.0.0.1]/', false],
    ['[::1]', 'https://[0:0:0:0:0:0:0:1]/', true],
  ])('for the host %s: %s is %s', (host, url, isAllowed) => {
    const problem = problemOfFetch([{ hosts: [host] }], url, 'GET');
    expect(problem === undefined).toBe(isAllowed);
  });

  it.each([
    [[{}], 'https://a.org:443/', true],
    [[{}], 'https://a.org:80/', false],
    [[{}], 'http://a.org:443/', false],
    [[{}, { ports: [8080] }], 'https://a.org:8080/', false],
    [[{ ports: [8080] }], 'https://a.org:8080/', true],
    [[{ ports: [8080] }], 'https://a.org/', false],
    [[{ ports: [443] }], 'https://a.org/', true],
    [[{ ports: [80] }], 'http://a.org/', true],
    [[{ ports: [443] }], 'http://a.org/', false],
    [[{ ports: [8080] }, { ports: [443] }], 'https://a.org:8080/', false],
  ])('for the ports of %j: %s is %s', (sets, url, isAllowed) => {
    expect(problemOfFetch(sets, url, 'GET') === undefined).toBe(isAllowed);
  });
});
