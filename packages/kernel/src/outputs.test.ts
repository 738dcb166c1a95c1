import { describe, expect, it } from 'vitest';
import { makeMemoryImage, openMemoryKernelDb } from './adapters/memory.ts';
import { makeOutputs } from './outputs.ts';
import { makePhase } from './phase.ts';
import { makeState } from './store/state.ts';
import { aroundCommits } from './testing/commits.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import {
  dataOf,
  fulfil,
  makeStage,
  send,
  subscribe,
  type Stage,
} from './testing/stage.ts';

const HOLD = 2;

const setScene = async () => {
  const { clock, advance } = makeManualClock();
  const stage = await makeStage(['alice', 'bob'], {
    clock,
    holdMilliseconds: HOLD,
    epochMilliseconds: 2 ** 30,
  });
  await stage.rig.kernel.idle();
  return { stage, advance };
};

const ask = (stage: Stage, name: string, promise: string) => [
  send(stage.root(name), 'ask', [], promise),
  subscribe(promise),
];
const answer = (stage: Stage, name: string) =>
  stage.finish(
    name,
    fulfil(String(Object(stage.flight(name))[2].result), dataOf(name)),
  );
const told = ({ client }: Stage) => client.deliveries.map(([kind]) => kind);
const commits = ({ rig }: Stage) => rig.kernel.status().commits;
const end = async (stage: Stage) => {
  await stage.client.rpc.call('terminate', { cluster: 'demo' });
  await stage.rig.kernel.stop();
};

describe('what is to leave', () => {
  it('leaves at once when no delivery is in flight', async () => {
    const { stage } = await setScene();
    await stage.say(...ask(stage, 'alice', 'p+1'));
    await answer(stage, 'alice');
    expect(told(stage)).toEqual(['notify']);
    await end(stage);
  });

  it('waits for a delivery that began after the last commit, and both leave by one commit', async () => {
    const { stage } = await setScene();
    const before = commits(stage);
    await stage.say(...ask(stage, 'alice', 'p+1'), ...ask(stage, 'bob', 'p+2'));
    await answer(stage, 'alice');
    expect(told(stage)).toEqual([]);
    await answer(stage, 'bob');
    expect(told(stage)).toEqual(['notify', 'notify']);
    expect(commits(stage)).toBe(before + 1);
    await end(stage);
  });

  it('waits so long and no longer, and is not held up again by the same delivery', async () => {
    const { stage, advance } = await setScene();
    await stage.say(...ask(stage, 'alice', 'p+1'), ...ask(stage, 'bob', 'p+2'));
    await answer(stage, 'alice');
    advance(HOLD - 1);
    expect(told(stage)).toEqual([]);
    advance(1);
    await stage.say();
    expect(told(stage)).toEqual(['notify']);
    // Bob is still at it: he may never end.
    await stage.say(...ask(stage, 'alice', 'p+3'));
    await answer(stage, 'alice');
    expect(told(stage)).toEqual(['notify', 'notify']);
    await answer(stage, 'bob');
    await end(stage);
  });
});

describe('an epoch', () => {
  it('begins anew after one in which nothing changed', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice', 'bob'], {
      clock,
      epochMilliseconds: 32,
    });
    await stage.rig.kernel.idle();
    await stage.say(...ask(stage, 'bob', 'p+1')); // at work, so that the kernel is not idle
    await stage.say(...ask(stage, 'alice', 'p+2'));
    await answer(stage, 'alice');
    await stage.say(); // what it has heard is forgotten
    advance(32);
    await stage.say(); // a crank that changes nothing
    advance(32);
    const before = commits(stage);
    await stage.say(send(stage.root('alice'), 'hear'));
    await stage.finish('alice');
    advance(32);
    expect(commits(stage)).toBe(before + 1);
    await answer(stage, 'bob');
    await end(stage);
  });

  it.each([
    { commitTakes: 0, lasts: 32 },
    { commitTakes: 5, lasts: 100 },
    { commitTakes: 40, lasts: 250 },
  ])(
    'lasts $lasts ms after a commit of $commitTakes ms',
    async ({ commitTakes, lasts }) => {
      const { clock, advance } = makeManualClock();
      let spent = 0;
      const stage = await makeStage(['alice', 'bob'], {
        clock: { ...clock, now: () => clock.now() + spent },
        epochMilliseconds: 32,
        wrap: platform =>
          aroundCommits(platform, {
            before: () => (spent += commitTakes),
            after: () => {},
          }),
      });
      await stage.rig.kernel.idle();
      await stage.say(...ask(stage, 'bob', 'p+1')); // at work, so that the kernel is not idle
      await stage.say(...ask(stage, 'alice', 'p+2'));
      await answer(stage, 'alice');
      const before = commits(stage);
      await stage.say(send(stage.root('alice'), 'hear'));
      await stage.finish('alice');
      advance(lasts - 1);
      expect(commits(stage)).toBe(before);
      advance(1);
      expect(commits(stage)).toBe(before + 1);
      await answer(stage, 'bob');
      await end(stage);
    },
  );
});

/** Outputs over tables of their own; turns come, and time passes, when they are told to. */
const makeBareOutputs = ({
  epochCranks = Infinity,
  inFlight = [],
}: { epochCranks?: number; inFlight?: readonly object[] } = {}) => {
  const db = openMemoryKernelDb(makeMemoryImage());
  const state = makeState(db);
  const phase = makePhase();
  const { clock, advance } = makeManualClock();
  const turns: (() => void)[] = [];
  const outputs = makeOutputs(state, {
    clock: { ...clock, soon: turn => void turns.push(turn) },
    phase,
    inFlight: () => inFlight,
    onCommit: () => {},
    epochCranks,
    epochMilliseconds: 1,
    holdMilliseconds: HOLD,
  });
  const takeTurns = (): void => turns.splice(0).forEach(turn => turn());
  const write = (): void => {
    state.store.begin();
    state.allot('position');
    state.store.keep();
  };
  /** A crank that writes. */
  const crank = (): void => {
    write();
    outputs.count();
  };
  const commits = (): number => db.counters.commits;
  return {
    ...{ state, phase, outputs, write, crank },
    ...{ turns, takeTurns, advance, commits },
  };
};

describe('an epoch of so many cranks', () => {
  it('commits in the next turn, once, whatever comes until then', () => {
    const { crank, turns, takeTurns, commits } = makeBareOutputs({
      epochCranks: 3,
    });
    crank();
    crank();
    expect(turns).toHaveLength(0);
    crank();
    crank();
    expect([turns.length, commits()]).toEqual([1, 0]);
    takeTurns();
    expect(commits()).toBe(1);
    crank();
    crank();
    expect(turns).toHaveLength(0);
    crank();
    takeTurns();
    expect(commits()).toBe(2);
  });

  it('leaves to the next one what comes behind a commit that came before its turn', () => {
    const { outputs, crank, write, takeTurns, commits } = makeBareOutputs({
      epochCranks: 2,
    });
    crank();
    crank();
    outputs.commitIfNeeded();
    write();
    takeTurns();
    expect(commits()).toBe(1);
  });

  it('does not last the longer for the cranks behind its first', () => {
    const { crank, advance, commits } = makeBareOutputs();
    crank();
    crank();
    advance(1);
    expect(commits()).toBe(1);
    advance(10);
    expect(commits()).toBe(1);
  });
});

describe('an output', () => {
  it('leaves also when nothing has been written since the last commit', () => {
    const { outputs, takeTurns } = makeBareOutputs();
    const left: string[] = [];
    outputs.leave(() => left.push('by itself'));
    outputs.commitIfNeeded();
    expect(left).toEqual(['by itself']);
    takeTurns();
    expect(left).toEqual(['by itself']);
  });

  it('asks for one turn with all that come before it, and for another behind it', () => {
    const { outputs, turns, takeTurns } = makeBareOutputs();
    const left: number[] = [];
    outputs.leave(() => left.push(1));
    outputs.leave(() => left.push(2));
    expect(turns).toHaveLength(1);
    takeTurns();
    outputs.leave(() => left.push(3));
    expect(turns).toHaveLength(1);
    takeTurns();
    expect(left).toEqual([1, 2, 3]);
  });

  it('is held once for all that wait with it, and nothing is held when all have left', () => {
    const { outputs, write, takeTurns, advance, commits } = makeBareOutputs({
      inFlight: [{}],
    });
    const left: number[] = [];
    outputs.leave(() => left.push(1));
    takeTurns();
    advance(HOLD - 1);
    outputs.leave(() => left.push(2));
    takeTurns();
    advance(1);
    expect(left).toEqual([1, 2]);
    const before = commits();
    write();
    outputs.leave(() => left.push(3));
    outputs.commitIfNeeded();
    takeTurns();
    write();
    advance(HOLD);
    expect([left, commits()]).toEqual([[1, 2, 3], before + 1]);
  });
});

describe('outputs that leave by one commit', () => {
  it('leave before those of a commit that one of them brings about', () => {
    const { outputs, write } = makeBareOutputs();
    const left: string[] = [];
    write();
    outputs.leave(() => {
      left.push('first');
      write();
      outputs.leave(() => left.push('fourth'));
      outputs.commitIfNeeded();
    });
    outputs.leave(() => left.push('second'));
    outputs.leave(() => left.push('third'));
    outputs.commitIfNeeded();
    expect(left).toEqual(['first', 'second', 'third', 'fourth']);
  });

  it('leave or are refused, each once, when one of them fails', () => {
    const { phase, outputs, write } = makeBareOutputs();
    const left: string[] = [];
    const refused: string[] = [];
    const add = (name: string, leave: () => void = () => {}): void =>
      outputs.leave(
        () => {
          left.push(name);
          leave();
        },
        () => refused.push(name),
      );
    write();
    add('first', () => {
      write();
      add('fourth');
      outputs.commitIfNeeded();
    });
    add('second', () => {
      throw Error('a fault');
    });
    add('third');
    phase.guard(outputs.commitIfNeeded);
    expect([left, refused]).toEqual([
      ['first', 'second'],
      ['third', 'fourth'],
    ]);
  });
});

describe('what rides with an epoch', () => {
  it('is called at once when all is committed, else right after the commit and before what leaves by it', () => {
    const { outputs, write } = makeBareOutputs();
    const seen: string[] = [];
    outputs.ride(() => seen.push('at once'));
    write();
    outputs.leave(() => seen.push('output'));
    outputs.ride(() => seen.push('rider'));
    expect(seen).toEqual(['at once']);
    outputs.commitIfNeeded();
    expect(seen).toEqual(['at once', 'rider', 'output']);
  });

  it('waits for the next commit when another rider has written meanwhile', () => {
    const { state, outputs, write } = makeBareOutputs();
    const dirty: boolean[] = [];
    write();
    outputs.ride(write);
    outputs.ride(() => dirty.push(state.store.dirty));
    outputs.commitIfNeeded();
    expect(dirty).toEqual([]);
    outputs.commitIfNeeded();
    expect(dirty).toEqual([false]);
  });

  it('is called when the kernel ends instead', () => {
    const { phase, outputs, write } = makeBareOutputs();
    let calls = 0;
    write();
    outputs.ride(() => {
      calls += 1;
    });
    phase.end('failed', Error('a fault'));
    expect(calls).toBe(1);
  });
});
