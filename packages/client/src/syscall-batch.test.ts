import './lockdown.ts';
import {
  makeExportVref,
  makeImportVref,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import { expect, test } from 'vitest';
import { makeSyscallBatch } from './syscall-batch.ts';

const one = makeImportVref('object', 1);
const two = makeImportVref('object', 2);
const mine = makeExportVref('object', 3);

const makeTest = () => {
  const posted: (readonly Syscall[])[] = [];
  const alive = new Set<Vref>();
  const batch = makeSyscallBatch({
    post: syscalls => posted.push(syscalls),
    isAlive: vref => alive.has(vref),
  });
  return { posted, alive, batch };
};

test('what is added in one turn leaves as one batch, drops last', async () => {
  const { posted, batch } = makeTest();
  batch.addCollected(one);
  batch.addCollected(mine);
  batch.add(['subscribe', two]);
  expect(posted).toEqual([]);
  await Promise.resolve();
  expect(posted).toEqual([
    [
      ['subscribe', two],
      ['dropImports', [one]],
      ['retireExports', [mine]],
    ],
  ]);
});

test('an import that has come again by the time of the batch is not dropped', async () => {
  const { posted, alive, batch } = makeTest();
  batch.addCollected(one);
  batch.addCollected(two);
  alive.add(one);
  await Promise.resolve();
  expect(posted).toEqual([[['dropImports', [two]]]]);
});

test('what is collected in great number leaves in batches of a bounded size', async () => {
  const { posted, batch } = makeTest();
  const vrefs = Array.from({ length: 3_600 }, (_, nth) =>
    makeImportVref('object', nth + 1),
  );
  vrefs.forEach(batch.addCollected);
  for (let turns = 0; turns < 4; turns += 1) {
    await Promise.resolve();
  }
  expect(posted.map(([drop]) => drop?.[1])).toEqual([
    vrefs.slice(0, 1_500),
    vrefs.slice(1_500, 3_000),
    vrefs.slice(3_000),
  ]);
});

test('drops wait while one is held back, and other syscalls do not', async () => {
  const { posted, batch } = makeTest();
  const releases = [batch.holdDrops(), batch.holdDrops()];
  batch.addCollected(one);
  batch.add(['subscribe', two]);
  await Promise.resolve();
  releases[0]!();
  releases[0]!();
  await Promise.resolve();
  expect(posted).toEqual([[['subscribe', two]]]);
  releases[1]!();
  await Promise.resolve();
  expect(posted.slice(1)).toEqual([[['dropImports', [one]]]]);
});

test('after the end nothing leaves, not even what was added before', async () => {
  const { posted, batch } = makeTest();
  batch.add(['subscribe', one]);
  batch.end();
  batch.add(['subscribe', two]);
  await Promise.resolve();
  expect(posted).toEqual([]);
});
