import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isExportVref,
  ROOT_VREF,
  type Delivery,
  type Syscall,
  type VatId,
  type Vref,
} from '@cooperage/protocol';
import { makeMemoryImage } from './adapters/memory.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import {
  makeModel,
  type Model,
  type ModelVat,
  type Token,
} from './testing/model.ts';
import type { Behavior, RawVat } from './testing/raw-vats.ts';
import { findDue } from './testing/recount.ts';
import { makeRig, RAW_BUNDLE } from './testing/rig.ts';
import type { State } from './store/state.ts';

/** Fewer when the tests themselves are tested: see scripts/mutation.mjs. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 400);

const NAMES = ['alice', 'bob', 'carol'];
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** Numbers that fast-check chose, one after the other; zeros when they are used up. */
const makeChoices = (numbers: readonly number[]) => {
  let index = 0;
  const choose = (below: number): number => {
    const number = numbers[index] ?? 0;
    index += 1;
    return number % below;
  };
  return {
    choose,
    pick: <Item>(items: readonly Item[]): Item | undefined =>
      items[choose(Math.max(1, items.length))],
    hasMore: () => index < numbers.length,
  };
};
type Choices = ReturnType<typeof makeChoices>;

const known = (vat: ModelVat, kind?: Token['kind']): Token[] =>
  [...vat.vrefs.keys()].filter(
    token => !vat.weak.has(token) && (!kind || token.kind === kind),
  );
const isOwn = (vat: ModelVat, token: Token): boolean =>
  isExportVref(vat.vrefs.get(token) as Vref);

const chooseSlots = (
  model: Model,
  vat: ModelVat,
  choices: Choices,
): Token[] => {
  const slots = new Set<Token>();
  for (let count = choices.choose(3); count > 0; count -= 1) {
    const kind = (['promise', 'object', 'durable'] as const)[choices.choose(3)];
    const fresh = choices.choose(3) === 0;
    const slot = fresh
      ? model.export(vat, kind ?? 'object')
      : choices.pick(known(vat));
    if (slot) {
      slots.add(slot);
    }
  }
  return [...slots];
};

/** What a vat does in one delivery, chosen at random, all of it legal. */
const chooseSyscalls = (
  model: Model,
  vat: ModelVat,
  choices: Choices,
): Syscall[] => {
  const syscalls: Syscall[] = [];
  for (let count = choices.choose(5); count > 0; count -= 1) {
    const decided = known(vat, 'promise').filter(
      each => each.decider === vat.id,
    );
    const act = choices.choose(8);
    if (act === 4) {
      const token = choices.pick(
        known(vat, 'object').filter(each => !isOwn(vat, each)),
      );
      syscalls.push(...(token ? model.drop(vat, token) : []));
    } else if (act === 5) {
      const token = choices.pick([...vat.weak]);
      syscalls.push(...(token ? model.retire(vat, token) : []));
    } else if (act === 6) {
      const token = choices.pick(
        known(vat, 'object').filter(
          each => isOwn(vat, each) && vat.vrefs.get(each) !== ROOT_VREF,
        ),
      );
      syscalls.push(...(token ? model.giveUp(vat, token) : []));
    } else if (act < 2) {
      const target = choices.pick(known(vat));
      if (target) {
        const slots = chooseSlots(model, vat, choices);
        syscalls.push(...model.send(vat, target, slots, choices.choose(3) > 0));
      }
    } else if (act === 2) {
      const token = choices.pick(decided);
      if (token) {
        const single = choices.choose(2) === 1;
        const objects = known(vat, 'object');
        const only = choices.pick(objects);
        const slots =
          single && only
            ? [only]
            : chooseSlots(model, vat, choices).filter(slot => slot !== token);
        const isRejected = choices.choose(4) === 0;
        syscalls.push(
          ...model.settle(vat, token, {
            isRejected,
            slots,
            single: single && only !== undefined,
          }),
        );
      }
    } else {
      const token = choices.pick(
        known(vat, 'promise').filter(
          each => each.decider !== vat.id && !vat.awaits.has(each),
        ),
      );
      const vref = token && vat.vrefs.get(token);
      if (token && vref) {
        vat.awaits.add(token);
        syscalls.push(['subscribe', vref]);
      }
    }
  }
  return syscalls;
};

/** What a vat does to leave nothing behind: it settles what it decides, hears what it can, and holds nothing. */
const chooseTidying = (model: Model, vat: ModelVat): Syscall[] => {
  const settled = { isRejected: false, slots: [], single: false };
  return [
    ...known(vat, 'promise')
      .filter(token => token.decider === vat.id)
      .flatMap(token => model.settle(vat, token, settled)),
    ...known(vat, 'promise')
      .filter(token => token.decider !== vat.id && !vat.awaits.has(token))
      .map((token): Syscall => {
        vat.awaits.add(token);
        return ['subscribe', vat.vrefs.get(token) as Vref];
      }),
    ...known(vat, 'object')
      .filter(token => !isOwn(vat, token))
      .flatMap(token => model.drop(vat, token)),
    ...[...vat.weak].flatMap(token => model.retire(vat, token)),
  ];
};

type Program = {
  readonly numbers: readonly number[];
  readonly parallel: number;
  /** How many heaps may be lost, vats end, and kernels be restarted. */
  readonly faults?: number;
  readonly ends?: number;
  readonly restarts?: number;
  readonly onFault?: 'restart' | 'suspend';
  /** What a person may order; when there are any, the client outside asks for answers. */
  readonly orders?: number;
};

/** What is done to a vat from outside; nobody waits for it. */
const ORDERS = [
  'pause',
  'unpause',
  'suspend',
  'resume',
  'restart',
  'upgrade',
  'upgrade',
  'evict',
  'evict',
  'terminate',
] as const;

/** One program against the kernel and the model. */
const makeProgram = async ({
  numbers,
  parallel,
  faults = 0,
  ends = 0,
  restarts = 0,
  onFault = 'restart',
  orders = 0,
}: Program) => {
  const asksForAnswers = orders > 0;
  const choices = makeChoices(numbers);
  const model = makeModel();
  const problems: string[] = [];
  const roots = NAMES.map(() => model.makeToken('object', null));
  const left = { faults, ends, restarts, orders };
  const seen = { atOnce: 0, starts: 0, told: 0, terminated: 0 };
  let answer: 'later' | 'plainly' | 'tidily' = 'later';

  const check = (delivery: Delivery, raw: RawVat): void => {
    const vat = model.vat(raw.id);
    const body = delivery[0] === 'message' ? delivery[2].methargs.body : '';
    if (delivery[0] === 'message' && body.startsWith('#["bootstrap"')) {
      model.ask(vat, delivery[2].result);
      delivery[2].methargs.slots.forEach((vref, index) =>
        model.learn(vat, vref, roots[index] as Token),
      );
    } else if (!body.startsWith('#["kick"')) {
      model.check(raw.id, delivery);
    } else if (delivery[0] === 'message') {
      model.ask(vat, delivery[2].result);
    }
  };
  const busyVats = () =>
    rig.vats.all.filter(each => each.isBusy && !each.isKilled);
  const behave: Behavior = (delivery, raw) => {
    if (delivery[0] === 'startVat') {
      seen.starts += 1;
      const root = roots[NAMES.indexOf(raw.label)] as Token;
      if (raw.incarnation === 1) {
        model.name(model.addVat(raw.id), ROOT_VREF, root);
      }
      return {};
    }
    seen.atOnce = Math.max(seen.atOnce, busyVats().length);
    seen.told += ['message', 'notify'].includes(delivery[0]) ? 0 : 1;
    try {
      check(delivery, raw);
    } catch (problem) {
      problems.push(String(problem));
    }
    if (answer === 'later') {
      return undefined;
    }
    const vat = model.vat(raw.id);
    model.land(vat);
    return answer === 'plainly' ? {} : { syscalls: chooseTidying(model, vat) };
  };
  const time = makeManualClock();
  /** The incarnations of vats that are there, as they were after the last crank. */
  const incarnations = new Map<VatId, number>();
  /** What orders did to vats, whenever it was done. */
  const follow = ({ vats }: State): void => {
    for (const [id, incarnation] of incarnations) {
      const row = vats.get(id);
      if (!row) {
        incarnations.delete(id);
        if (!model.vat(id).isDead) {
          seen.terminated += 1;
          model.terminate(model.vat(id));
        }
      } else if (row.incarnation > incarnation) {
        incarnations.set(id, row.incarnation);
        model.loseHeap(model.vat(id));
      }
    }
    for (const { id, incarnation } of vats.values()) {
      incarnations.set(id, incarnation);
    }
  };
  const options = {
    parallel,
    longMilliseconds: 1e9,
    rules: {
      onFault,
      ...(asksForAnswers && { eviction: 'any' as const }),
    },
    ...(asksForAnswers && {
      clock: time.clock,
      evictMilliseconds: 1_000,
      deliveryMilliseconds: 1e12,
      bootMilliseconds: 1e12,
      afterCrank: follow,
    }),
    roundMessages: 1,
    reapReferences: 3,
    reapDeliveries: 5,
    actionsPerDelivery: 2,
    clearedPerCrank: 2,
    collectMilliseconds: Infinity,
  };
  let rig = makeRig(behave, options);
  let client = await rig.launch('model', NAMES).then(() => rig.connect());
  const targets = new Map<string, Vref>();
  const meet = async (): Promise<void> => {
    targets.clear();
    for (const vat of NAMES) {
      const request = { cluster: 'model', vat };
      const found = await client.rpc.call('reference', request).catch(() => {});
      if (found) {
        targets.set(vat, Object(found).vref);
      }
    }
  };

  /** What the c-lists are, and what the model says that they are. */
  const compareCLists = () => {
    const { state } = rig.kernel;
    const vats = [...state.vats.values()].map(({ id }) => model.vat(id));
    return {
      kernel: vats.map(({ id }) => [
        id,
        state.clistByEndpoint
          .values(id)
          .map(row => `${row.vref} ${row.reachable}`)
          .sort(),
      ]),
      model: vats.map(vat => [
        vat.id,
        [...vat.names]
          .map(
            ([vref, token]) =>
              `${vref} ${vat.weak.has(token) || vat.dropped.has(token) ? 0 : 1}`,
          )
          .sort(),
      ]),
    };
  };
  const insistCLists = (): void => {
    const { kernel, model: expected } = compareCLists();
    expect(kernel).toEqual(expected);
  };

  /** Answers what is in flight, and all that follows from it. */
  const finishAll = async (how: 'plainly' | 'tidily'): Promise<void> => {
    answer = how;
    for (const raw of busyVats()) {
      const vat = model.vat(raw.id);
      model.land(vat);
      raw.finish(
        how === 'plainly' ? {} : { syscalls: chooseTidying(model, vat) },
      );
    }
    await turn();
    await turn();
    await rig.kernel.idle();
  };
  /** Answers that the client of now has asked for. */
  const asked: Vref[] = [];
  const kick = (target: Vref | undefined): void => {
    const methargs = { body: '#["kick",[]]', slots: [] };
    if (!asksForAnswers) {
      client.send(['send', target as Vref, { methargs }]);
    } else if (target) {
      const result = `p+${asked.length + 1}` as Vref;
      asked.push(result);
      client.send(
        ['send', target, { methargs, result }],
        ['subscribe', result],
      );
    }
  };
  const reconnect = async (): Promise<void> => {
    asked.length = 0;
    client = await rig.connect();
    await meet();
  };

  const tell = (order: string, request: object = {}): void =>
    void client.rpc
      .call(order, { cluster: 'model', ...request })
      .catch(() => {}); // whether there was anything to do or not
  const giveOrder = async (): Promise<void> => {
    left.orders -= 1;
    const order = choices.pick(ORDERS);
    if (order === 'evict') {
      time.advance(1_000);
    } else if (order !== undefined) {
      const bundle = { text: RAW_BUNDLE };
      tell(order, {
        vat: choices.pick(NAMES),
        ...(order === 'upgrade' && { bundle }),
      });
    }
    await turn();
    await turn();
  };

  const restart = async (): Promise<void> => {
    left.restarts -= 1;
    await finishAll('plainly');
    insistCLists();
    await rig.kernel.stop();
    for (const { id } of rig.kernel.state.vats.values()) {
      model.loseHeap(model.vat(id));
    }
    rig = makeRig(behave, { ...options, image: makeMemoryImage(rig.image) });
    await reconnect();
    answer = 'later';
  };

  const loseHeap = (raw: RawVat): void => {
    left.faults -= 1;
    model.loseHeap(model.vat(raw.id));
    if (choices.choose(2)) {
      raw.lose('the test says so');
    } else {
      const methargs = { body: '#["never",[]]', slots: [] };
      raw.finish({
        syscalls: [
          ['send', ROOT_VREF, { methargs }],
          ['subscribe', 'p-99999' as Vref],
        ],
      });
    }
  };
  const step = async (raw: RawVat): Promise<void> => {
    const vat = model.vat(raw.id);
    const isFault = left.faults > 0 && choices.choose(12) === 0;
    if (isFault) {
      loseHeap(raw);
    } else if (left.ends > 0 && choices.choose(25) === 0) {
      left.ends -= 1;
      model.land(vat);
      raw.finish({ syscalls: model.end(vat) });
    } else {
      model.land(vat);
      raw.finish({ syscalls: chooseSyscalls(model, vat, choices) });
    }
    await turn();
    await turn();
    if (isFault && onFault === 'suspend') {
      // A lost worker is no fault: then there is nothing to resume.
      await client.rpc.call('resume', { cluster: 'model' }).catch(() => {});
      await turn();
    }
  };

  return {
    run: async (): Promise<void> => {
      await meet();
      await turn();
      while (choices.hasMore()) {
        const raw = choices.pick(busyVats());
        if (raw && choices.choose(8)) {
          await step(raw);
        } else if (left.restarts > 0 && choices.choose(8) === 0) {
          await restart();
        } else if (left.orders > 0 && choices.choose(2)) {
          await giveOrder();
        } else {
          if (choices.choose(6) === 0) {
            void client.rpc.call('collect', {}).catch(() => {});
          }
          kick(choices.pick([...targets.values()]));
          await turn();
          await turn();
        }
      }
      await finishAll('plainly');
      insistCLists();
    },
    /** All go on and answer what they were asked; gives what the client has not been told exactly once. */
    answerAll: async () => {
      tell('unpause');
      tell('resume');
      await turn();
      for (let rounds = 0; rounds < 3; rounds += 1) {
        targets.forEach(kick);
        await finishAll('tidily');
      }
      const told = new Map<Vref, number>();
      for (const delivery of client.deliveries) {
        for (const [vref] of delivery[0] === 'notify' ? delivery[1] : []) {
          told.set(vref, (told.get(vref) ?? 0) + 1);
        }
      }
      const wrong = asked.filter(vref => told.get(vref) !== 1);
      client.rpc.close();
      await rig.kernel.idle();
      await reconnect();
      return { wrong, terminated: seen.terminated };
    },
    /** Everybody lets go of everything; gives what is left in the tables. */
    tidy: async () => {
      for (let rounds = 0; rounds < 6; rounds += 1) {
        targets.forEach(kick);
        await finishAll('tidily');
      }
      client.send(); // it has seen all that it was told
      await client.rpc.call('collect', {});
      insistCLists();
      const { objects, promises, queue, clists } = rig.kernel.state;
      return {
        objects: objects.size - targets.size,
        promises: promises.size,
        queue: queue.size,
        clists: clists.size - targets.size - rig.kernel.state.vats.size,
        due: findDue(rig.kernel.state),
      };
    },
    /** What the test compares. */
    end: async () => {
      const found = {
        kernel: rig.kernel.status().reason,
        problems,
        unanswered: model.unanswered(),
      };
      await rig.kernel.stop();
      return {
        seen: found,
        atOnce: seen.atOnce,
        told: seen.told,
        incarnations: seen.starts - NAMES.length,
        sent: model.sent.filter(message => message.landed).length,
      };
    },
  };
};

const runProgram = async (program: Program) => {
  const made = await makeProgram(program);
  await made.run();
  return made.end();
};

const right = { kernel: undefined, problems: [], unanswered: [] };
const nothing = { objects: 0, promises: 0, queue: 0, clists: 0, due: [] };
const numbers = fc.array(fc.nat(1_000_000), {
  minLength: 100,
  maxLength: 500,
});

describe('random programs of raw vats', () => {
  it('see what the reference model says (invariants 1, 2, 4, 5, 6, 7, 9)', async () => {
    let sent = 0;
    let told = 0;
    await fc.assert(
      fc.asyncProperty(
        numbers,
        fc.integer({ min: 1, max: 3 }),
        async (chosen, parallel) => {
          const run = await runProgram({ numbers: chosen, parallel });
          sent += run.sent;
          told += run.told;
          expect(run.seen).toEqual(right);
          // One more for a vat that is quick.
          expect(run.atOnce).toBeLessThanOrEqual(
            parallel === 1 ? 1 : parallel + 1,
          );
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
    expect(sent).toBeGreaterThan(2 * RUNS);
    expect(told).toBeGreaterThan(RUNS);
  }, 240_000);

  it('see what the model says when heaps are lost and rules are broken (invariants 2, 5, 6, 7, 9)', async () => {
    let lost = 0;
    await fc.assert(
      fc.asyncProperty(
        numbers,
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom('restart', 'suspend'),
        async (chosen, parallel, onFault) => {
          const run = await runProgram({
            numbers: chosen,
            parallel,
            faults: 2,
            onFault,
          });
          lost += run.incarnations;
          expect(run.seen).toEqual(right);
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
    expect(lost).toBeGreaterThan(RUNS / 15);
  }, 240_000);

  it('leave nothing behind, also when vats have ended, heaps were lost and kernels restarted (invariants 6, 12)', async () => {
    await fc.assert(
      fc.asyncProperty(
        numbers,
        fc.record({
          parallel: fc.integer({ min: 1, max: 3 }),
          faults: fc.nat(2),
          ends: fc.nat(2),
          restarts: fc.nat(2),
        }),
        async (chosen, chances) => {
          const made = await makeProgram({ numbers: chosen, ...chances });
          await made.run();
          const rows = await made.tidy();
          const { seen } = await made.end();
          expect(seen).toEqual(right);
          expect(rows).toEqual(nothing);
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
  }, 240_000);

  it('are paused, suspended, restarted, upgraded, evicted and terminated at any moment: the kernel runs, each answer is told once, nothing dangles and nothing is left (invariants 5, 6, 7, 8, 9, 12)', async () => {
    let renewed = 0;
    let terminated = 0;
    await fc.assert(
      fc.asyncProperty(
        numbers,
        fc.record({
          parallel: fc.integer({ min: 1, max: 3 }),
          faults: fc.nat(2),
          ends: fc.nat(1),
          restarts: fc.nat(1),
          orders: fc.integer({ min: 5, max: 40 }),
          onFault: fc.constantFrom('restart', 'suspend'),
        }),
        async (chosen, chances) => {
          const made = await makeProgram({ numbers: chosen, ...chances });
          await made.run();
          const outside = await made.answerAll();
          expect(outside.wrong).toEqual([]);
          const rows = await made.tidy();
          const { seen, incarnations } = await made.end();
          renewed += incarnations;
          terminated += outside.terminated;
          expect(seen).toEqual(right);
          expect(rows).toEqual(nothing);
        },
      ),
      { numRuns: Math.ceil(RUNS / 8), endOnFailure: true },
    );
    if (RUNS >= 40) {
      expect(renewed).toBeGreaterThan(RUNS / 8);
      expect(terminated).toBeGreaterThan(RUNS / 40);
    }
  }, 240_000);
});
