import fc from 'fast-check';
import type {
  CapData,
  Delivery,
  Json,
  Syscall,
  VatId,
  Vref,
} from '@cooperage/protocol';
import { failStorage } from '../adapters/columns.ts';
import type { Platform } from '../ports.ts';
import { SCHEMA } from '../store/schema.ts';
import { readContent, wakesIn } from './durable-content.ts';
import { makeDraws, makeSequence, type Draws } from './draws.ts';
import {
  isDocumented,
  labelsIn,
  makeDurableVats,
  PEERS,
  plainOf,
  sureWorkOf,
  workBody,
  workDoneIn,
  type VatFault,
} from './durable-vats.ts';
import { factsIn, makeJournal, type Entry, type Journal } from './journal.ts';
import type { Choose } from './explore.ts';
import { makeRig, type RawClient, type Rig } from './rig.ts';
import { drain, makeSteps, TIME, type Lane, type Steps } from './steps.ts';
import { tablesNow, workersNow } from './whole-state.ts';

/** What somebody at the console does. */
export type Deed =
  | { readonly do: 'work'; readonly to: number }
  /** Work of which some may be lost by the rules: for a vat that may end, or with an object of the client's in it. */
  | { readonly do: 'risk'; readonly to: number }
  | { readonly do: 'launch' | 'terminate' | 'collect' | 'leave' }
  /** Holds all vats still, has one of them get one delivery, and lets them go on. */
  | { readonly do: 'pause' | 'step' | 'unpause' }
  /** Has a vat be woken once; makes a revocable alias of a vat's root. */
  | { readonly do: 'alarm' | 'alias'; readonly to: number }
  /** Revokes the first alias that there is. */
  | { readonly do: 'revoke' }
  | {
      readonly do:
        'upgrade' | 'restart' | 'suspend' | 'resume' | 'keep' | 'forget';
      readonly to: number;
    }
  /** A worker goes, alone or with all. */
  | {
      readonly do: 'lose';
      readonly to: number;
      readonly what: 'worker' | 'host';
    };

export type Program = {
  readonly deeds: readonly Deed[];
  /** Chooses what vats do and in which order things happen. */
  readonly seed: number;
  /** How workers fail, each at some pieces of work and once; unless given they do not. */
  readonly faults?: readonly VatFault[];
  /** One piece of work in so many is one of these; 6 unless given. */
  readonly faultsOneIn?: number;
};

const small = fc.nat(2);
const oneOf = <Name extends Deed['do']>(...names: Name[]) =>
  fc.constantFrom(...names);

const FAULTS = fc.constantFrom<readonly VatFault[]>(
  [],
  [],
  ['illegal'],
  ['illegal', 'silent'],
);

const deedsOf = (mostDeeds: number, mostLosses: number): fc.Arbitrary<Deed[]> =>
  fc
    .array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({ do: oneOf('work'), to: small }),
        },
        {
          weight: 3,
          arbitrary: fc.record({ do: oneOf('risk'), to: small }),
        },
        {
          weight: 3,
          arbitrary: fc.record({
            do: oneOf('launch', 'terminate', 'collect', 'leave'),
          }),
        },
        {
          weight: 4,
          arbitrary: fc.record({
            do: oneOf(
              'upgrade',
              'restart',
              'suspend',
              'resume',
              'keep',
              'forget',
            ),
            to: small,
          }),
        },
        {
          weight: 3,
          arbitrary: fc.record({ do: oneOf('alarm', 'alias'), to: small }),
        },
        {
          weight: 2,
          arbitrary: fc.record({
            do: oneOf('pause', 'step', 'unpause', 'revoke'),
          }),
        },
        {
          weight: 1,
          arbitrary: fc.record({
            do: oneOf('lose'),
            to: small,
            what: fc.constantFrom('worker' as const, 'host' as const),
          }),
        },
      ),
      { minLength: 1, maxLength: mostDeeds },
    )
    .map(deeds => {
      let losses = 0;
      return deeds.filter(deed => {
        losses += deed.do === 'lose' ? 1 : 0;
        return deed.do !== 'lose' || losses <= mostLosses;
      });
    });

/**
 * Programs of so many deeds at most; at most two losses of workers, for after
 * three a delivery is given up, and none where workers fail by themselves.
 */
export const programs = (mostDeeds: number): fc.Arbitrary<Program> =>
  FAULTS.chain(faults =>
    fc.record({
      deeds: deedsOf(mostDeeds, faults.length > 0 ? 0 : 2),
      seed: fc.nat(2 ** 31),
      faults: fc.constant(faults),
    }),
  );

/** A storage that can be opened again as it was at any moment. */
export type CrashStorage<Disk> = {
  /** Opens what the disk holds, an empty one unless given. */
  open(disk: Disk | undefined): Promise<{
    readonly db: Platform['db'];
    readonly stores: Platform['stores'];
    /** What the disk holds now; the same as before when nothing has changed. */
    readonly snapshot: () => Disk;
    /** Called after each change of the disk, where the storage knows better than its user. */
    readonly onPoint?: (told: (where: string) => void) => void;
    /** Called once the tables are there and the kernel is about to start. */
    readonly onPrepared?: () => void;
    /** The process is gone. */
    readonly abandon: () => void;
  }>;
};

/** What the world was like when it might have stopped. */
export type Moment<Disk> = {
  readonly where: string;
  readonly disk: Disk;
  readonly known: number;
};

export type RunOptions<Disk> = {
  readonly program: Program;
  readonly storage: CrashStorage<Disk>;
  /** Where the run before this one has stopped, and all that had been known by then. */
  readonly from?: { readonly disk: Disk; readonly known: readonly Entry[] };
  /** Which run of the program's kernel it is, from 1. */
  readonly run?: number;
  /** Has that write to the storage fail, from 1: undone, or done all the same; 0 when it fails by itself. The run ends with the kernel. */
  readonly failure?: { readonly nth: number; readonly isDone: boolean };
  /**
   * Asked, once the cluster runs, which of so many things happens next: what
   * arrives from a vat or at a new worker, or the next deed. Vats are then quick,
   * time passes only when nothing else happens, and no moments are noted.
   */
  readonly schedule?: Choose;
  /** What else is chosen by the schedule. */
  readonly freedom?: Freedom;
  /** Other options for the kernel than those drawn. */
  readonly kernel?: Parameters<typeof makeRig>[1];
};

export type Freedom = {
  /** Time may pass so often while other things could happen. */
  readonly times?: number;
  /** What is to be done soon may wait while other things happen. */
  readonly isSoonFree?: boolean;
  /** What is sent to a vat may be on its way while other things happen. */
  readonly areVatsSlow?: boolean;
  /** The world may stop: the run has then crashed, and one moment is noted. */
  readonly mayCrash?: boolean;
};

export type RunResult<Disk> = {
  /** How it has ended: as it should, in the middle as the schedule wanted, or where others go on. */
  readonly end: 'whole' | 'crashed' | 'known';
  readonly problems: readonly string[];
  /** Points at which the world might have stopped, by what comes next or has just been. */
  readonly points: ReadonlyMap<string, number>;
  /** Those of them that differ in what the disk held or in what was known. */
  readonly moments: readonly Moment<Disk>[];
  readonly known: readonly Entry[];
  /** What is surely done at the end, each piece once, whichever attempt it was. */
  readonly view: string;
  readonly steps: number;
  /** How often the storage was written to. */
  readonly writes: number;
  /** Pieces of work that were sent by an alias that was known to be revoked. */
  readonly vain: number;
};

const MOST_STEPS = 20_000;

/** A bundle with a hash of its own for each number: the rig's hash is the length. */
const codeOf = (number: number): string =>
  JSON.stringify({
    moduleFormat: 'cooperageScript',
    source: 'x'.repeat(100 + number),
  });
const hashOf = (text: string): string => `${text.length}`.padStart(128, '0');

/** Whether the vat is suspended is not known any more. */
const doubtSuspension = (journal: Journal, vat: string): void =>
  journal.add({ kind: 'asked', deed: -1, thing: `suspension ${vat}` });

const isRequest = ({ kind }: Entry): boolean =>
  kind === 'asked' || kind === 'answered';

/** What a request may be refused with: what it is about has gone or come meanwhile. */
const REFUSALS = [
  'BAD_REQUEST',
  'CLUSTER_EXISTS',
  'CLUSTER_UNKNOWN',
  'LAUNCH_FAILED',
  'NAME_TAKEN',
  'OBJECT_UNKNOWN',
  'SESSION_CLOSED',
  'UPGRADE_FAILED',
  'VAT_UNKNOWN',
];

/** What of the facts does not hold of what is stored. */
const brokenFacts = (
  facts: ReadonlyMap<string, string>,
  { kernel: { state } }: Rig,
): string[] =>
  [...facts].flatMap(([thing, fact]) => {
    const [kind, name = ''] = thing.split(' ');
    const vat = [...state.vats.values()].find(row => row.name === name);
    const finders = new Map([
      ['cluster', () => (state.clusterByName.has(name) ? 'there' : 'gone')],
      ['home', () => (state.home.has(name) ? 'there' : 'gone')],
      ['code', () => String(vat?.bundle)],
      ['suspension', () => (vat?.suspension === null ? 'none' : 'suspended')],
    ]);
    const found = finders.get(kind ?? '')?.();
    return found === fact
      ? []
      : [`${thing} was answered to be ${fact}, and is ${found}`];
  });

/** One session of the one at the console, and what it has heard. */
const makeOperator = async (
  rig: Rig,
  world: { runUntil: <Value>(promise: Promise<Value>) => Promise<Value> },
  {
    label,
    journal,
    report,
    answered,
  }: {
    label: string;
    journal: Journal;
    report: (problem: string) => void;
    answered: (work: string, isRejected: boolean) => void;
  },
) => {
  const client: RawClient = await world.runUntil(rig.connect());
  const asked = new Map<string, string>();
  const done = new Set<string>();
  const own = new Map<string, string>();
  const roots = new Map<string, Vref>();
  /** Aliases by the question that made them. */
  const aliases: {
    readonly id: string;
    readonly ref: Vref;
    readonly revoker: Vref;
    isRevoked: boolean;
  }[] = [];
  let exports = 0;

  const means = (vref: string, what: string): void => {
    if (vref.includes('-')) {
      journal.mean(`k${vref.replace('-', '')}`, what);
    }
  };
  const learn = ({ slots }: CapData, labels: readonly string[]): void => {
    slots.forEach((slot, index) => means(slot, labels[index] ?? ''));
  };

  /** What a service gives is called after the question. */
  const labelsOf = (id: string | undefined, data: CapData): string[] =>
    id?.startsWith('a')
      ? [`alarm ${id}`]
      : id?.startsWith('v')
        ? [`alias ${id}`, `revoker ${id}`]
        : labelsIn(data);
  const noteAlias = (
    id: string,
    isRejected: boolean,
    { slots: [ref, revoker] }: CapData,
  ): void => {
    if (id.startsWith('v') && ref !== undefined && revoker !== undefined) {
      aliases.push({ id, ref, revoker, isRevoked: false });
    }
    for (const alias of aliases) {
      alias.isRevoked ||= !isRejected && id.endsWith(` ${alias.id}`);
    }
  };

  const onNotify = (
    resolutions: Extract<Delivery, readonly ['notify', ...unknown[]]>[1],
  ): void => {
    for (const [vref, isRejected, data] of resolutions) {
      const work = asked.get(vref);
      if (vref.includes('+') && work === undefined && !own.has(vref)) {
        report(`the client is told of ${vref}, which it knows not or no more`);
      }
      asked.delete(vref);
      if (isRejected && !isDocumented(data)) {
        report(`the client's ${vref} was rejected with ${data.body}`);
      }
      learn(data, isRejected ? [] : labelsOf(work, data));
      if (work !== undefined) {
        noteAlias(work, isRejected, data);
        answered(work, isRejected);
      }
    }
  };

  const onMessage = (
    target: string,
    {
      methargs,
      result,
    }: Extract<Delivery, readonly ['message', ...unknown[]]>[2],
  ): void => {
    const [, [id, labels]] = JSON.parse(methargs.body.slice(1));
    if (!own.has(target)) {
      report(`the client got a message for ${target}, which is not its own`);
    }
    if (done.has(id)) {
      report(`the client is to do ${id} again`);
    }
    done.add(id);
    learn(methargs, labels);
    if (result) {
      client.send([
        'resolve',
        [[result, false, { body: '#["data",[]]', slots: [] }]],
      ]);
    }
  };

  const refer = async (
    cluster: string,
    vat: string,
  ): Promise<Vref | undefined> => {
    const found: unknown = await world.runUntil(
      client.rpc.call('reference', { cluster, vat }).catch(() => undefined),
    );
    const vref = found === undefined ? undefined : (Object(found).vref as Vref);
    if (vref !== undefined) {
      roots.set(vat, vref);
      means(vref, `root ${vat}`);
    }
    return vref;
  };

  for (const name of PEERS) {
    await refer('demo', name);
  }

  /** The object of that kind that the cluster was granted, if it is still there. */
  const referToService = async (kind: string): Promise<Vref | undefined> => {
    const kref = [...rig.kernel.state.serviceObjects.values()].find(
      each => each.kind === kind,
    )?.kref;
    const found: unknown =
      kref &&
      (await world.runUntil(
        client.rpc.call('reference', { kref }).catch(() => undefined),
      ));
    const vref = found ? (Object(found).vref as Vref) : undefined;
    if (vref !== undefined) {
      means(vref, `service ${kind}`);
    }
    return vref;
  };

  return {
    client,
    refer,
    root: (vat: string): Vref | undefined => roots.get(vat),
    /** All on which it depends what it says and hears. */
    state: (): unknown => [
      exports,
      [...asked],
      [...done].sort(),
      [...own],
      [...roots],
      aliases,
    ],
    aliases: aliases as readonly Readonly<(typeof aliases)[number]>[],
    referToService,
    /** Calls a method that takes what is said in the body. */
    call: (
      id: string,
      to: Vref,
      body: string,
      slots: readonly Vref[],
    ): void => {
      exports += 1;
      const result = `p+${exports}` as Vref;
      asked.set(result, id);
      client.send(
        ['send', to, { methargs: { body: `#${body}`, slots }, result }],
        ['subscribe', result],
      );
    },
    hear: (): void => {
      for (const delivery of client.deliveries.splice(0)) {
        if (delivery[0] === 'notify') {
          onNotify(delivery[1]);
        } else if (delivery[0] === 'message') {
          onMessage(delivery[1], delivery[2]);
        }
      }
    },
    /** Asks for work; `withOwn` hands an object of the client's along. */
    work: (
      id: string,
      to: Vref,
      withOwn: boolean,
      alias?: { readonly id: string; readonly ref: Vref },
    ): void => {
      const slots = PEERS.flatMap(name => roots.get(name) ?? []);
      const labels = PEERS.map(name => `root ${name}`);
      if (alias) {
        slots.push(alias.ref);
        labels.push(`alias ${alias.id}`);
      }
      exports += 1;
      if (withOwn) {
        const vref = `o+${exports}` as Vref;
        own.set(vref, `${label} ${vref}`);
        slots.push(vref);
        labels.push(`${label} ${vref}`);
      }
      const result = `p+${exports}` as Vref;
      asked.set(result, id);
      const syscalls: Syscall[] = [
        [
          'send',
          to,
          { methargs: { body: workBody(id, labels), slots }, result },
        ],
        ['subscribe', result],
      ];
      client.send(...syscalls);
    },
  };
};

type Operator = Awaited<ReturnType<typeof makeOperator>>;

/** How often each deed was asked for, and which were answered. */
const makeBook = (known: readonly Entry[]) => {
  const attempts = new Map<number, number>();
  const settled = new Set<number>();
  for (const entry of known) {
    if (entry.kind === 'asked') {
      attempts.set(entry.deed, (attempts.get(entry.deed) ?? 0) + 1);
    } else if (entry.kind === 'answered') {
      settled.add(entry.deed);
    }
  }
  return {
    /** The number of this attempt, from 1. */
    begin: (deed: number): number => {
      const attempt = (attempts.get(deed) ?? 0) + 1;
      attempts.set(deed, attempt);
      return attempt;
    },
    isSettled: (deed: number): boolean => settled.has(deed),
    settle: (deed: number): void => void settled.add(deed),
  };
};

/** Does deeds, and notes what was asked and answered. */
const makeDoer = ({
  rig,
  program: { deeds },
  book,
  journal,
  draw,
  report,
  onPause,
  onVain,
  now,
}: {
  rig: Rig;
  program: Program;
  book: ReturnType<typeof makeBook>;
  journal: Journal;
  draw: Draws;
  report: (problem: string) => void;
  /** Told when it is known that no vat gets anything, and when that ends. */
  onPause: (isPaused: boolean) => void;
  /** Told of work that nobody may do, for its way was cut before. */
  onVain: (id: string) => void;
  now: () => number;
}) => {
  const extra = (index: number, attempt: number): string =>
    `x${index}${attempt > 1 ? `.${attempt}` : ''}`;
  const peer = (to: number): string => PEERS[to] ?? PEERS[0];
  /** Clusters that were launched besides, as far as can be known from here. */
  const extras = (): string[] =>
    [...rig.kernel.state.clusters.values()]
      .map(({ name }) => name)
      .filter(name => name.startsWith('x'))
      .sort();

  const request = (
    { client: { rpc } }: Operator,
    deed: number,
    {
      method,
      params,
      thing,
      fact,
      onDone = () => {},
    }: {
      method: string;
      params: Json;
      thing?: string;
      fact?: string;
      onDone?: () => void;
    },
  ): void => {
    journal.add({ kind: 'asked', deed, thing });
    const settle = (found: string | undefined): void => {
      book.settle(deed);
      journal.add({
        kind: 'answered',
        deed,
        thing,
        fact: found,
        work: undefined,
      });
    };
    rpc.call(method, params).then(
      () => {
        settle(fact);
        onDone();
      },
      (problem: unknown) => {
        const code = String(Object(problem).code);
        if (REFUSALS.includes(code)) {
          settle(undefined);
        } else if (!/closed|kernel has/i.test(String(problem))) {
          report(`${method} was refused: ${String(problem)}`);
        }
      },
    );
  };

  const lose = (to: number, what: 'worker' | 'host'): void => {
    PEERS.forEach(name => doubtSuspension(journal, name));
    const alive = rig.vats.all.filter(({ isKilled }) => !isKilled);
    if (what === 'host') {
      alive[0]?.lose('the process is gone', 'host');
    } else {
      alive[to % Math.max(1, alive.length)]?.lose('it is gone');
    }
  };

  const askWork = async (
    operator: Operator,
    deed: number,
    to: number,
    isRisky: boolean,
  ): Promise<void> => {
    const attempt = book.begin(deed);
    const id = `${isRisky ? 'h' : 't'}${deed}~${attempt}`;
    const [alias] = operator.aliases;
    if (isRisky && alias && draw(3, id, 'by alias') > 0) {
      if (alias.isRevoked) {
        onVain(id);
      }
      journal.add({ kind: 'asked', deed, thing: undefined });
      operator.work(id, alias.ref, true, alias);
      return;
    }
    const [cluster] = isRisky ? extras() : [];
    const vat = cluster && draw(2, id, 'y') ? `y${cluster.slice(1)}` : cluster;
    const target =
      cluster === undefined || vat === undefined
        ? operator.root(peer(to))
        : await operator.refer(cluster, vat);
    if (target !== undefined) {
      journal.add({ kind: 'asked', deed, thing: undefined });
      operator.work(id, target, isRisky);
    }
  };

  /** Asks a service for something that concerns a vat's root; nothing when the service's object is gone. */
  const askService = async (
    operator: Operator,
    deed: number,
    what: 'alarm' | 'alias',
    to: number,
  ): Promise<void> => {
    const service = await operator.referToService(
      what === 'alarm' ? 'timer' : 'revocation',
    );
    const root = operator.root(peer(to));
    if (service === undefined || root === undefined) {
      book.settle(deed);
      return;
    }
    const attempt = book.begin(deed);
    journal.add({ kind: 'asked', deed, thing: undefined });
    const time = now() + 50 + draw(500, deed, attempt, 'alarm');
    operator.call(
      `${what === 'alarm' ? 'a' : 'v'}${deed}~${attempt}`,
      service,
      JSON.stringify(
        what === 'alarm' ? ['wakeAt', [time, '$0']] : ['makeRevocable', ['$0']],
      ),
      [root],
    );
  };

  /** Steps that may still be made. */
  let stepsOpen = 0;
  let lastAsked = 0;
  /** Asks for it; as long as it is not answered nobody knows whether vats move. */
  const askPause = (
    operator: Operator,
    deed: number,
    method: 'pause' | 'step' | 'unpause',
  ): void => {
    onPause(false);
    stepsOpen += Number(method === 'step');
    lastAsked += 1;
    const asked = lastAsked;
    request(operator, deed, {
      method,
      params: {},
      onDone: () => {
        stepsOpen -= Number(method === 'step');
        onPause(method === 'pause' && stepsOpen === 0 && asked === lastAsked);
      },
    });
  };

  /** Does it; true when the session is to be left. */
  return async (operator: Operator, deed: number): Promise<boolean> => {
    const what = deeds[deed];
    if (what === undefined) {
      return false;
    }
    switch (what.do) {
      case 'work':
        await askWork(operator, deed, what.to, false);
        break;
      case 'risk':
        await askWork(operator, deed, what.to, true);
        break;
      case 'lose':
        book.settle(deed);
        lose(what.to, what.what);
        break;
      case 'leave':
        book.settle(deed);
        return true;
      case 'collect':
        request(operator, deed, { method: 'collect', params: {} });
        break;
      case 'alarm':
      case 'alias':
        await askService(operator, deed, what.do, what.to);
        break;
      case 'revoke': {
        const alias = operator.aliases.find(({ isRevoked }) => !isRevoked);
        if (alias === undefined) {
          book.settle(deed);
        } else {
          journal.add({ kind: 'asked', deed, thing: undefined });
          const id = `w${deed}~${book.begin(deed)} ${alias.id}`;
          operator.call(id, alias.revoker, '["revoke",[]]', []);
        }
        break;
      }
      case 'pause':
      case 'step':
      case 'unpause':
        askPause(operator, deed, what.do);
        break;
      case 'launch': {
        const name = extra(deed, book.begin(deed));
        const vats = [name, `y${name.slice(1)}`];
        const bundle = { text: codeOf(0) };
        const config = {
          name,
          vats: Object.fromEntries(
            vats.map(vat => [vat, { bundle, onFault: 'restart' }]),
          ),
        };
        request(operator, deed, {
          method: 'launch',
          params: { config },
          thing: `cluster ${name}`,
          fact: 'there',
        });
        break;
      }
      case 'terminate': {
        const [cluster] = extras();
        if (cluster !== undefined) {
          request(operator, deed, {
            method: 'terminate',
            params: { cluster },
            thing: `cluster ${cluster}`,
            fact: 'gone',
          });
        }
        break;
      }
      case 'upgrade': {
        const text = codeOf(1 + deed);
        doubtSuspension(journal, peer(what.to));
        request(operator, deed, {
          method: 'upgrade',
          params: { cluster: 'demo', vat: peer(what.to), bundle: { text } },
          thing: `code ${peer(what.to)}`,
          fact: hashOf(text),
        });
        break;
      }
      case 'restart':
        request(operator, deed, {
          method: 'restart',
          params: { cluster: 'demo', vat: peer(what.to) },
          thing: `suspension ${peer(what.to)}`,
        });
        break;
      case 'suspend':
      case 'resume':
        request(operator, deed, {
          method: what.do,
          params: { cluster: 'demo', vat: peer(what.to) },
          thing: `suspension ${peer(what.to)}`,
          fact: what.do === 'suspend' ? 'suspended' : 'none',
        });
        break;
      case 'keep': {
        const vref = operator.root(peer(what.to));
        if (vref !== undefined) {
          request(operator, deed, {
            method: 'keep',
            params: { name: `k${what.to}`, vref },
            thing: `home k${what.to}`,
            fact: 'there',
          });
        }
        break;
      }
      case 'forget':
        request(operator, deed, {
          method: 'forget',
          params: { name: `k${what.to}` },
          thing: `home k${what.to}`,
          fact: 'gone',
        });
        break;
      default:
        what satisfies never;
    }
    return false;
  };
};

/** Pieces of work that were not done, or not all that surely follows from them. */
const undoneIn = (
  draw: Draws,
  wanted: readonly string[],
  done: ReadonlySet<string>,
): string[] => {
  const plain = new Set([...done].map(plainOf));
  return [
    ...wanted
      .flatMap(id => sureWorkOf(draw, id))
      .filter(id => !plain.has(id))
      .map(id => `${id} was asked for, and never done`),
    ...[...done]
      .flatMap(id => sureWorkOf(draw, id))
      .filter(id => !done.has(id))
      .map(id => `${id} follows from what was done, and was not done`),
  ];
};

/**
 * Runs a program from its beginning, or from where a crash has left it, to its
 * end: whatever was asked for and not answered is asked for again. Notes every
 * moment at which the world might stop.
 */
export const runProgram = async <Disk>({
  program,
  storage,
  from,
  run = 1,
  failure,
  schedule,
  freedom = {},
  kernel = {},
}: RunOptions<Disk>): Promise<RunResult<Disk>> => {
  const problems: string[] = [];
  const report = (problem: string): void => {
    if (problems.length < 20) {
      problems.push(problem);
    }
  };
  const draw = makeDraws(program.seed);
  const choose = makeSequence(program.seed + 7919 * run);
  const journal = makeJournal(from?.known ?? [], report);
  let isHeldStill = false;
  /** Work whose way was cut before it was sent. */
  const vain = new Set<string>();
  const book = makeBook(from?.known ?? []);
  const points = new Map<string, number>();
  const moments: Moment<Disk>[] = [];
  const disk = await storage.open(from?.disk);

  const note = (where: string): void => {
    if (schedule) {
      return;
    }
    points.set(where, (points.get(where) ?? 0) + 1);
    const found = {
      where,
      disk: disk.snapshot(),
      known: journal.entries.length,
    };
    const last = moments.at(-1);
    if (last?.disk !== found.disk) {
      moments.push(found);
    } else if (journal.entries.slice(last.known).some(isRequest)) {
      moments.push(found);
    } else {
      moments[moments.length - 1] = found; // the disk is the same, and more is known of it
    }
  };
  disk.onPoint?.(note);

  const steps: Steps = makeSteps({
    isVatSlow: !schedule || freedom.areVatsSlow === true,
    isSoonAtOnce: schedule !== undefined && !freedom.isSoonFree,
    onMessage: ({ where, lane }) =>
      note(`${where} a message ${lane.split(' ')[0]} a vat`),
    onDelivery: ([kind]) => {
      if (isHeldStill && kind !== 'startVat') {
        report(`a vat was delivered ${kind} to while all were paused`);
      }
    },
  });

  disk.db.prepare(SCHEMA);
  journal.open(readContent(disk.db, disk.stores));
  disk.onPrepared?.();
  const { db, stores } = disk;
  let writes = 0;
  /** One write to the storage. */
  const around = (what: string, work: () => void): void => {
    writes += 1;
    const isToFail = writes === failure?.nth;
    note(`before ${what}`);
    if (!isToFail || failure?.isDone) {
      work();
    }
    note(`after ${what}`);
    if (isToFail) {
      throw failStorage(what, 'the test says so');
    }
  };
  /** Vats in the order of their last deliveries. */
  let lastTurns: VatId[] = [];
  const { faults = [], faultsOneIn = 6 } = program;
  const behave = makeDurableVats({
    draw,
    run,
    report,
    // A crash does not count the tries at a delivery: only the first run has faults.
    faultAt: id =>
      run === 1 && draw(faultsOneIn, id, 'fault') === 0
        ? faults[draw(Math.max(1, faults.length), id, 'which fault')]
        : undefined,
  });
  let cranks = 0;
  const turning: typeof behave = (delivery, vat) => {
    lastTurns = [...lastTurns.filter(id => id !== vat.id), vat.id];
    return behave(delivery, vat);
  };
  const rig = makeRig(turning, {
    parallel: 1 + draw(3, 'parallel'),
    epochCranks: draw(2, 'epochs') ? 1 + draw(6, 'cranks') : 1_000,
    holdMilliseconds: schedule ? 0 : draw(3, 'hold'),
    foldChanges: draw(2, 'fold') ? 1 + draw(20, 'folds') : 1_000,
    foldMilliseconds: 40,
    collectMilliseconds: 60,
    reapReferences: 3,
    reapDeliveries: 5,
    actionsPerDelivery: 2,
    deliveryMilliseconds: faults.includes('silent') ? 20_000 : 1e9,
    bootMilliseconds: 1e9,
    longMilliseconds: 1e9,
    evictMilliseconds: draw(3, 'evict') ? 300_000 : 20 + draw(100, 'idle'),
    services: ['timer', 'revocation'],
    rules: {
      onFault: 'restart',
      eviction: draw(2, 'eviction') ? 'any' : 'unseen',
    },
    ...kernel,
    afterCrank: () => {
      cranks += 1;
    },
    wrap: platform =>
      steps.wrap({
        ...platform,
        db: {
          ...db,
          get counters() {
            return db.counters;
          },
          prepare: () => {},
          commit: changes => {
            journal.begin(changes);
            around('a commit', () => db.commit(changes));
            journal.end();
            cranks = 0;
            note('after what was committed is known');
          },
        },
        stores: {
          ...stores,
          fold: (...args) => around('a fold', () => stores.fold(...args)),
          delete: (...args) =>
            around('the deletion of a file', () => stores.delete(...args)),
        },
      }),
  });

  let count = 0;
  let operator: Operator | undefined;
  const hasEnded = (): boolean => rig.kernel.status().state !== 'running';
  /** Time passes as slowly in one program as it is fast in another. */
  const patience = 1 + draw(12, 'patience');
  const chooseLane = (): Lane | undefined => {
    const lanes = steps.choices();
    if (schedule) {
      return lanes[0];
    }
    const busy = lanes.filter(lane => lane !== TIME);
    const some = busy.length > 0 && choose(patience) > 0 ? busy : lanes;
    return some[choose(Math.max(1, some.length))];
  };
  const step = async (lane = chooseLane()): Promise<boolean> => {
    if (lane === undefined || hasEnded()) {
      return false;
    }
    count += 1;
    if (count > MOST_STEPS) {
      throw Error('the world comes to no rest');
    }
    await steps.take(lane);
    operator?.hear();
    note('between two steps');
    return true;
  };
  const world = {
    /** Goes on, as ever it goes, until that has been answered. */
    runUntil: async <Value>(promise: Promise<Value>): Promise<Value> => {
      let isSettled = false;
      const settled = (): void => {
        isSettled = true;
      };
      promise.then(settled, settled);
      await drain();
      while (!isSettled) {
        if (hasEnded()) {
          throw Error('the kernel has ended');
        }
        if (!(await step())) {
          throw Error('nothing more happens, and an answer is still awaited');
        }
      }
      return promise;
    },
  };
  const rest = async (): Promise<void> => {
    while (await step());
  };

  let sessions = 0;
  const enter = async (): Promise<Operator> => {
    sessions += 1;
    const byWork = new Map<string, number>();
    return makeOperator(rig, world, {
      label: `client@${run}.${sessions}`,
      journal,
      report,
      answered: (work, isRejected) => {
        const deed = Number(/\d+/.exec(work)?.[0]);
        byWork.set(work, deed);
        book.settle(deed);
        journal.add({
          kind: 'answered',
          deed,
          thing: undefined,
          fact: undefined,
          work: isRejected ? undefined : work,
        });
      },
    });
  };

  const storesNow = (): ReadonlyMap<VatId, ReadonlyMap<string, string>> =>
    journal.content()?.stores ?? new Map();
  const doneNow = (): Set<string> =>
    new Set([...storesNow().values()].flatMap(workDoneIn));

  if (from) {
    brokenFacts(factsIn(from.known), rig).forEach(report);
    const done = doneNow();
    for (const entry of from.known) {
      const work = entry.kind === 'answered' ? entry.work : undefined;
      if (work?.startsWith('t') && !done.has(work)) {
        report(`${work} was answered, and is lost`);
      }
    }
  }
  const waiting = program.deeds
    .map((_, index) => index)
    .filter(deed => !book.isSettled(deed));
  const course: { end: RunResult<Disk>['end'] } = { end: 'whole' };
  let times = freedom.times ?? 0;
  /** All on which it depends how the run goes on; what the vats draw depends on the program alone. */
  const stateNow = (): string =>
    JSON.stringify([
      tablesNow(rig.kernel.state),
      workersNow(rig.vats),
      lastTurns,
      cranks,
      steps.state(),
      waiting,
      times,
      operator?.state(),
      journal.state(),
    ]);
  /** Lets everything come to its end, whatever holds it up. */
  const goToEnd = async (last: Operator): Promise<void> => {
    isHeldStill = false;
    await world.runUntil(last.client.rpc.call('unpause', {}));
    await rest();
    if ([...rig.kernel.state.vats.values()].some(row => row.suspension)) {
      PEERS.forEach(name => doubtSuspension(journal, name));
      await world.runUntil(last.client.rpc.call('resume', { cluster: 'demo' }));
      await rest();
    }
    await world.runUntil(last.client.rpc.call('collect', {}));
    await rest();
  };
  /** Has the schedule choose until all deeds are done and nothing is left but that time passes. */
  const goInAnyOrder = async (
    ask: Choose,
    doNext: () => Promise<void>,
  ): Promise<void> => {
    for (;;) {
      const lanes = steps.choices().filter(lane => lane !== TIME);
      const isTimeFree = times > 0 && steps.choices().includes(TIME);
      const isRest = lanes.length === 0 && waiting.length === 0;
      const options = [
        ...(waiting.length > 0 ? ['deed'] : []),
        ...lanes.sort(),
        ...(isTimeFree && !isRest ? [TIME] : []),
        ...(isRest ? ['rest'] : []),
        ...(freedom.mayCrash && !from ? ['crash'] : []),
      ];
      const index = options.length > 1 ? ask(options.length, stateNow) : 0;
      const option = index === undefined ? undefined : options[index];
      if (option === undefined || option === 'crash') {
        course.end = option === undefined ? 'known' : 'crashed';
        return;
      }
      if (option === 'rest') {
        return;
      }
      if (option === 'deed') {
        await doNext();
      } else {
        times -= Number(option === TIME);
        await step(option);
      }
      if (hasEnded()) {
        throw Error('the kernel has ended');
      }
    }
  };

  try {
    if (!rig.kernel.state.clusterByName.has('demo')) {
      await world.runUntil(rig.launch('demo', PEERS));
    }
    operator = await enter();
    const doDeed = makeDoer({
      rig,
      program,
      book,
      journal,
      draw,
      report,
      onPause: isPaused => {
        isHeldStill = isPaused;
      },
      onVain: id => vain.add(id),
      now: steps.clock.now,
    });
    const doNext = async (): Promise<void> => {
      const deed = waiting.shift() ?? 0;
      if (operator && (await doDeed(operator, deed))) {
        const left = operator;
        operator = await enter();
        left.client.rpc.close();
      }
      if (schedule) {
        await steps.settle();
      }
      note('after a request');
    };
    while (waiting.length > 0 && !schedule) {
      if (hasEnded()) {
        throw Error('the kernel has ended');
      }
      if (steps.choices().length > 0 && choose(4) > 0) {
        await step();
      } else {
        await doNext();
      }
    }
    if (schedule) {
      await goInAnyOrder(schedule, doNext);
    }
    if (course.end === 'whole') {
      await goToEnd(operator);
    }
  } catch (problem) {
    if (!failure || !hasEnded()) {
      report(`the run has failed: ${String(problem)}`);
    }
  }
  await drain();
  operator?.hear();
  const { state, reason } = rig.kernel.status();
  if (state !== (failure ? 'storage-failed' : 'running')) {
    report(`the kernel is ${state}: ${reason}`);
  }
  const wanted = program.deeds.flatMap((deed, index) =>
    deed.do === 'work' ? [`t${index}`] : [],
  );
  const done = doneNow();
  if (!failure && course.end === 'whole') {
    undoneIn(draw, wanted, done).forEach(report);
    const content = journal.content();
    const wakes = content ? wakesIn(content) : 0;
    const alarms = journal.countAlarms();
    if (wakes !== alarms) {
      report(`${alarms} alarms were set, and vats were woken ${wakes} times`);
    }
  }
  [...done]
    .filter(id => vain.has(id))
    .forEach(id => report(`${id} was done, and its way was cut before`));
  note('at the end');
  if (course.end === 'crashed') {
    moments.push({
      where: 'a crash',
      disk: disk.snapshot(),
      known: journal.entries.length,
    });
  }
  steps.stop();
  disk.abandon();
  return {
    end: course.end,
    problems,
    points,
    moments,
    known: journal.entries,
    view: [...new Set([...done].filter(id => !id.includes('h')).map(plainOf))]
      .sort()
      .join(),
    steps: count,
    writes,
    vain: vain.size,
  };
};

/** Continues where the world stopped at that moment of a run. */
export const resumeAt = <Disk>(
  options: RunOptions<Disk>,
  result: RunResult<Disk>,
  { disk, known }: Pick<Moment<Disk>, 'disk' | 'known'>,
): Promise<RunResult<Disk>> =>
  runProgram({
    ...options,
    run: (options.run ?? 1) + 1,
    from: { disk, known: result.known.slice(0, known) },
  });
