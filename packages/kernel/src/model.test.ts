import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ROOT_VREF,
  type Delivery,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import {
  makeModel,
  type Model,
  type ModelVat,
  type Token,
} from './testing/model.ts';
import type { RawVat } from './testing/raw-vats.ts';
import { makeRig } from './testing/rig.ts';

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
  [...vat.vrefs.keys()].filter(token => !kind || token.kind === kind);

const chooseSlots = (
  model: Model,
  vat: ModelVat,
  choices: Choices,
): Token[] => {
  const slots = new Set<Token>();
  for (let count = choices.choose(3); count > 0; count -= 1) {
    const kind = choices.choose(2) ? 'object' : 'promise';
    const fresh = choices.choose(3) === 0;
    const slot = fresh ? model.export(vat, kind) : choices.pick(known(vat));
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
    const act = choices.choose(4);
    if (act < 2) {
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

type Program = {
  readonly numbers: readonly number[];
  readonly parallel: number;
  readonly faults: number;
  readonly onFault?: 'restart' | 'suspend';
};

/** Runs one program against the kernel and the model; gives what the test compares. */
const runProgram = async ({
  numbers,
  parallel,
  faults,
  onFault = 'restart',
}: Program) => {
  const choices = makeChoices(numbers);
  const model = makeModel();
  const problems: string[] = [];
  const roots = NAMES.map(() => model.makeToken('object', null));
  let atOnce = 0;
  let faultsLeft = faults;
  const check = (delivery: Delivery, raw: RawVat): void => {
    const vat = model.vat(raw.id);
    const body = delivery[0] === 'message' ? delivery[2].methargs.body : '';
    if (delivery[0] === 'message' && body.startsWith('#["bootstrap"')) {
      delivery[2].methargs.slots.forEach((vref, index) =>
        model.learn(vat, vref, roots[index] as Token),
      );
    } else if (!body.startsWith('#["kick"')) {
      model.check(raw.id, delivery);
    }
  };
  const rig = makeRig(
    (delivery, raw) => {
      if (delivery[0] === 'startVat') {
        const root = roots[NAMES.indexOf(raw.label)] as Token;
        if (raw.incarnation === 1) {
          model.name(model.addVat(raw.id), ROOT_VREF, root);
        }
        return {};
      }
      atOnce = Math.max(
        atOnce,
        rig.vats.all.filter(each => each.isBusy && !each.isKilled).length,
      );
      try {
        check(delivery, raw);
      } catch (problem) {
        problems.push(String(problem));
      }
      return undefined;
    },
    { parallel, rules: { onFault }, roundMessages: 1 },
  );
  await rig.launch('model', NAMES);
  const client = await rig.connect();
  const targets: Vref[] = [];
  for (const vat of NAMES) {
    const answer = await client.rpc.call('reference', {
      cluster: 'model',
      vat,
    });
    targets.push(Object(answer).vref);
  }
  const busyVats = () =>
    rig.vats.all.filter(each => each.isBusy && !each.isKilled);
  const kick = (): void => {
    const target = choices.pick(targets) as Vref;
    client.send([
      'send',
      target,
      { methargs: { body: '#["kick",[]]', slots: [] } },
    ]);
  };
  const step = async (raw: RawVat): Promise<void> => {
    const vat = model.vat(raw.id);
    const fault = faultsLeft > 0 && choices.choose(12) === 0;
    if (fault) {
      faultsLeft -= 1;
      model.loseHeap(vat);
      if (choices.choose(2)) {
        raw.lose('the test says so');
      } else {
        raw.finish({
          syscalls: [
            [
              'send',
              ROOT_VREF,
              { methargs: { body: '#["never",[]]', slots: [] } },
            ],
            ['subscribe', 'p-99999' as Vref],
          ],
        });
      }
    } else {
      model.land(vat);
      raw.finish({ syscalls: chooseSyscalls(model, vat, choices) });
    }
    await turn();
    await turn();
    if (fault && onFault === 'suspend') {
      // A lost worker is no fault: then there is nothing to resume.
      await client.rpc.call('resume', { cluster: 'model' }).catch(() => {});
      await turn();
    }
  };
  await turn();
  while (choices.hasMore()) {
    const raw = choices.pick(busyVats());
    if (raw && choices.choose(8)) {
      await step(raw);
    } else {
      kick();
      await turn();
      await turn();
    }
  }
  for (let raw = busyVats()[0]; raw; raw = busyVats()[0]) {
    model.land(model.vat(raw.id));
    raw.finish();
    await turn();
    await turn();
  }
  await rig.kernel.idle();
  const seen = {
    kernel: rig.kernel.status().reason,
    problems,
    unanswered: model.unanswered(),
  };
  const incarnations = rig.vats.all.length - NAMES.length;
  const sent = model.sent.filter(message => message.landed).length;
  await rig.kernel.stop();
  return { seen, atOnce, incarnations, sent };
};

const right = { kernel: undefined, problems: [], unanswered: [] };
const numbers = fc.array(fc.nat(1_000_000), {
  minLength: 100,
  maxLength: 500,
});

describe('random programs of raw vats', () => {
  it('see what the reference model says (invariants 1, 2, 4, 5, 6, 7, 9)', async () => {
    let sent = 0;
    await fc.assert(
      fc.asyncProperty(
        numbers,
        fc.integer({ min: 1, max: 3 }),
        async (chosen, parallel) => {
          const run = await runProgram({
            numbers: chosen,
            parallel,
            faults: 0,
          });
          sent += run.sent;
          expect(run.seen).toEqual(right);
          expect(run.atOnce).toBeLessThanOrEqual(parallel);
        },
      ),
      { numRuns: 400, endOnFailure: true },
    );
    expect(sent).toBeGreaterThan(1_000);
  }, 60_000);

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
      { numRuns: 400, endOnFailure: true },
    );
    expect(lost).toBeGreaterThan(30);
  }, 60_000);
});
