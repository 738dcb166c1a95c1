import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseClusterConfig } from './cluster.ts';
import { problemOfBundle } from './bundle.ts';

const vat = { bundle: { url: 'bundles/a.json' } };
const DEFAULTS = {
  parameters: {},
  endowments: ['console'],
  deadline: null,
  onFault: 'suspend',
  critical: false,
  eviction: 'never',
  limits: {},
};

describe('a cluster config', () => {
  it('gets what it leaves out', () => {
    expect(parseClusterConfig({ vats: { alice: vat, bob: vat } })).toEqual({
      ok: true,
      value: {
        name: 'alice',
        bootstrap: 'alice',
        services: [],
        bundles: {},
        vats: {
          alice: { ...vat, ...DEFAULTS },
          bob: { ...vat, ...DEFAULTS },
        },
      },
    });
  });

  it.each([
    ['deadline', 0],
    ['deadline', 1.5],
    ['deadline', '5 s'],
    ['deadline', 3_600_001],
    ['onFault', 'ignore'],
    ['onFault', 7],
    ['critical', 'yes'],
    ['eviction', 'often'],
    ['eviction', true],
    ['limits', 7],
  ])('refuses %s %j, and says what is known', (field, value) => {
    expect(
      parseClusterConfig({ vats: { alice: { ...vat, [field]: value } } }),
    ).toEqual({
      ok: false,
      problems: [expect.stringMatching(`vats.alice: ${field} is .*, not `)],
    });
  });

  it('sets bounds of a vat’s own, and refuses those that it does not know, or that bound nothing', () => {
    const parse = (limits: unknown) =>
      parseClusterConfig({ vats: { alice: { ...vat, limits } } });
    const limits = {
      inboxMessages: 10,
      storeBytes: 1_000_000,
      slotsPerMessage: 10_000,
    };
    expect(parse(limits)).toMatchObject({
      ok: true,
      value: { vats: { alice: { limits } } },
    });
    expect(
      parse({
        inboxMessages: 0,
        storeBytes: 1e12,
        slotsPerMessage: 10_001,
        fun: 1,
      }),
    ).toEqual({
      ok: false,
      problems: [
        'vats.alice: limits.inboxMessages is a whole number from 1 to 1073741824, not 0',
        'vats.alice: limits.storeBytes is a whole number from 100000 to 1073741824, not 1000000000000',
        'vats.alice: limits.slotsPerMessage is a whole number from 1 to 10000, not 10001',
        expect.stringMatching(
          /^vats.alice: limits has no "fun" \(known: inboxMessages, .*, storeBytes, .*, logLinesPerSecond\)$/,
        ),
      ],
    });
  });

  it('sets how long a vat may take, and what follows a fault', () => {
    const rules = {
      deadline: 250,
      onFault: 'restart',
      critical: true,
      eviction: 'unseen',
    };
    expect(
      parseClusterConfig({ vats: { alice: { ...vat, ...rules } } }),
    ).toMatchObject({ value: { vats: { alice: rules } } });
  });

  it('takes a bundleSpec for a URL, as the neighbors write it', () => {
    const parsed = parseClusterConfig({
      vats: { alice: { bundleSpec: 'http://127.0.0.1/a.json' } },
    });
    expect(parsed).toMatchObject({
      value: {
        vats: { alice: { bundle: { url: 'http://127.0.0.1/a.json' } } },
      },
    });
  });

  it('grants services by name, under another name, and with caveats', () => {
    const services = [
      'timer',
      { service: 'console', as: 'log' },
      { service: 'fetch', hosts: ['*.example.org'], pathPrefix: '/v1' },
    ];
    expect(
      parseClusterConfig({ vats: { alice: vat }, services }),
    ).toMatchObject({
      value: {
        services: [
          { service: 'timer', as: 'timer', caveats: null },
          { service: 'console', as: 'log', caveats: null },
          {
            service: 'fetch',
            as: 'fetch',
            caveats: { hosts: ['*.example.org'], pathPrefix: '/v1' },
          },
        ],
      },
    });
  });

  it.each([
    [['fetch'], 'services.0: fetch needs to be told its hosts'],
    [[{ service: 'timer', hosts: ['a'] }], 'services.0: unknown field "hosts"'],
    [['timer', 'timer'], 'services.1: there are two named "timer"'],
    [[{ service: 7, as: 'x' }], 'services.0: service is a name'],
    [
      [{ service: 'fetch', hosts: ['https://a.b'] }],
      'services.0: hosts is a list of host names',
    ],
    ...[
      '*.0.0.1',
      '*.1',
      'A.org',
      'a.org.',
      'a..b',
      '*',
      `${'a.'.repeat(128)}b`,
    ].map((host): [unknown[], string] => [
      [{ service: 'fetch', hosts: [host] }],
      'services.0: hosts is a list of host names',
    ]),
    [
      [{ service: 'fetch', hosts: ['a.b'], pathPrefix: '/a/../b' }],
      'services.0: pathPrefix is a path',
    ],
    [
      [{ service: 'fetch', hosts: ['a.b'], prefix: '/' }],
      'services.0: unknown field "prefix"',
    ],
  ])('refuses the services %j', (services, problem) => {
    expect(
      parseClusterConfig({ vats: { alice: vat }, services }),
    ).toMatchObject({
      ok: false,
      problems: [expect.stringContaining(problem)],
    });
  });

  it('names bundles for vats to come, and binds an administrator of vats', () => {
    const hash = 'a'.repeat(128);
    const admin = { vats: 3, bytes: 1_000_000, bundles: ['helper', hash] };
    const bundles = { helper: { url: 'bundles/helper.json' } };
    expect(
      parseClusterConfig({
        vats: { alice: vat },
        bundles,
        services: [{ service: 'vatAdmin', as: 'makers', ...admin }, 'vatAdmin'],
      }),
    ).toMatchObject({
      value: {
        bundles,
        services: [
          { service: 'vatAdmin', as: 'makers', caveats: null, admin },
          {
            as: 'vatAdmin',
            admin: { vats: null, bytes: null, bundles: null },
          },
        ],
      },
    });
  });

  it.each([
    [{ vats: NaN }, 'services.0: vats is a whole number from 0, not NaN'],
    [{ vats: -1 }, 'services.0: vats is a whole number'],
    [{ bytes: Infinity }, 'services.0: bytes is a whole number'],
    [{ bytes: '7' }, 'services.0: bytes is a whole number'],
    [{ bundles: 'a' }, 'services.0: bundles is a list'],
    [{ bundles: ['a b'] }, 'is neither a name of a bundle nor a hash'],
    [{ bundles: ['a'] }, "names the bundle a, and the config's bundles are b"],
    [{ cpu: 1 }, 'services.0: unknown field "cpu"'],
  ])('refuses an administrator with %j', (caveats, problem) => {
    expect(
      parseClusterConfig({
        vats: { alice: vat },
        bundles: { b: vat.bundle },
        services: [{ service: 'vatAdmin', ...caveats }],
      }),
    ).toMatchObject({
      ok: false,
      problems: [expect.stringContaining(problem)],
    });
  });

  it('refuses bundles without a source or a name', () => {
    expect(
      parseClusterConfig({
        vats: { alice: vat },
        bundles: { '1st': vat.bundle, second: 'a.json' },
      }),
    ).toMatchObject({
      problems: [
        expect.stringContaining('bundles: "1st" is no name'),
        expect.stringContaining('bundles.second: needs a bundle'),
      ],
    });
  });

  it('tells all that is wrong with it at once', () => {
    const parsed = parseClusterConfig({
      nmae: 'demo',
      bootstrap: 'zoe',
      services: 'none',
      vats: {
        '1st': vat,
        alice: { bundle: { hash: 'abc' }, globals: [] },
        bob: { endowments: ['fetch'] },
        carol: 7,
      },
    });
    expect(parsed).toEqual({
      ok: false,
      problems: [
        'config: unknown field "nmae" (known: name, bootstrap, services, bundles, vats)',
        expect.stringContaining('vats: "1st" is no name'),
        expect.stringContaining('vats.alice: unknown field "globals"'),
        expect.stringContaining('vats.alice: bundle is one of'),
        expect.stringContaining('vats.bob: endowments is a list of names'),
        expect.stringContaining('vats.bob: needs a bundle'),
        'vats.carol: is not an object',
        expect.stringContaining('vats.carol: needs a bundle'),
        expect.stringContaining('bootstrap: "zoe" is none of the vats'),
        expect.stringContaining('name: "" is no name'),
        expect.stringContaining('services: is a list of'),
      ],
    });
  });

  it('never throws, and never takes what is inherited', () => {
    fc.assert(
      fc.property(fc.anything(), value => {
        expect(typeof parseClusterConfig(value).ok).toBe('boolean');
      }),
    );
    const inherited: unknown = Object.create({ vats: { alice: vat } });
    expect(parseClusterConfig(inherited).ok).toBe(false);
  });
});

describe('a value of a wrong type', () => {
  it.each([[1n], [new Map()], [[[1n]]], [Symbol.iterator]])(
    'is a problem in any place, and never an exception: %o',
    wrong => {
      const fields = { name: wrong, bootstrap: wrong, services: wrong };
      expect([
        ...Object.entries(fields).map(
          ([key, value]) =>
            parseClusterConfig({ vats: { alice: vat }, [key]: value }).ok,
        ),
        parseClusterConfig({ vats: wrong }).ok,
        parseClusterConfig({ vats: { alice: wrong } }).ok,
        parseClusterConfig({ vats: { alice: { bundle: wrong } } }).ok,
        parseClusterConfig({ vats: { alice: { ...vat, endowments: wrong } } })
          .ok,
      ]).toEqual(Array(7).fill(false));
    },
  );
});

describe('a bundle', () => {
  it('may nest its moduleFormat deeper than the stack goes, and has a problem', () => {
    const deep = `{"moduleFormat":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;
    expect(problemOfBundle(deep)).toMatch(/moduleFormat a list is not one of/);
  });

  it.each([
    ['{"moduleFormat":"endoScript"}', undefined],
    ['export const x', /a bundle is JSON; this text starts with/],
    ['[]', /JSON object with a moduleFormat/],
    ['null', /JSON object with a moduleFormat/],
    ['{"moduleFormat":"zip"}', /moduleFormat "zip" is not one of/],
  ])('%s has the problem %s', (text, problem) => {
    if (problem === undefined) {
      expect(problemOfBundle(text)).toBe(undefined);
    } else {
      expect(problemOfBundle(text)).toMatch(problem);
    }
  });
});
