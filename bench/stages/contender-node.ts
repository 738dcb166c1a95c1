import { makeMessagePortStream, makeRpc } from '@cooperage/streams';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Startable } from './contender-serving.ts';
import { childPort } from './process-port.ts';

/** A contender in its process. */
export type Apart = {
  /** Calls one of its methods. */
  ask<Result>(method: string, ...args: unknown[]): Promise<Result>;
  /** Stops it; its process ends behind that. */
  stop(): Promise<void>;
};

/** Starts it in a process of its own, so that none of the threads beside it are another's. */
export const startApart = async (startable: Startable): Promise<Apart> => {
  const script = fileURLToPath(
    new URL('contender-process.mjs', import.meta.url),
  );
  const child = fork(script, [JSON.stringify(startable)], {
    serialization: 'advanced',
  });
  const label = `the process of ${JSON.stringify(startable)}`;
  const stream = makeMessagePortStream(childPort(child), { label });
  let tellReady = (): void => {};
  const ready = new Promise<void>((resolve, reject) => {
    tellReady = resolve;
    void stream.closed.then(why => reject(why ?? Error(`${label} has ended`)));
  });
  const rpc = makeRpc(stream, { label, onNotify: () => tellReady() });
  await ready;
  return {
    ask: async <Result>(method: string, ...args: unknown[]) =>
      (await rpc.call(method, args)) as Result,
    stop: async () => {
      await rpc.call('stop', []);
      rpc.close();
    },
  };
};
