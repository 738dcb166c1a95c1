import type { CapData, Delivery, Syscall, Vref } from '@cooperage/protocol';
import { isDocumented, labelsFor, PEERS, workBody } from './durable-work.ts';
import type { Journal } from './journal.ts';
import type { RawClient, Rig } from './rig.ts';

/** What holds of a thing once something was answered. */
export type Claim = { readonly thing: string; readonly fact: string };

/** One session of the one at the console, and what it has heard. */
export const makeOperator = async (
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
    answered: (work: string, isRejected: boolean, claim?: Claim) => void;
  },
) => {
  const client: RawClient = await world.runUntil(rig.connect());
  const asked = new Map<string, string>();
  const done = new Set<string>();
  const own = new Map<string, string>();
  const roots = new Map<string, Vref>();
  /** Aliases by the question that made them. */
  const claims = new Map<string, Claim>();
  /** Administrators that may do less than the one that was granted. */
  const administrators: { readonly id: string; readonly ref: Vref }[] = [];
  /** Alarms that repeat, until they are known to be canceled. */
  const alarms: { readonly id: string; readonly ref: Vref }[] = [];
  const aliases: {
    readonly id: string;
    readonly ref: Vref;
    readonly revoker: Vref;
    isRevoked: boolean;
  }[] = [];
  let exports = 0;

  /** What the kernel calls one of the client's imports. */
  const krefOf = (vref: string): string => `k${vref.replace('-', '')}`;
  const means = (vref: string, what: string): void => {
    if (vref.includes('-')) {
      journal.mean(krefOf(vref), what);
    }
  };
  const learn = ({ slots }: CapData, labels: readonly string[]): void => {
    slots.forEach((slot, index) => means(slot, labels[index] ?? ''));
  };

  /** What a service gives is called after the question. */
  const labelsOf = (
    id: string | undefined,
    vref: Vref,
    data: CapData,
  ): readonly string[] =>
    id?.startsWith('a') || id?.startsWith('p')
      ? [`alarm ${id}`]
      : id?.startsWith('v')
        ? [`alias ${id}`, `revoker ${id}`]
        : id?.startsWith('n')
          ? [`administrator ${id}`]
          : labelsFor(journal.meaningOf(krefOf(vref)), data);
  const noteGiven = (
    id: string,
    isRejected: boolean,
    { slots: [ref, revoker] }: CapData,
  ): void => {
    if (id.startsWith('p') && ref !== undefined) {
      alarms.push({ id, ref });
    }
    if (id.startsWith('n') && ref !== undefined) {
      administrators.push({ id, ref });
    }
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
      learn(data, isRejected ? [] : labelsOf(work, vref, data));
      if (work !== undefined) {
        noteGiven(work, isRejected, data);
        answered(work, isRejected, claims.get(work));
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

  const isGranted = ({ kind, data }: { kind: string; data: string }): boolean =>
    kind !== 'administrator' ||
    rig.kernel.state.quotas.get(Number(data))?.parent === null;

  /** The object of that kind that the cluster was granted, if it is still there. */
  const referToService = async (kind: string): Promise<Vref | undefined> => {
    const kref = [...rig.kernel.state.serviceObjects.values()].find(
      each => each.kind === kind && isGranted(each),
    )?.kref;
    const found: unknown =
      kref &&
      (await world.runUntil(
        client.rpc.call('reference', { kref }).catch(() => undefined),
      ));
    const vref = found ? (Object(found).vref as Vref) : undefined;
    if (vref !== undefined) {
      const service = kind === 'administrator' ? 'vatAdmin' : kind;
      means(vref, `service ${service}`);
    }
    return vref;
  };

  /** The object by which a vat that was born is governed, if somebody still has it. */
  const referToNode = async (name: string): Promise<Vref | undefined> => {
    const { vats, children, serviceObjects } = rig.kernel.state;
    const vat = [...vats.values()].find(row => row.name === name);
    const kref = vat && children.get(vat.id)?.node;
    if (kref === undefined || !serviceObjects.has(kref)) {
      return undefined;
    }
    const found: unknown = await world.runUntil(
      client.rpc.call('reference', { kref }).catch(() => undefined),
    );
    const vref = found ? (Object(found).vref as Vref) : undefined;
    if (vref !== undefined) {
      means(vref, `node ${name}`);
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
      alarms,
      administrators,
    ],
    aliases: aliases as readonly Readonly<(typeof aliases)[number]>[],
    alarms: alarms as readonly (typeof alarms)[number][],
    administrators:
      administrators as readonly (typeof administrators)[number][],
    referToService,
    referToNode,
    /** Calls a method that takes what is said in the body; if it is fulfilled, the claim holds from then on. */
    call: (
      id: string,
      to: Vref,
      body: string,
      slots: readonly Vref[],
      claim?: Claim,
    ): void => {
      exports += 1;
      const result = `p+${exports}` as Vref;
      asked.set(result, id);
      if (claim) {
        claims.set(id, claim);
      }
      client.send(
        ['send', to, { methargs: { body, slots }, result }],
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

export type Operator = Awaited<ReturnType<typeof makeOperator>>;
