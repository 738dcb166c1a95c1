import initialize from '@sqlite.org/sqlite-wasm';
import { makeCommit } from '../floor/commit.ts';
import { makeFloor } from '../floor/kernel.ts';

/** What the page asks: a method of the floor, and its arguments. */
export type FloorRequest = {
  readonly id: number;
  readonly name: 'call' | 'hop';
  readonly args: readonly unknown[];
};

/**
 * The floor's kernel in a worker of the extension, SQLite on OPFS as ours. Its
 * page sends it the program and the vats' ports, then requests.
 */
const start = async (source: string, ports: readonly MessagePort[]) => {
  const sqlite3 = await initialize();
  const pool = await sqlite3.installOpfsSAHPoolVfs({
    name: 'floor',
    directory: 'floor',
    clearOnInit: true,
  });
  const db = new pool.OpfsSAHPoolDb('/floor.sqlite');
  return makeFloor(source, ports, makeCommit(db));
};

globalThis.onmessage = ({ data }) => {
  const floor = start(data.source, data.ports);
  const answer = async ({ id, name, args }: FloorRequest): Promise<void> => {
    const method = (await floor)[name] as (
      ...given: readonly unknown[]
    ) => Promise<unknown>;
    globalThis.postMessage({ id, value: await method(...args) });
  };
  globalThis.onmessage = ({ data: request }) => void answer(request);
};
