import './lockdown.ts';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Delivery, Syscall, Vref } from '@cooperage/protocol';
import { E } from '@endo/eventual-send';
import { Far } from '@endo/far';
import { describe, expect, test } from 'vitest';
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

test('a client that only listens says so sooner when it hears much', async () => {
  const posted: SyscallsOfTurn[] = [];
  const endpoint = makeEndpoint({ post: batch => posted.push(batch) });
  const body = `#${JSON.stringify('x'.repeat(300_000))}`;
  const data = { body, slots: [] };
  for (let number = 1; number <= 9; number += 1) {
    const promise = `p+${number}` as Vref;
    endpoint.deliver({
      number,
      delivery: ['notify', [[promise, false, data]]],
      seen: 0,
    });
    await null;
  }
  expect(posted).toEqual([
    { syscalls: [], seen: 4 },
    { syscalls: [], seen: 8 },
  ]);
});

describe('what the kernel says of an export, and a batch that crosses it', () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const vref = (text: string): Vref => text as Vref;

  /** An endpoint that has named o+1 to the kernel in its second batch, and the means to hear what is left of it. */
  const setScene = async () => {
    const posted: SyscallsOfTurn[] = [];
    const endpoint = makeEndpoint({ post: batch => posted.push(batch) });
    const remote = endpoint.importObject(vref('o-1'), 'Alleged: remote');
    const give = (it: object): void =>
      void E.sendOnly(remote as { give(it: object): void }).give(it);
    let heard = 0;
    const weakly = await (async () => {
      const mine = Far('Mine', { ping: () => (heard += 1) });
      give(mine);
      await new Promise(resolve => setImmediate(resolve));
      give(mine);
      return new WeakRef(mine);
    })();
    await new Promise(resolve => setImmediate(resolve));
    let number = 0;
    const tell = async (delivery: Delivery, seen: number): Promise<void> => {
      number += 1;
      endpoint.deliver({ number, delivery, seen });
      for (let turns = 0; turns < 3; turns += 1) {
        await new Promise(resolve => setImmediate(resolve));
        gc();
      }
    };
    /** Collects until what nobody holds is gone; an engine at work elsewhere may need more than one try. */
    const isCollected = async (): Promise<boolean> => {
      for (let tries = 0; tries < 500 && weakly.deref(); tries += 1) {
        await new Promise(resolve => setImmediate(resolve));
        gc();
      }
      return weakly.deref() === undefined;
    };
    const ping = async (): Promise<number> => {
      const methargs = { body: '#["ping",[]]', slots: [] };
      await tell(['message', vref('o+1'), { methargs, result: null }], 2);
      return heard;
    };
    const said = (): Syscall[] =>
      posted.flatMap(({ syscalls }) => syscalls).slice(2);
    return { tell, ping, said, isCollected, batches: posted.length };
  };

  test.each([['dropExports'], ['retireExports']] as const)(
    '%s leaves what a batch names that the kernel had not seen',
    async kind => {
      const { tell, ping, said, batches } = await setScene();
      expect(batches).toBe(2);
      await tell([kind, [vref('o+1')]], 1);
      expect(await ping()).toBe(1);
      expect(said()).toEqual([]);
    },
  );

  test('dropExports lets go of what no later batch names, and its end is told', async () => {
    const { tell, ping, said, isCollected } = await setScene();
    await tell(['dropExports', [vref('o+1')]], 2);
    expect(await isCollected()).toBe(true);
    await expect
      .poll(said, { timeout: 5_000 })
      .toEqual([['retireExports', [vref('o+1')]]]);
    expect(await ping()).toBe(0);
  });

  test('retireExports lets go too, and nothing is left to be told', async () => {
    const { tell, ping, said, isCollected } = await setScene();
    await tell(['retireExports', [vref('o+1')]], 2);
    expect(await isCollected()).toBe(true);
    expect(await ping()).toBe(0);
    expect(said()).toEqual([]);
  });
});
