import { describe, expect, it } from 'vitest';
import { parseServiceGrants, type ServiceGrant } from '@cooperage/protocol';
import { askerOfSites, parametersOf, readConfig } from './launch-config.ts';

const configWith = (parameters: unknown) => ({
  name: 'demo',
  vats: { alice: { bundle: { text: '{}' }, parameters } },
});
const refusal = (message: unknown) =>
  expect.objectContaining({ code: 'BAD_CONFIG', message });

describe('the config of a cluster', () => {
  it('is read, or refused with all its problems', () => {
    expect(Object.keys(readConfig(configWith({})).vats)).toEqual(['alice']);
    expect(() => readConfig({ vats: 7, nonsense: 7 })).toThrow(
      refusal(expect.stringMatching(/^The cluster config can't be used: .+; /)),
    );
  });

  it.each([
    ['a text', 'x', '#"x"'],
    ['a truth value', true, '#true'],
    ['a number', 7, '#7'],
    ['nothing', null, '#null'],
    ['a list', [1, ['x']], '#[1,["x"]]'],
    ['a record', { size: { x: 7 } }, '#{"size":{"x":7}}'],
  ])('may give a vat %s as its parameters', (_title, parameters, body) => {
    readConfig(configWith(parameters));
    expect(parametersOf(parameters)).toEqual({ body, slots: [] });
  });

  it.each([
    ['a function', () => {}],
    ['a number that is none', NaN],
    ['a big number', 7n],
    ['a date', new Date(0)],
    ['a list with a hole', [, 7]],
    ['a record with a function', { x: { y: () => {} } }],
  ])('may not give a vat %s', (_title, parameters) => {
    expect(() => readConfig(configWith(parameters))).toThrow(
      refusal('vats.alice: parameters are more than JSON can say'),
    );
    expect(() => parametersOf(parameters)).toThrow(
      refusal('Parameters are more than JSON can say'),
    );
  });

  it('may leave a field of parameters undefined, and name no references', () => {
    expect(readConfig(configWith({ x: undefined })).name).toBe('demo');
    expect(() => parametersOf({ '@': 'bob' })).not.toThrow();
  });
});

describe('who is asked for the sites of a cluster', () => {
  const grant = (service: string): ServiceGrant => ({
    service,
    as: service,
    caveats: null,
    admin: null,
  });
  const fetches = parseServiceGrants(
    [{ service: 'fetch', hosts: ['api.example.org'] }],
    [],
  );

  it('is nobody where no site is granted, or nobody need be asked', () => {
    const insistSites = () => Promise.reject(Error('not allowed'));
    expect(askerOfSites({}, [grant('timer')])).toBe(undefined);
    expect(askerOfSites({ insistSites }, [grant('timer')])).toBe(undefined);
    expect(askerOfSites({}, fetches)).toBe(undefined);
  });

  it('is a person where some are granted', async () => {
    const asked: (readonly string[])[] = [];
    const ask = askerOfSites(
      { insistSites: async sites => void asked.push(sites) },
      fetches,
    );
    expect(asked).toEqual([]);
    await ask?.();
    expect(asked).toEqual([[expect.stringContaining('api.example.org')]]);
  });
});
