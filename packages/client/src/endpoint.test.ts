import './lockdown.ts';
import { expect, test } from 'vitest';
import { makeEndpoint, type SyscallsOfTurn } from './endpoint.ts';

test('a client that only listens says now and then how much it has heard', async () => {
  const posted: SyscallsOfTurn[] = [];
  const endpoint = makeEndpoint({ post: batch => posted.push(batch) });
  for (let number = 1; number <= 2_500; number += 1) {
    endpoint.deliver({ number, delivery: ['retireImports', []], seen: 0 });
    await null;
  }
  expect(posted).toEqual([
    { syscalls: [], seen: 1_000 },
    { syscalls: [], seen: 2_000 },
  ]);
});
