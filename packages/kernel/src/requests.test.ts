import { describe, expect, it } from 'vitest';
import {
  fieldsOf,
  optionalTextOf,
  parseInspection,
  parseOrder,
  parseReference,
  parseUpgrade,
  sourceOf,
  textOf,
} from './requests.ts';

const refusal = (words: string) =>
  expect.objectContaining({ code: 'BAD_REQUEST', message: words });

describe('what a client asks for', () => {
  it('is an object with texts', () => {
    for (const params of [undefined, null, 7, 'x', []]) {
      expect(() => fieldsOf(params)).toThrow(refusal('A request is an object'));
    }
    const fields = fieldsOf({ name: 'alice', age: 7 });
    expect(textOf(fields, 'name')).toBe('alice');
    expect(optionalTextOf(fields, 'name')).toBe('alice');
    expect(optionalTextOf(fields, 'none')).toBe(undefined);
    for (const key of ['age', 'none']) {
      expect(() => textOf(fields, key)).toThrow(
        refusal(`The request needs ${key}, a text`),
      );
    }
    expect(() => optionalTextOf(fields, 'age')).toThrow('needs age');
  });

  it('has a bundle in one of three ways', () => {
    expect(sourceOf({ bundle: { url: 'x' } })).toEqual({ url: 'x' });
    expect(() => sourceOf({})).toThrow(
      refusal(
        'The request needs a bundle, one of {"url": text}, {"hash": 128 hex digits}, {"text": text}',
      ),
    );
  });

  it('may be to upgrade vats, with or without parameters', () => {
    const params = { bundle: { text: '{}' } };
    expect(parseUpgrade(params)).toEqual({
      source: { text: '{}' },
      parameters: undefined,
      upgradeMessage: undefined,
      by: 'person',
    });
    expect(
      parseUpgrade({
        ...params,
        parameters: { size: 7 },
        upgradeMessage: 'better',
      }),
    ).toEqual({
      source: { text: '{}' },
      parameters: { body: '#{"size":7}', slots: [] },
      upgradeMessage: 'better',
      by: 'person',
    });
  });

  it('is for a cluster, for a vat of it, and for nobody else who has the name', () => {
    expect(parseOrder({ cluster: 'demo' })).toEqual([
      'demo',
      undefined,
      undefined,
    ]);
    expect(parseOrder({ cluster: 'demo', vat: 'alice', id: 'v3' })).toEqual([
      'demo',
      'alice',
      'v3',
    ]);
    for (const params of [{ id: 'v3' }, { cluster: 'demo', id: 3 }]) {
      expect(() => parseOrder(params)).toThrow('The request needs');
    }
  });

  it('may be a reference by its kref, by a name in home, or by its vat', () => {
    expect(parseReference({ kref: 'ko7', home: 'x' })).toEqual({ kref: 'ko7' });
    expect(parseReference({ home: 'timer' })).toEqual({ home: 'timer' });
    expect(parseReference({ cluster: 'demo' })).toEqual({ cluster: 'demo' });
    expect(parseReference({ cluster: 'demo', vat: 'alice' })).toEqual({
      cluster: 'demo',
      vat: 'alice',
    });
    expect(() => parseReference({ kref: 'o-7' })).toThrow(
      refusal('"o-7" is no kref such as ko7'),
    );
    expect(() => parseReference({})).toThrow('needs cluster');
  });

  it('may be to inspect one of these, a name of its own, or who is there', () => {
    expect(parseInspection({ vref: 'o-7' })).toEqual({ vref: 'o-7' });
    expect(parseInspection({ endpoint: 'v3' })).toEqual({ endpoint: 'v3' });
    expect(parseInspection({ endpoint: 's2' })).toEqual({ endpoint: 's2' });
    expect(parseInspection({ kref: 'ko7' })).toEqual({ kref: 'ko7' });
    expect(() => parseInspection({ vref: 'ko7' })).toThrow(
      refusal('"ko7" is no vref such as o-7'),
    );
    expect(() => parseInspection({ endpoint: 'ko7' })).toThrow(
      refusal('"ko7" is no vat (v3) or session (s2)'),
    );
  });
});
