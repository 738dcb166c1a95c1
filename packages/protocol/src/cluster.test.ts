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
};

describe('a cluster config', () => {
  it('gets what it leaves out', () => {
    expect(parseClusterConfig({ vats: { alice: vat, bob: vat } })).toEqual({
      ok: true,
      value: {
        name: 'alice',
        bootstrap: 'alice',
        services: [],
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
  ])('refuses %s %j, and says what is known', (field, value) => {
    expect(
      parseClusterConfig({ vats: { alice: { ...vat, [field]: value } } }),
    ).toEqual({
      ok: false,
      problems: [expect.stringMatching(`vats.alice: ${field} is .*, not `)],
    });
  });

  it('sets how long a vat may take, and what follows a fault', () => {
    const rules = { deadline: 250, onFault: 'restart' };
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
        'config: unknown field "nmae" (known: name, bootstrap, services, vats)',
        expect.stringContaining('vats: "1st" is no name'),
        expect.stringContaining('vats.alice: unknown field "globals"'),
        expect.stringContaining('vats.alice: bundle is one of'),
        expect.stringContaining('vats.bob: endowments is a list of names'),
        expect.stringContaining('vats.bob: needs a bundle'),
        'vats.carol: is not an object',
        expect.stringContaining('vats.carol: needs a bundle'),
        expect.stringContaining('bootstrap: "zoe" is none of the vats'),
        expect.stringContaining('name: "" is no name'),
        'services: is a list of names',
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
