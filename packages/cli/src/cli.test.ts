import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const here = (path: string): string =>
  fileURLToPath(new URL(path, import.meta.url));
const COMMAND = here('../dist/cooperage.mjs');
const DEMO = here('../../../vats/clusters/demo.json');

const folder = mkdtempSync(join(tmpdir(), 'cooperage-cli-'));
const inFolder = (name: string): string => join(folder, name);

/** A cluster of one counter whose bundle lies beside its config. */
const writeCounter = (): string => {
  const source = `imports => {
    const { Far } = imports['@endo/far'];
    const { provide } = imports['@agoric/vat-data'];
    const buildRootObject = (vatPowers, { step }, baggage) => {
      provide(baggage, 'count', () => 0);
      return Far('Counter', {
        bootstrap: () => console.log('counting by', step),
        add: (times = 1) => {
          baggage.set('count', baggage.get('count') + times * step);
          return harden({ count: baggage.get('count') });
        },
        large: () => 2n ** 70n,
      });
    };
    return { buildRootObject };
  }`;
  const imports = ['@endo/far', '@agoric/vat-data'];
  writeFileSync(
    inFolder('counter-bundle.json'),
    JSON.stringify({ moduleFormat: 'cooperageScript', source, imports }),
  );
  writeFileSync(
    inFolder('counter.json'),
    JSON.stringify({
      name: 'count',
      vats: {
        counter: {
          bundle: { url: 'counter-bundle.json' },
          parameters: { step: 2 },
        },
      },
    }),
  );
  return inFolder('counter.json');
};

type Outcome = { code: unknown; answer: string; said: string };

/** Runs the command to its end. */
const cooperage = (...args: string[]): Promise<Outcome> =>
  new Promise(resolve => {
    execFile(process.execPath, [COMMAND, ...args], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, answer: stdout, said: stderr }),
    );
  });

/** Starts a run and waits until it runs. */
const startRun = async (file: string, state: string) => {
  const child = spawn(
    process.execPath,
    [COMMAND, 'run', file, '--state', state],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const exited = once(child, 'exit');
  const said: string[] = [];
  const lines = createInterface({ input: child.stderr });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', line => {
      said.push(line);
      if (line.startsWith('running;')) {
        resolve();
      }
    });
    lines.on('close', () => reject(Error(said.join('\n'))));
  });
  return {
    said,
    end: async (signal: 'SIGKILL' | 'SIGINT'): Promise<unknown> => {
      child.kill(signal);
      const [code] = await exited;
      return code;
    },
  };
};

beforeAll(() => {
  execFileSync(process.execPath, [here('../build.mjs')]);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the command line', () => {
  it('runs a cluster of modules, which goes on after a kill and stops cleanly on Ctrl-C', async () => {
    const state = inFolder('demo');
    const first = await startRun(DEMO, state);
    expect(first.said).toContain('launched demo: alice, bob, carol');
    expect(await cooperage('run', DEMO, '--state', state)).toMatchObject({
      code: 1,
      said: expect.stringContaining('is in use by process'),
    });
    const call = ['call', 'demo', 'bob', 'hello', '["x"]', '--state', state];
    const hello = { code: 0, answer: '"Hello x, this is bob."\n', said: '' };
    expect(await cooperage(...call)).toEqual(hello);
    await first.end('SIGKILL');
    expect(await cooperage(...call)).toEqual(hello);

    const second = await startRun(DEMO, state);
    expect(second.said).toContain(
      'demo goes on from the state of its last commit',
    );
    expect((await cooperage('status', '--state', state)).answer).toMatch(
      /^demo \(c1\)\n/,
    );
    expect(await second.end('SIGINT')).toBe(0);
    expect(second.said.at(-1)).toBe('stopped');
    expect((await cooperage('status', '--state', state)).answer).toMatch(
      /^demo \(c1\)\n {2}alice \(v1\), asleep, incarnation \d+, root ko1, 0 waiting\n/,
    );
  }, 60_000);

  it('runs once and keeps what vats keep from call to call', async () => {
    const place = ['--state', inFolder('count')];
    const file = writeCounter();
    const launched = await cooperage('run', file, '--once', ...place);
    expect(launched.code).toBe(0);
    expect(launched.said).toContain('counter: counting by 2');
    const call = (...args: string[]): Promise<Outcome> =>
      cooperage('call', 'count', 'counter', ...args, ...place);
    expect(JSON.parse((await call('add')).answer)).toEqual({ count: 2 });
    expect(JSON.parse((await call('add', '[3]')).answer)).toEqual({ count: 8 });
    expect((await call('large')).answer).toBe(`${2n ** 70n}n\n`);
    const status = await cooperage('status', '--json', ...place);
    expect(JSON.parse(status.answer)).toMatchObject({
      state: 'running',
      clusters: [{ name: 'count', vats: [{ name: 'counter' }] }],
    });
  }, 60_000);

  it('says in words what is wrong, and exits with 1', async () => {
    const place = ['--state', inFolder('wrong')];
    const file = inFolder('wrong.json');
    const launch = async (config: unknown): Promise<Outcome> => {
      writeFileSync(
        file,
        typeof config === 'string' ? config : JSON.stringify(config),
      );
      return cooperage('run', file, '--once', ...place);
    };
    const outcomes = [
      await launch('{'),
      await launch({ name: '7', vats: { a: { bundle: {} } }, more: 1 }),
      await launch({ vats: { a: { bundle: { url: 'absent.json' } } } }),
      await launch({ vats: { a: { bundle: { path: 'absent.ts' } } } }),
      await cooperage('call', 'none', 'a', 'b', ...place),
      await cooperage('call', 'none', 'a', 'b', '{}', ...place),
      await cooperage('status', '--state', inFolder('nowhere')),
    ];
    expect(outcomes.map(({ code }) => code)).toEqual(outcomes.map(() => 1));
    const said = outcomes.map(outcome => outcome.said);
    expect(said[0]).toContain('wrong.json is no JSON');
    expect(said[1]?.split('\n  - ')).toHaveLength(4);
    expect(said[2]).toMatch(/absent\.json can't be fetched: ENOENT/);
    expect(said[3]).toMatch(/there is no file .*absent\.ts/);
    expect(said[4]).toContain('There is no cluster "none"');
    expect(said[5]).toContain('the arguments are a JSON array');
    expect(said[6]).toContain('there is no state in');
    // None of it is our fault, so none of it shows where in our code it was found.
    expect(said.filter(text => /^\s+at /m.test(text))).toEqual([]);
  }, 60_000);
});
