import { describe, expect, it } from 'vitest';
import { DEFAULT_VAT_LIMITS } from '@cooperage/protocol';
import { makeManualClock } from '../testing/manual-clock.ts';
import { call, makeServiceStage } from '../testing/service-stage.ts';
import { end } from '../testing/stage.ts';
import { MOST_LINES } from './console.ts';

const makeConsoleStage = async () => {
  const { clock, advance } = makeManualClock();
  const stage = await makeServiceStage(['bob'], ['console'], {
    clock,
    collectMilliseconds: Infinity,
    // Many calls come in one turn.
    isChecked: false,
    limits: { ...DEFAULT_VAT_LIMITS, logUnits: 40 },
  });
  const console = await stage.refer('console');
  const { rig } = stage;
  return {
    ...stage,
    console,
    advance,
    lines: () => rig.logs.filter(({ label }) => label === 'demo console'),
    /** Says so many lines; nobody waits for the answers. */
    write: (count: number) =>
      stage.say(
        ...Array.from({ length: count }, () => call(console, 'log', ['again'])),
      ),
  };
};

describe('a console', () => {
  it('writes a line of each level into the log, under the name of its cluster', async () => {
    const stage = await makeConsoleStage();
    for (const level of ['debug', 'info', 'log', 'warn', 'error']) {
      const answer = await stage.ask(
        stage.console,
        level,
        ['the', level, ['+1', '$0']],
        stage.root('bob'),
      );
      expect(stage.told(answer)).toMatchObject({ value: '#undefined' });
    }
    expect(stage.lines()).toEqual(
      ['debug', 'info', 'log', 'warn', 'error'].map(level => ({
        at: 1_000_000,
        vat: null,
        label: 'demo console',
        level,
        text: `the ${level} [ 1n, [object ko2] ]`,
      })),
    );
    await end(stage);
  });

  it('has these methods and no others', async () => {
    const stage = await makeConsoleStage();
    const refused = await stage.ask(stage.console, 'table');
    expect(stage.told(refused)).toMatchObject({
      isRejected: true,
      value: {
        '#error':
          'console has no method "table"; it has debug, info, log, warn, error',
        name: 'TypeError',
      },
    });
    await end(stage);
  });

  it('writes the beginning of a line that is too long, and no half of a character', async () => {
    const stage = await makeConsoleStage();
    const before = await stage.ask(stage.console, 'log', ['']);
    expect(stage.told(before)).toMatchObject({ isRejected: false });
    await stage.ask(stage.console, 'log', [`${'x'.repeat(39)}\u{1F600}`]);
    expect(stage.lines().map(({ text }) => text)).toEqual([
      '',
      `${'x'.repeat(39)}\uFFFD`,
    ]);
    await end(stage);
  });

  it('refuses a line above a thousand in ten seconds, and takes them again after that', async () => {
    const stage = await makeConsoleStage();
    await stage.write(MOST_LINES - 1);
    stage.advance(9_999);
    const last = await stage.ask(stage.console, 'warn', ['the last']);
    expect(stage.told(last)).toMatchObject({ isRejected: false });
    const refused = await stage.ask(stage.console, 'warn', ['too much']);
    expect(stage.told(refused)).toMatchObject({
      isRejected: true,
      value: {
        '#error':
          '1000 lines in 10000 milliseconds are written, and no more may',
        name: 'RangeError',
      },
    });
    expect(stage.lines()).toHaveLength(MOST_LINES);
    stage.advance(1);
    await stage.write(1);
    expect(stage.lines()).toHaveLength(MOST_LINES + 1);
    await end(stage);
  });

  it('has what is left of its lines when some vat ends meanwhile, and all of them later', async () => {
    const stage = await makeConsoleStage();
    await stage.write(MOST_LINES);
    const endVat = async (cluster: string): Promise<void> => {
      await stage.launch(cluster, 'other');
      await stage.client.rpc.call('terminate', { cluster, vat: 'other' });
      await stage.settle();
    };
    await endVat('one');
    await stage.write(1);
    expect(stage.lines()).toHaveLength(MOST_LINES);
    stage.advance(10_000);
    await endVat('two');
    await stage.write(1);
    expect(stage.lines()).toHaveLength(MOST_LINES + 1);
    await end(stage);
  });
});
