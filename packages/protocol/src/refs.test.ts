import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isClusterId,
  isDurableVref,
  isExportVref,
  isKref,
  isPromiseKref,
  isPromiseVref,
  isSessionId,
  isVatId,
  isVref,
  krefOfSessionImport,
  makeClusterId,
  makeExportVref,
  makeImportVref,
  makeKref,
  makeSessionId,
  makeVatId,
  parseKref,
  parseVref,
  ROOT_VREF,
} from './refs.ts';

const kinds = fc.constantFrom('object' as const, 'promise' as const);
const indexes = fc.nat(2 ** 31 - 1);

describe('references', () => {
  it('are parsed to what they were made of', () => {
    fc.assert(
      fc.property(kinds, indexes, (kind, index) => {
        expect(parseKref(makeKref(kind, index))).toEqual({ kind, index });
        expect(parseVref(makeImportVref(kind, index))).toEqual({
          kind,
          index,
          isExport: false,
          isDurable: false,
        });
        expect(parseVref(makeExportVref(kind, index))).toEqual({
          kind,
          index,
          isExport: true,
          isDurable: false,
        });
      }),
    );
  });

  it('tell their kind without being parsed', () => {
    fc.assert(
      fc.property(kinds, indexes, (kind, index) => {
        const isPromise = kind === 'promise';
        expect(isPromiseKref(makeKref(kind, index))).toBe(isPromise);
        expect(isPromiseVref(makeImportVref(kind, index))).toBe(isPromise);
        expect(isExportVref(makeImportVref(kind, index))).toBe(false);
        expect(isExportVref(makeExportVref(kind, index))).toBe(true);
      }),
    );
  });

  it.each([
    ['o+d10/3', { kind: 'object', isExport: true, isDurable: true }],
    ['o+d10/3:1', { kind: 'object', isExport: true, isDurable: true }],
    ['o+v7/1', { kind: 'object', isExport: true, isDurable: false }],
    ['o+d6', { kind: 'object', isExport: true, isDurable: true }],
  ])('know the virtual object %s', (text, parts) => {
    expect(parseVref(text)).toEqual({ ...parts, index: undefined });
  });

  it('tell a durable export from any other', () => {
    const durable = ['o+d1/1', 'o+v1/1', 'o+1', 'p+1', 'o-1']
      .filter(isVref)
      .map(isDurableVref);
    expect(durable).toEqual([true, false, false, false, false]);
  });

  it.each([
    ...['', 'o', 'o+', 'o1', 'o+01', 'o-d1/1', 'p+d1/1', 'o+d0/1', 'o+d1/'],
    ...['o+1 ', ' o+1', 'o+1\n', 'O+1', 'o+1.5', 'o+-1', 'o+1e3', 'ko1', 'o+v'],
    ...['o+99999999999999999', 'x+1', 'o*1', 'o+d1/1:', 'o+d1/1:00'],
  ])('refuse %j as a vref', text => {
    expect(isVref(text)).toBe(false);
  });

  it.each([
    '',
    'ko',
    'kx1',
    'ko01',
    'o+1',
    'ko1 ',
    'ko-1',
    'ko1\n',
    null,
    1,
    {},
  ])('refuse %j as a kref', value => {
    expect(isKref(value)).toBe(false);
  });

  it('never throw, whatever they are given', () => {
    fc.assert(
      fc.property(fc.anything(), value => {
        const answers = [isVref, isKref, isVatId, isSessionId, isClusterId].map(
          is => typeof is(value),
        );
        expect(new Set(answers)).toEqual(new Set(['boolean']));
      }),
    );
  });

  it('keep vats, sessions and clusters apart', () => {
    expect([makeVatId(3), makeSessionId(3), makeClusterId(3)]).toEqual([
      'v3',
      's3',
      'c3',
    ]);
    expect([isVatId('s3'), isSessionId('v3'), isClusterId('v3')]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('give a session’s import the number of its kref', () => {
    expect(krefOfSessionImport(makeImportVref('object', 7))).toBe('ko7');
    expect(krefOfSessionImport(makeImportVref('promise', 8))).toBe('kp8');
    expect(krefOfSessionImport(ROOT_VREF)).toBe(undefined);
  });
});
