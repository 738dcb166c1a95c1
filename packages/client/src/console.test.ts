import './lockdown.ts';
import {
  makeClusterId,
  makeVatId,
  type KernelStatus,
  type Kref,
} from '@cooperage/protocol';
import { Far } from '@endo/far';
import { expect, test } from 'vitest';
import { makeConsole, type ClientConsole } from './console.ts';
import { makeWorld, type Remote } from './test/world.ts';

const turn = () => new Promise<void>(resolve => setImmediate(resolve));

const refusal = (code: string, message: string): Error =>
  Object.assign(Error(message), { code });

/** A kernel with one cluster, `demo`, whose vats are objects of a client beside it. */
const makeDemo = async () => {
  const world = makeWorld();
  const host = await world.addClient();
  const publish = async (object: object): Promise<Kref> => {
    await world.introduce(host, host, object);
    return world.kernel.echoed()[0]!;
  };
  const alice = await publish(
    Far('Alice', { hi: () => 'hi', friend: () => bobObject }),
  );
  const bobObject = Far('Bob', { hello: (text: string) => `hello ${text}` });
  const bob = await publish(bobObject);
  const roots: Record<string, Kref> = { alice, bob };
  const kept = new Map<string, Kref>();
  const calls: unknown[] = [];
  let isRunning = true;

  const state = (): KernelStatus => ({
    state: 'running',
    version: 1,
    clusters: isRunning
      ? [
          {
            id: makeClusterId(1),
            name: 'demo',
            bootstrap: 'alice',
            services: [],
            vats: Object.entries(roots).map(([name, root], index) => ({
              id: makeVatId(index + 1),
              name,
              state: 'running',
              incarnation: 1,
              bundleHash: '',
              root,
              waiting: 0,
            })),
          },
        ]
      : [],
    launches: [],
    home: [...kept].map(([name, kref]) => ({ name, kref })),
    sessions: 1,
    cranks: 0,
    commits: 0,
    sql: { statements: 0, rows: 0, bytes: 0 },
  });

  type Connection = ReturnType<typeof world.makeConnection>;
  const connections: Connection[] = [];
  let isReachable = true;
  const connect: Parameters<
    typeof makeConsole
  >[0]['connect'] = async onNotify => {
    if (!isReachable) throw Error('no offscreen document');
    const connection: Connection = world.makeConnection({
      subscribe: state,
      status: state,
      launch: params => {
        calls.push(params);
        const { config } = params as { config: { name?: string } };
        if (config.name !== 'demo')
          throw refusal('BAD_CONFIG', 'name: undefined is no name');
        return { cluster: 'c1', name: 'demo', vats: roots };
      },
      reference: params => {
        const request = params as {
          cluster?: string;
          vat?: string;
          kref?: Kref;
        };
        const kref = request.kref ?? roots[request.vat ?? 'alice'];
        if (kref === undefined || (request.cluster ?? 'demo') !== 'demo') {
          throw refusal('VAT_UNKNOWN', `no vat ${request.vat}`);
        }
        return {
          vref: connection.kernelSide().reference(kref),
          iface: 'Alleged: root',
        };
      },
      keep: params => {
        const { name, vref } = params as { name: string; vref: never };
        kept.set(name, connection.kernelSide().krefOf(vref)!);
        connection.notify('state', state());
        return null;
      },
      forget: params => {
        kept.delete((params as { name: string }).name);
        connection.notify('state', state());
        return null;
      },
      terminate: params => {
        calls.push(params);
        isRunning = false;
        connection.notify('state', state());
        return null;
      },
      restart: params => {
        calls.push(params);
        return null;
      },
      upgrade: params => {
        calls.push(params);
        return { incarnation: 2 };
      },
      inspect: params => {
        calls.push(params);
        return {
          kind: 'object',
          kref: bob,
          iface: null,
          name: 'demo.bob',
          exporter: null,
          exportedAs: null,
          holders: { items: [], leftOut: 0 },
          counts: { reachable: 0, recognizable: 0 },
          life: { state: 'unheld' },
        };
      },
    });
    connections.push(connection);
    return connection.connect(onNotify);
  };
  const { E, kernel, home, close } = makeConsole({ connect }) as ClientConsole;
  return {
    E,
    kernel,
    home,
    close,
    connections,
    calls,
    bob,
    setReachable: (value: boolean) => {
      isReachable = value;
    },
  };
};

test('connects with the first use, and not before', async () => {
  const { E, kernel, connections } = await makeDemo();
  expect(connections).toHaveLength(0);
  expect((await E(kernel).status()).state).toBe('running');
  expect((await E(kernel).clusters()).map(({ name }) => name)).toEqual([
    'demo',
  ]);
  expect(connections).toHaveLength(1);
});

test('two first uses at once share one session', async () => {
  const { E, kernel, connections } = await makeDemo();
  await Promise.all([E(kernel).status(), E(kernel).root('demo')]);
  expect(connections).toHaveLength(1);
});

test('launch gives presences of the roots, from an object or from JSON', async () => {
  const { E, kernel } = await makeDemo();
  for (const config of [{ name: 'demo' }, '{"name":"demo"}']) {
    const { name, cluster, root, vats } = await E(kernel).launch(config);
    expect([name, cluster, Object.keys(vats)]).toEqual([
      'demo',
      'c1',
      ['alice', 'bob'],
    ]);
    expect(root).toBe(vats['alice']);
    expect(await E(vats['bob'] as Remote).hello!('x')).toBe('hello x');
  }
});

test('errors have the code and the words of the kernel', async () => {
  const { E, kernel } = await makeDemo();
  await expect(E(kernel).launch({})).rejects.toMatchObject({
    code: 'BAD_CONFIG',
    message: 'name: undefined is no name',
  });
  await expect(E(kernel).launch('{')).rejects.toMatchObject({
    code: 'BAD_CONFIG',
  });
  await expect(E(kernel).root('demo', 'eve')).rejects.toMatchObject({
    code: 'VAT_UNKNOWN',
  });
  await expect(E(kernel).reference('x')).rejects.toMatchObject({
    code: 'BAD_REQUEST',
  });
});

test('terminate, restart, upgrade, reference and help do what they say', async () => {
  const { E, kernel, calls, bob } = await makeDemo();
  await E(kernel).restart('demo');
  await E(kernel).restart('demo', 'bob');
  const bundle = { url: 'bundles/bob.json' };
  expect(await E(kernel).upgrade('demo', 'bob', bundle)).toEqual({
    incarnation: 2,
  });
  await E(kernel).upgrade('demo', 'bob', bundle, { parameters: { a: 1 } });
  await E(kernel).terminate('demo');
  expect(calls).toEqual([
    { cluster: 'demo' },
    { cluster: 'demo', vat: 'bob' },
    { cluster: 'demo', vat: 'bob', bundle },
    { cluster: 'demo', vat: 'bob', bundle, parameters: { a: 1 } },
    { cluster: 'demo' },
  ]);
  expect(await E((await E(kernel).reference(bob)) as Remote).hello!('k')).toBe(
    'hello k',
  );
  expect(await E(kernel).help()).toContain('E(kernel).launch(config)');
});

test('inspect takes a presence, a kref, an id or a name, and gives a presence only where there is one', async () => {
  const { E, kernel, calls, bob } = await makeDemo();
  const before = await E(kernel).inspect(bob);
  expect(before).toMatchObject({ kref: bob, name: 'demo.bob' });
  expect(before).not.toHaveProperty('object');
  const presence = await E(kernel).root('demo', 'bob');
  for (const subject of [presence, 'v2', 'demo.bob', 'demo', ' kp3 ']) {
    expect(await E(kernel).inspect(subject)).toMatchObject({
      object: presence,
    });
  }
  expect(calls).toEqual([
    { kref: bob },
    { vref: expect.stringMatching(/^o-/) },
    { endpoint: 'v2' },
    { cluster: 'demo', vat: 'bob' },
    { cluster: 'demo' },
    { kref: 'kp3' },
  ]);
  for (const subject of ['eve', 7, Far('unsent', {}), undefined]) {
    await expect(E(kernel).inspect(subject)).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining('is nothing that can be looked at'),
    });
  }
});

test('home works before any connection, and synchronously once its names are known', async () => {
  const { E, kernel, home } = await makeDemo();
  expect(await E(home['demo'] as Remote).hi!()).toBe('hi');
  expect(Object.keys(home)).toEqual(['demo']);
  expect(home['demo']).toBe(await E(kernel).root('demo'));
  expect(home['nothing']).toBeUndefined();
  expect('demo' in home).toBe(true);
  expect(await home).toBe(home);
});

test('home names what it has when a first access asks for something else', async () => {
  const { home } = await makeDemo();
  await expect(home['nothing']).rejects.toThrow(
    'home has no "nothing"; it has: demo',
  );
});

test('home follows the kernel: kept and forgotten objects, ended clusters', async () => {
  const { E, kernel, home } = await makeDemo();
  const bob = await E(kernel).root('demo', 'bob');
  await E(kernel).keep('friend', bob);
  await turn();
  expect(Object.keys(home)).toEqual(['demo', 'friend']);
  expect(home['friend']).toBe(bob);
  await E(kernel).forget('friend');
  await E(kernel).terminate('demo');
  expect(Object.keys(home)).toEqual([]);
  expect(() => {
    home['x'] = 1;
  }).toThrow(/use E\(kernel\)\.keep/);
});

test('keep refuses what is no presence of this session', async () => {
  const { E, kernel } = await makeDemo();
  const badRequest = { code: 'BAD_REQUEST' };
  await expect(E(kernel).keep('me', Far('me', {}))).rejects.toMatchObject(
    badRequest,
  );
  await expect(E(kernel).keep('me', Promise.resolve({}))).rejects.toMatchObject(
    badRequest,
  );
});

test('after a lost connection the next use opens a new session, and old presences say how to get new ones', async () => {
  const { E, kernel, home, connections } = await makeDemo();
  const old = (await E(kernel).root('demo', 'bob')) as Remote;
  connections[0]!.pair.cut();
  await turn();
  await expect(E(old).hello!('x')).rejects.toMatchObject({
    code: 'SESSION_CLOSED',
    message: expect.stringMatching(
      /get them again by E\(kernel\)\.root\(cluster, vat\) or home/,
    ),
  });
  expect(await E(home['demo'] as Remote).hi!()).toBe('hi');
  expect(connections).toHaveLength(2);
  const again = (await E(kernel).root('demo', 'bob')) as Remote;
  expect(again).not.toBe(old);
  expect(await E(again).hello!('y')).toBe('hello y');
  await expect(E(kernel).keep('old', old)).rejects.toMatchObject({
    code: 'BAD_REQUEST',
  });
});

test('a kernel that is out of reach is said so, and tried again with the next use', async () => {
  const { E, kernel, setReachable } = await makeDemo();
  setReachable(false);
  await expect(E(kernel).status()).rejects.toMatchObject({
    code: 'KERNEL_UNREACHABLE',
    message: expect.stringContaining('no offscreen document'),
  });
  setReachable(true);
  expect((await E(kernel).status()).state).toBe('running');
});

test('close ends the session, and a later use opens another', async () => {
  const { E, kernel, close, connections } = await makeDemo();
  const bob = (await E(kernel).root('demo', 'bob')) as Remote;
  close();
  await expect(E(bob).hello!('x')).rejects.toMatchObject({
    code: 'SESSION_CLOSED',
  });
  await E(kernel).status();
  expect(connections).toHaveLength(2);
});
