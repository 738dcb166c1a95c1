import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  isPromiseVref,
  type Delivery,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import { drop, end, makeGcStage, retire, rowsOf } from './testing/gc-stage.ts';
import { dataOf, fulfil, send, settle, subscribe } from './testing/stage.ts';

/** Fewer when the tests themselves are tested: see scripts/mutation.mjs. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 25);

const few = fc.nat(5);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constant('tell'), fc.nat(7), few),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constant('drop'), few, few) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('send'), few, few) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('answer'), few, few) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('export'), few, few) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('letGo'), few, few) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('settle'), few, few) },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom('fence', 'release'), few, few),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom('listen', 'collect', 'see'), few, few),
  },
);
type Step = readonly [string, number, number];

const pick = <Item>(items: Iterable<Item>, nth: number): Item | undefined => {
  const all = [...items];
  return all[nth % all.length];
};

/** How a client stands to a promise that it has a name for. */
type Standing = 'decides' | 'knows' | 'listens';

/** Alice, and a client whose wire can be held, each of which does what it may. */
const makeProgram = async () => {
  const stage = await makeGcStage(['alice'], { actionsPerDelivery: 1 });
  const client = await stage.rig.connect();
  const { vref: alice } = Object(
    await client.rpc.call('reference', { cluster: 'demo', vat: 'alice' }),
  );
  client.send(send(alice, 'meet the listener', ['o+1']));
  await settle();
  const [listener] = Object(stage.flight('alice')[2]).methargs.slots;
  await stage.finish('alice');
  client.send();
  await settle();
  const before = rowsOf(stage);

  const problems: string[] = [];
  /** Alice's name of each object that the client was ever told of, by its own: no name comes again. */
  const meanings = new Map<Vref, string>();
  /** What the client has names for: alice's name of each object, and its part in each promise. */
  const objects = new Map<Vref, string>();
  const promises = new Map<Vref, Standing>();
  /** What it has settled itself: named again, it is asked about at once, for its name may go when that was heard. */
  const settled = new Set<Vref>();
  const toAsk: Vref[] = [];
  /** Alice's: the client's exports, promises that others settle, and promises of her own. */
  const imports = new Map<string, string>();
  const answers = new Set<string>();
  const own = new Set<string>();
  /** What each message was sent with, as its receiver is to name it; null for what is not compared. */
  const told: (readonly (string | null)[])[] = [];
  let heard = 0;
  let lastPromise = 0;
  let fence: { release(): void } | undefined;

  const learn = (name: Vref, meant = meanings.get(name)): void => {
    if (isPromiseVref(name)) {
      const isAsked = settled.has(name) && !promises.has(name);
      toAsk.push(...(isAsked ? [name] : []));
      promises.set(name, isAsked ? 'listens' : (promises.get(name) ?? 'knows'));
    } else if (meant !== undefined) {
      const known = meanings.get(name) ?? meant;
      if (known !== meant) {
        problems.push(`${name} meant ${known} and means ${meant}`);
      }
      meanings.set(name, meant);
      objects.set(name, meant);
    }
  };
  const hear = (): void => {
    for (const delivery of client.deliveries.slice(heard)) {
      if (delivery[0] === 'message') {
        const [, , { methargs, result }] = delivery;
        const [nth] = JSON.parse(methargs.body.slice(1));
        methargs.slots.forEach((name, index) =>
          learn(name, told[Number(nth)]?.[index] ?? undefined),
        );
        if (result) {
          promises.set(result, 'decides');
        }
      } else if (delivery[0] === 'notify') {
        delivery[1].forEach(([, , { slots }]) =>
          slots.forEach(name => learn(name)),
        );
        delivery[1].forEach(([name]) => promises.delete(name));
      }
    }
    heard = client.deliveries.length;
  };
  const takeOfAlice = (delivery: Delivery): void => {
    if (delivery[0] === 'notify') {
      delivery[1].forEach(([name]) => answers.delete(name));
    } else if (delivery[0] === 'message') {
      const { body, slots } = delivery[2].methargs;
      const [nth] = JSON.parse(body.slice(1));
      slots.forEach((name, index) => {
        const meant = told[Number(nth)]?.[index];
        if (name.startsWith('p-')) {
          answers.add(name);
        } else if (meant?.startsWith('mine ')) {
          imports.set(name, meant);
        } else if (typeof meant === 'string' && meant !== name) {
          problems.push(`alice gets ${name} for ${meant}`);
        }
      });
    }
  };
  /** Everything is heard and answered that is not held. */
  const rest = async (): Promise<void> => {
    await settle();
    while (stage.vat('alice').isBusy) {
      takeOfAlice(stage.flight('alice'));
      await stage.finish('alice');
    }
    hear();
    if (toAsk.length > 0) {
      client.send(...toAsk.splice(0).map(subscribe));
      await rest();
    }
  };
  const say = async (...syscalls: readonly Syscall[]): Promise<void> => {
    client.send(...syscalls);
    await rest();
  };
  const act = async (...syscalls: readonly Syscall[]): Promise<void> => {
    await stage.act('alice', ...syscalls);
    await rest();
  };
  const number = (meant: readonly (string | null)[]): string =>
    String(told.push(meant) - 1);

  const answer = (name: Vref, ...slots: readonly string[]): Syscall => {
    promises.delete(name);
    settled.add(name);
    return fulfil(name, dataOf(['answer'], ...slots));
  };
  const letGoOf = (name: string): Syscall[] => {
    imports.delete(name);
    return [drop(name), retire(name)];
  };
  const release = async (): Promise<void> => {
    fence?.release();
    fence = undefined;
    await rest();
  };

  const take = async ([what, one, other]: Step): Promise<void> => {
    switch (what) {
      case 'tell': {
        lastPromise += 2;
        const fresh = `p+${lastPromise}`;
        const result = `p+${lastPromise + 1}`;
        own.add(fresh);
        const old = pick(answers, other);
        answers.add(result);
        const things = ['o+11', 'o+12', 'o+13'].filter(
          (_, index) => (one >> index) & 1,
        );
        const slots = [...things, fresh, ...(old ? [old] : [])];
        const meant = slots.map(each => (each.startsWith('o') ? each : null));
        return act(send(listener, number(meant), slots, result));
      }
      case 'drop': {
        const [name] = pick(objects, one) ?? [];
        if (name) {
          objects.delete(name);
          await say(['dropImports', [name]]);
        }
        return;
      }
      case 'send': {
        const [name, meant] = pick(objects, one) ?? [];
        const [promise] = pick(promises, other) ?? [];
        const slots = [...(name ? [name] : []), ...(promise ? [promise] : [])];
        const all = [...(meant === undefined ? [] : [meant]), null];
        return say(send(alice, number(all), slots));
      }
      case 'answer': {
        const decided = [...promises].filter(([, how]) => how === 'decides');
        const [name] = pick(decided, one) ?? [];
        const [object] = pick(objects, other) ?? [];
        if (name) {
          await say(answer(name, ...(object ? [object] : [])));
        }
        return;
      }
      case 'export': {
        const name = `o+${20 + (one % 3)}`;
        return say(send(alice, number([`mine ${name}`]), [name]));
      }
      case 'letGo': {
        const [name] = pick(imports, one) ?? [];
        return name ? act(...letGoOf(name)) : undefined;
      }
      case 'settle': {
        const name = pick(own, one);
        if (name) {
          own.delete(name);
          await act(fulfil(name, dataOf(['settled'])));
        }
        return;
      }
      case 'listen': {
        const known = [...promises].filter(([, how]) => how === 'knows');
        const [name] = pick(known, one) ?? [];
        if (name) {
          promises.set(name, 'listens');
          await say(subscribe(name));
        }
        return;
      }
      case 'fence':
        fence ??= client.fence();
        return;
      case 'release':
        return release();
      case 'collect':
        await stage.client.rpc.call('collect', {});
        return rest();
      default:
        return say();
    }
  };

  return {
    take,
    /** Everybody lets go of everything; gives what is wrong or left then. */
    end: async () => {
      await release();
      for (let rounds = 0; rounds < 3; rounds += 1) {
        await act(
          ...[...own].map(name => fulfil(name, dataOf(['over']))),
          ...[...answers].map(subscribe),
          ...[...imports.keys()].flatMap(letGoOf),
        );
        own.clear();
        const syscalls = [...promises].flatMap(([name, how]): Syscall[] => {
          if (how === 'decides') {
            return [answer(name)];
          }
          promises.set(name, 'listens');
          return how === 'knows' ? [subscribe(name)] : [];
        });
        const held = [...objects.keys()];
        objects.clear();
        await say(...syscalls, ['dropImports', held]);
        await say();
      }
      await stage.collect();
      await say();
      const left = rowsOf(stage);
      const ended = [...client.told];
      await end(stage);
      return { problems, ended, left };
    },
    right: { problems: [], ended: [], left: before },
  };
};

it('random programs of a client whose words cross the kernel’s: each name means what it meant, the session lives, and nothing is left (invariants 4, 5, 6, 12)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }),
      async program => {
        const made = await makeProgram();
        for (const each of program) {
          await made.take(each);
        }
        expect(await made.end()).toEqual(made.right);
      },
    ),
    { numRuns: RUNS, endOnFailure: true },
  );
}, 240_000);
