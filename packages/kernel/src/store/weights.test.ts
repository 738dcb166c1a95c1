import { makeVatId, type Kref } from '@cooperage/protocol';
import { expect, it } from 'vitest';
import {
  weighAlias,
  weighAnswer,
  weighChange,
  weighData,
  weighMessage,
  weighRepeat,
  weighServiceObject,
} from './weights.ts';

const slots = ['ko1', 'ko2'] as Kref[];

it('weighs text by its units, references besides, and for a message its row', () => {
  expect(weighData({ body: '12345', slots })).toBe(5 + 40);
  expect(weighMessage({ body: '12345', slots })).toBe(200 + 5 + 40);
});

it('weighs the data of a settled promise, and nothing of one that is not', () => {
  expect(weighAnswer({ body: '12345', slots })).toBe(45);
  expect(weighAnswer({ body: null, slots: [] })).toBe(0);
});

it('weighs a change of a store by its key and what it becomes', () => {
  const vat = makeVatId(1);
  expect(weighChange({ vat, key: 'abc', value: '12' })).toBe(5);
  expect(weighChange({ vat, key: 'abc', value: null })).toBe(3);
});

it('weighs an alarm by how often it comes in a second', () => {
  expect(weighRepeat({ period: null })).toBe(0);
  expect([1_000, 300, 10].map(period => weighRepeat({ period }))).toEqual([
    1, 4, 100,
  ]);
});

it('weighs an object of a service by its text, and that of other rows, and its own; an alias by its row', () => {
  expect(weighServiceObject('12345')).toBe(200 + 5);
  expect(weighServiceObject('12345', 7)).toBe(200 + 5 + 7);
  expect(weighAlias()).toBe(200);
});
