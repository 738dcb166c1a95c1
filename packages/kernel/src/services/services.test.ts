import { describe, expect, it } from 'vitest';
import { realClock } from '../testing/rig.ts';
import { call, makeServiceStage, toldOf } from '../testing/service-stage.ts';
import { dataOf, end, subscribe, vref } from '../testing/stage.ts';

const GRANTS = [
  'timer',
  'console',
  'revocation',
  { service: 'timer', as: 'clock' },
];

describe('the services of a kernel', () => {
  it('are objects of a cluster that was granted them, one for grants that say the same', async () => {
    const stage = await makeServiceStage([], GRANTS);
    const { serviceObjects, objects } = stage.rig.kernel.state;
    expect(
      [...serviceObjects.values()].map(({ kref, ...row }) => ({
        ...row,
        owner: objects.get(kref)?.owner,
      })),
    ).toEqual(
      [
        ['timer', ''],
        ['console', 'demo'],
        ['revocation', ''],
      ].map(([kind = '', data]) => ({
        ...{ kind, data, maker: null, cluster: null, owner: `@${kind}` },
        units: expect.any(Number),
      })),
    );
    await end(stage);
  });

  it('are known by name, and no other is granted', async () => {
    const stage = await makeServiceStage([], GRANTS);
    await expect(
      stage.client.rpc.call('launch', {
        config: {
          name: 'other',
          services: ['timer', 'teleport'],
          vats: { alice: { bundle: { text: '' } } },
        },
      }),
    ).rejects.toMatchObject({
      code: 'SERVICE_UNKNOWN',
      message:
        'There is no service "teleport": this kernel offers timer, console, revocation, vatAdmin',
    });
    await end(stage);
  });

  it.each<[string, unknown, string]>([
    [
      'a method that it has not',
      ['table', []],
      'console has no method "table"; it has debug, info, log, warn, error',
    ],
    [
      'what is a method of every object',
      ['toString', []],
      'console has no method "toString"; it has debug, info, log, warn, error',
    ],
    [
      'a method with a long name',
      ['x'.repeat(100), []],
      `console has no method "${'x'.repeat(80)}"; it has debug, info, log, warn, error`,
    ],
    [
      'a method without a name',
      [7, []],
      'console has no method of that name; it has debug, info, log, warn, error',
    ],
    [
      'nothing at all',
      'log',
      'console has no method of that name; it has debug, info, log, warn, error',
    ],
    ['no arguments', ['log'], 'the arguments are no list'],
    ['arguments that are no list', ['log', 7], 'the arguments are no list'],
  ])('refuse a call of %s, in words', async (_what, sent, problem) => {
    const stage = await makeServiceStage([], ['console']);
    const target = vref(await stage.refer('console'));
    await stage.say(
      ['send', target, { methargs: dataOf(sent), result: vref('p+1') }],
      subscribe('p+1'),
    );
    expect(toldOf(stage.client.deliveries, 'p+1')).toEqual({
      isRejected: true,
      value: { '#error': problem, name: 'TypeError' },
      slots: [],
    });
    expect(stage.rig.logs.map(({ label }) => label)).not.toContain(
      'demo console',
    );
    await end(stage);
  });

  it('answer two hundred calls in one turn of the kernel, and the others in later ones', async () => {
    let cranks = 0;
    /** Cranks before each turn that was asked for. */
    const turns: number[] = [];
    const stage = await makeServiceStage([], ['console'], {
      isChecked: false,
      afterCrank: () => {
        cranks += 1;
      },
      clock: {
        ...realClock,
        soon: callback =>
          realClock.soon(() => {
            turns.push(cranks);
            callback();
          }),
      },
    });
    const console = await stage.refer('console');
    const lines = () =>
      stage.rig.logs.filter(({ label }) => label === 'demo console').length;
    await stage.say(call(console, 'log', ['first']));
    turns.length = 0;
    cranks = 0;
    stage.client.send(
      ...Array.from({ length: 450 }, () => call(console, 'log', ['again'])),
    );
    for (let round = 0; round < 20 && lines() < 451; round += 1) {
      await stage.settle();
    }
    expect(lines()).toBe(451);
    turns.push(cranks);
    const shares = turns.map((count, at) => count - (turns[at - 1] ?? 0));
    expect(cranks).toBeGreaterThanOrEqual(450);
    // What is sent together is taken in a crank of its own.
    expect(Math.max(...shares)).toBeLessThanOrEqual(201);
    expect(Math.max(...shares)).toBeGreaterThanOrEqual(199);
    await end(stage);
  });
});
