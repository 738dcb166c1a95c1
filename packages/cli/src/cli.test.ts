import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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

/** Code of a counter, with some more methods. */
const writeBundle = (name: string, more: string): string => {
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
        ${more}
      });
    };
    return { buildRootObject };
  }`;
  const imports = ['@endo/far', '@agoric/vat-data'];
  writeFileSync(
    inFolder(name),
    JSON.stringify({ moduleFormat: 'cooperageScript', source, imports }),
  );
  return inFolder(name);
};

const writeBetterCounter = (): string =>
  writeBundle('better-bundle.json', "describe: () => 'a better counter',");

/** A cluster of one counter whose bundle lies beside its config. */
const writeCounter = (): string => {
  writeBundle('counter-bundle.json', '');
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
const startRun = async (file: string, state: string, ...more: string[]) => {
  const child = spawn(
    process.execPath,
    [COMMAND, 'run', file, '--state', state, ...more],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  // Not 'exit', which may come before its last words.
  const exited = once(child, 'close');
  const said: string[] = [];
  const lines = createInterface({ input: child.stderr });
  const ended = once(lines, 'close');
  /** Resolves when a line with these words has been said. */
  const hear = async (words: string): Promise<void> => {
    while (!said.some(line => line.includes(words))) {
      await Promise.race([
        once(lines, 'line'),
        ended.then(() => {
          throw Error(said.join('\n'));
        }),
      ]);
    }
  };
  lines.on('line', line => said.push(line));
  await hear('running;');
  return {
    said,
    hear,
    end: async (signal: 'SIGKILL' | 'SIGINT'): Promise<unknown> => {
      child.kill(signal);
      const [code] = await exited;
      return code;
    },
  };
};

beforeAll(() => {
  execFileSync(process.execPath, [here('../build.mjs')]);
}, 240_000);
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
      /^demo \(c1\)\n[^]*storage: [\d.]+ \w+ are stored and [\d.]+ \w+ are left \(\d+ % full\)\n$/,
    );
    expect(await cooperage('check', '--state', state)).toMatchObject({
      code: 0,
      answer: expect.stringMatching(
        /^\d files? \([\d,]+ bytes\) looked through: all sound\nwritten by cooperage [\d.]+, liveslots [\d.]+\n$/,
      ),
    });
    const saved = inFolder('demo.backup');
    expect((await cooperage('backup', saved, '--state', state)).code).toBe(0);
    expect(readdirSync(join(state, 'backups'))).toEqual([]);
    expect(await cooperage('restore', saved, '--state', state)).toMatchObject({
      code: 1,
      said: expect.stringContaining('is not empty'),
    });
    expect(await second.end('SIGINT')).toBe(0);
    expect(second.said.at(-1)).toBe('stopped');
    expect((await cooperage('status', '--state', state)).answer).toMatch(
      /^demo \(c1\)\n {2}alice \(v1\), asleep, incarnation \d+, root ko1, 0 waiting\n/,
    );
  }, 240_000);

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
    const improve = (...args: string[]): Promise<Outcome> =>
      cooperage('upgrade', 'count', 'counter', ...args, ...place);
    expect(await improve(writeBetterCounter())).toMatchObject({
      code: 0,
      answer: expect.stringMatching(
        /^count\.counter runs as incarnation \d+\n$/,
      ),
    });
    expect(JSON.parse((await call('add')).answer)).toEqual({ count: 10 });
    expect((await call('describe')).answer).toBe('"a better counter"\n');
    const saved = inFolder('count.backup');
    expect(await cooperage('backup', saved, ...place)).toMatchObject({
      code: 0,
      answer: expect.stringMatching(/: 2 files, [\d,]+ bytes\n$/),
    });
    expect(await cooperage('backup', saved, ...place)).toMatchObject({
      code: 1,
      said: expect.stringContaining('exists already'),
    });
    expect(JSON.parse((await call('add')).answer)).toEqual({ count: 12 });
    const copy = ['--state', inFolder('count-restored')];
    expect((await cooperage('restore', saved, ...copy)).code).toBe(0);
    const there = await cooperage('call', 'count', 'counter', 'add', ...copy);
    expect(JSON.parse(there.answer)).toEqual({ count: 12 });
    const bad = await improve(inFolder('counter.json'), '--parameters', '{}');
    expect(bad).toMatchObject({
      code: 1,
      said: expect.stringContaining('a bundle is a JSON object with'),
    });
    expect((await call('large')).answer).toBe(`${2n ** 70n}n\n`);
    const status = await cooperage('status', '--json', ...place);
    expect(JSON.parse(status.answer)).toMatchObject({
      state: 'running',
      clusters: [{ name: 'count', vats: [{ name: 'counter' }] }],
    });
  }, 240_000);

  it('stops at once on Ctrl-C though a vat may spin for an hour', async () => {
    const state = inFolder('spinner');
    writeBundle(
      'spinner-bundle.json',
      `spin: () => { for (;;); },
       start() {
         console.log('about to spin');
         imports['@endo/far'].E(this).spin();
       },`,
    );
    const file = inFolder('spinner.json');
    writeFileSync(
      file,
      JSON.stringify({
        name: 'spinner',
        vats: {
          spinner: {
            bundle: { url: 'spinner-bundle.json' },
            parameters: { step: 1 },
            deadline: 3_600_000,
          },
        },
      }),
    );
    const first = await startRun(file, state);
    const calling = cooperage(
      ...['call', 'spinner', 'spinner', 'start', '--state', state],
    );
    await first.hear('spinner: about to spin');
    expect(await first.end('SIGINT')).toBe(0);
    expect(first.said.slice(-2)).toEqual(['stopping', 'stopped']);
    expect((await calling).code).toBe(1);
  }, 240_000);

  it('takes as settings only what makes sense, and says what does', async () => {
    const place = ['--state', inFolder('settings')];
    const start = (...settings: string[]): Promise<Outcome> =>
      cooperage('run', writeCounter(), '--once', ...settings, ...place);
    const bad = await Promise.all([
      start('--parallel', '0'),
      start('--parallel', 'two'),
      start('--epoch-cranks', '1.5'),
      start('--epoch-milliseconds', '-1'),
    ]);
    expect(bad.map(({ code }) => code)).toEqual(bad.map(() => 1));
    expect(bad[0]?.said).toContain(
      "'--parallel <vats>' argument '0' is invalid",
    );
    expect(bad[0]?.said).toContain('a whole number from 1 to 1,000');
    const settings = '--parallel 1 --epoch-cranks 1 --epoch-milliseconds 5';
    expect((await start(...settings.split(' '))).code).toBe(0);
  }, 240_000);

  it('finds a damaged file of a vat, and runs the other vats', async () => {
    const state = inFolder('damaged');
    const place = ['--state', state];
    await cooperage('run', writeCounter(), '--once', ...place);
    await cooperage('run', DEMO, '--once', ...place);
    expect((await cooperage('check', ...place)).code).toBe(0);
    const path = join(state, 'vat-v1.sqlite');
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0, 4096));

    expect(await cooperage('check', ...place)).toMatchObject({
      code: 1,
      said: expect.stringMatching(
        /files looked through: one vat has a file that can’t be used\nv1: .*vat-v1\.sqlite is damaged .*Restore a backup, or terminate the vat/,
      ),
    });
    expect(
      await cooperage('call', 'count', 'counter', 'add', ...place),
    ).toMatchObject({
      code: 1,
      said: expect.stringContaining('vat-v1.sqlite is damaged'),
    });
    expect(
      (await cooperage('call', 'demo', 'bob', 'hello', '["x"]', ...place))
        .answer,
    ).toBe('"Hello x, this is bob."\n');
    expect((await cooperage('status', ...place)).answer).toMatch(
      /counter \(v1\), failed, .*vat-v1\.sqlite is damaged/,
    );

    // With the kernel's own file no command opens the folder, and none changes what is in it.
    const damaged = join(state, 'kernel.sqlite');
    writeFileSync(damaged, readFileSync(damaged).fill(0, 4096));
    const readAll = () =>
      readdirSync(state)
        .filter(name => name.endsWith('.sqlite'))
        .map(name => [name, readFileSync(join(state, name), 'latin1')]);
    const before = readAll();
    for (const words of [
      ['status'],
      ['backup', inFolder('damaged.cooperage')],
      ['run', DEMO, '--once'],
    ]) {
      expect(await cooperage(...words, ...place)).toMatchObject({
        code: 1,
        said: expect.stringMatching(
          /^storage failed to open .*: the file is damaged .*Restore a backup/,
        ),
      });
    }
    expect(readAll()).toEqual(before);
    renameSync(state, `${state}-before`);
    expect((await cooperage('run', DEMO, '--once', ...place)).code).toBe(0);
  }, 240_000);

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
  }, 240_000);
});
