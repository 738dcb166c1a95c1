import { signal } from '@preact/signals';
import { expect, test } from 'vitest';
import type { KernelStatus } from '@cooperage/protocol';
import { emptyStatus } from '../testing/fake-kernel.ts';
import { fileOf, makeSlowFile } from '../testing/files.ts';
import { makeLaunching, type LaunchPorts } from './launching.ts';
import { noMemory, type Memory } from './memory.ts';
import { nameFromOrigin } from './read-config.ts';
import type { Sites } from './sites.ts';

const setUp = (
  ports: Partial<LaunchPorts> = {},
  names: readonly string[] = [],
  {
    request = async () => true,
    memory = noMemory,
    answer = () => Promise.reject(new Error('buildRootObject threw: no')),
  }: {
    readonly request?: Sites['request'];
    readonly memory?: Memory;
    /** What the kernel answers to a launch. */
    readonly answer?: () => Promise<never>;
  } = {},
) => {
  const launched: unknown[] = [];
  const status = signal<KernelStatus | undefined>({
    ...emptyStatus,
    clusters: names.map(name => ({
      id: 'c1' as KernelStatus['clusters'][number]['id'],
      name,
      bootstrap: '',
      services: [],
      vats: [],
    })),
  });
  const launching = makeLaunching(
    {
      status,
      call: async (method, params) => {
        launched.push([method, params]);
        return answer();
      },
    },
    {
      fetchText: async () => '',
      compileModule: async () => ({ ok: true, bundleText: '{}' }),
      samplesUrl: 'https://x.example/samples.json',
      ...ports,
    },
    { sites: { request }, memory },
  );
  return { launching, launched };
};

const bundle = JSON.stringify({ moduleFormat: 'endoScript', source: '' });

test('makes a cluster of one vat out of a bundle, named after its file', async () => {
  const { launching } = setUp({}, ['counter']);
  await launching.draftFile(fileOf(bundle, 'counter.bundle.json'));
  expect([launching.name.value, launching.draft.value]).toEqual([
    'counter-2',
    {
      origin: 'counter.bundle.json',
      vats: ['main'],
      config: {
        name: 'counter',
        bootstrap: 'main',
        vats: { main: { bundle: { text: bundle } } },
      },
    },
  ]);
});

test('lists all problems of a config before anything is sent', async () => {
  const { launching, launched } = setUp();
  await launching.draftFile(fileOf('{"vats": {}, "extra": 1}', 'bad.json'));
  expect([launching.problems.value, launching.draft.value, launched]).toEqual([
    [
      'config: unknown field "extra" (known: name, bootstrap, services, bundles, vats)',
      'vats: is an object that names at least one vat',
      expect.stringContaining('bootstrap:'),
      expect.stringContaining('name:'),
    ],
    undefined,
    [],
  ]);
});

test('says where a file is not JSON', async () => {
  const { launching } = setUp();
  await launching.draftFile(fileOf('{\n  vats', 'bad.json'));
  expect(launching.problems.value).toEqual([
    expect.stringContaining('not JSON at line 2, column 3'),
  ]);
});

test('reads relative bundle URLs of a config from where the config lies', async () => {
  const { launching } = setUp({
    fetchText: async () =>
      JSON.stringify({ vats: { bob: { bundle: { url: './bob.json' } } } }),
  });
  await launching.draftUrl('https://y.example/clusters/demo.json');
  expect(launching.draft.value?.config).toEqual({
    name: 'bob',
    vats: { bob: { bundle: { url: 'https://y.example/clusters/bob.json' } } },
  });
});

test('shows why a URL can’t be read and keeps no draft', async () => {
  const { launching } = setUp({
    fetchText: async () => Promise.reject(new Error('no such host')),
  });
  await launching.draftUrl('https://nowhere.example/');
  expect([
    launching.problems.value,
    launching.draft.value,
    launching.busy.value,
  ]).toEqual([['no such host'], undefined, undefined]);
});

test('takes nothing that is read too late: after another choice, or after it was discarded', async () => {
  const answers: ((text: string) => void)[] = [];
  const { launching } = setUp({
    fetchText: () => new Promise(resolve => answers.push(resolve)),
  });
  const slow = launching.draftUrl('https://y.example/slow.json');
  expect(launching.busy.value).toBe('url');
  await launching.draftFile(fileOf(bundle, 'quick.json'));
  launching.setName('mine');
  answers[0]?.('no JSON');
  await slow;
  expect([
    launching.draft.value?.origin,
    launching.name.value,
    launching.problems.value,
    launching.busy.value,
  ]).toEqual(['quick.json', 'mine', [], undefined]);
  const again = launching.draftUrl('https://y.example/again.json');
  launching.discard();
  answers[1]?.(bundle);
  await again;
  expect(launching.draft.value).toBeUndefined();
});

test('shows a problem where it was asked for, until something else is', async () => {
  const { launching } = setUp();
  const seen = () => [launching.place.value, launching.problems.value.length];
  await launching.draftUrl('no URL');
  const atUrl = seen();
  await launching.draftFile(fileOf('{', 'bad.json'));
  const atFile = seen();
  await launching.draftSource('export {}', 'pasted');
  expect([atUrl, atFile, seen()]).toEqual([
    ['url', 1],
    ['file', 1],
    ['source', 0],
  ]);
});

test('keeps the compiler’s problem with its place', async () => {
  const problem = { ok: false, problem: 'oops', line: 3, column: 4 } as const;
  const { launching } = setUp({ compileModule: async () => problem });
  await launching.draftSource('x', 'pasted');
  expect([launching.sourceProblem.value, launching.draft.value]).toEqual([
    problem,
    undefined,
  ]);
});

test('launches under the chosen name, and keeps the draft when the kernel refuses', async () => {
  const { launching, launched } = setUp();
  await launching.draftFile(fileOf(bundle, 'a.json'));
  launching.setName('other');
  await launching.launch();
  expect([
    launched,
    launching.problems.value,
    launching.draft.value?.origin,
  ]).toEqual([
    [
      [
        'launch',
        {
          config: {
            name: 'other',
            bootstrap: 'main',
            vats: { main: { bundle: { text: bundle } } },
          },
        },
      ],
    ],
    ['buildRootObject threw: no'],
    'a.json',
  ]);
});

test('does not launch under a name that is taken', async () => {
  const { launching, launched } = setUp({}, ['taken']);
  await launching.draftFile(fileOf(bundle, 'a.json'));
  launching.setName('taken');
  await launching.launch();
  expect([launched, launching.check()]).toEqual([
    [],
    ['name: a cluster called taken is running already'],
  ]);
});

test.each([
  ['https://x.example/a/reports v2.bundle.json?x=1', 'reports-v2'],
  ['9.json', 'cluster'],
  ['mint.ts', 'mint'],
])('names a cluster from %s', (origin, name) => {
  expect(nameFromOrigin(origin)).toBe(name);
});

const reader = JSON.stringify({
  name: 'reader',
  bootstrap: 'main',
  services: ['timer', { service: 'fetch', hosts: ['a.org', '*.b.org'] }],
  vats: { main: { bundle: { text: bundle } } },
});

test('asks the browser for the sites of a fetch in the same turn as the press, and launches nothing without them', async () => {
  const asked: (readonly string[])[] = [];
  let isAllowed = false;
  const { launching, launched } = setUp({}, [], {
    request: async sites => {
      asked.push(sites);
      return isAllowed;
    },
  });
  await launching.draftFile(fileOf(reader, 'reader.json'));
  const launch = launching.launch();
  // Pressed twice, it is asked once.
  await launching.launch();
  // Later the browser would not take it for the person's own deed.
  expect(asked).toEqual([['https://a.org/*', 'https://*.b.org/*']]);
  await launch;
  expect([launched, launching.problems.value]).toEqual([
    [],
    [expect.stringContaining('from https://a.org, https://*.b.org, and you')],
  ]);
  isAllowed = true;
  await launching.launch();
  expect(launched).toHaveLength(1);
});

test('goes on with the draft when the question of the browser has closed the popup', async () => {
  const texts = new Map<string, string>();
  const memory: Memory = {
    read: key => texts.get(key),
    write: (key, text) => void texts.set(key, text),
  };
  const closed = setUp({}, [], {
    memory,
    request: () => new Promise(() => {}),
  });
  await closed.launching.draftFile(fileOf(reader, 'reader.json'));
  closed.launching.setName('mine');
  void closed.launching.launch();
  const { launching } = setUp({}, [], { memory });
  expect([launching.name.value, launching.draft.value?.vats]).toEqual([
    'mine',
    ['main'],
  ]);
  // Once: whoever cancels it has done with it.
  expect(setUp({}, [], { memory }).launching.draft.value).toBeUndefined();
});

test('an answered question that nobody wants any more launches nothing, and the memory forgets the draft', async () => {
  const texts: string[] = [];
  let answer: (isAllowed: boolean) => void = () => {};
  const { launching, launched } = setUp({}, [], {
    memory: { read: () => undefined, write: (_key, text) => texts.push(text) },
    request: () =>
      new Promise(resolve => {
        answer = resolve;
      }),
  });
  for (const isAllowed of [true, false]) {
    await launching.draftFile(fileOf(reader, 'reader.json'));
    const launch = launching.launch();
    expect(launching.isAsking.value).toBe(true);
    launching.discard();
    expect([launching.isAsking.value, texts.at(-1)]).toEqual([false, 'null']);
    answer(isAllowed);
    await launch;
  }
  expect([
    launched,
    launching.problems.value,
    launching.failures.value,
  ]).toEqual([[], [], []]);
});

test('what was chosen while the browser asks does not hold up the launch, nor is it taken back with the other draft', async () => {
  let answer: (isAllowed: boolean) => void = () => {};
  const { launching, launched } = setUp({}, [], {
    request: () =>
      new Promise(resolve => {
        answer = resolve;
      }),
  });
  await launching.draftFile(fileOf(reader, 'reader.json'));
  const launch = launching.launch();
  await launching.draftFile(fileOf(bundle, 'other.json'));
  launching.discard();
  answer(true);
  await launch;
  expect(launched).toHaveLength(1);
});

test('a launch that fails after another choice is told of by its name until that is dismissed', async () => {
  let onSent: (fail: (problem: Error) => void) => void = () => {};
  const { launching } = setUp({}, [], {
    answer: () => new Promise((_resolve, reject) => onSent(reject)),
  });
  const failAfter = async (deed: () => unknown, problem: string) => {
    await launching.draftFile(fileOf(bundle, 'first.json'));
    const sent = new Promise<(problem: Error) => void>(resolve => {
      onSent = resolve;
    });
    const launch = launching.launch();
    const fail = await sent;
    await deed();
    fail(new Error(problem));
    await launch;
  };
  await failAfter(
    () => launching.draftFile(fileOf(bundle, 'second.json')),
    'no room',
  );
  expect([launching.draft.value?.origin, launching.problems.value]).toEqual([
    'second.json',
    [],
  ]);
  // Once it is sent, to close its form is no more than that.
  await failAfter(launching.discard, 'no way');
  expect(launching.failures.value).toEqual([
    { id: 1, name: 'first', problem: 'no room' },
    { id: 2, name: 'first', problem: 'no way' },
  ]);
  for (const failure of launching.failures.value) {
    launching.dismiss(failure);
  }
  expect(launching.failures.value).toEqual([]);
});

test('a file that is read late replaces no newer choice', async () => {
  const { launching } = setUp();
  const slow = makeSlowFile('slow.json');
  const reading = launching.draftFile(slow.file);
  launching.draftSample({
    title: 'Counter',
    description: '',
    config: JSON.parse(reader),
  });
  slow.give(bundle);
  await reading;
  expect([launching.draft.value?.origin, launching.busy.value]).toEqual([
    'Counter',
    undefined,
  ]);
});

test.each([
  ['NotFoundError', /^gone\.json can’t be read: it is not there any more/],
  ['NotReadableError', /^gone\.json can’t be read: it has changed since/],
  ['EncodingError', /^gone\.json can’t be read: An operation failed$/],
])(
  'a file that can’t be read (%s) says so where files are chosen',
  async (kind, words) => {
    const { launching } = setUp();
    const gone = makeSlowFile('gone.json');
    gone.fail(kind);
    await launching.draftFile(gone.file);
    expect([launching.place.value, launching.busy.value]).toEqual([
      'file',
      undefined,
    ]);
    expect(launching.problems.value).toEqual([expect.stringMatching(words)]);
  },
);
