import {
  isExportVref,
  isPromiseVref,
  ROOT_VREF,
  type CapData,
  type Delivery,
  type StoreChange,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import type { Draws } from './draws.ts';
import { makeDeeds } from './durable-deeds.ts';
import { makeMind } from './durable-mind.ts';
import {
  callBody,
  isDocumented,
  labelsFor,
  namesIn,
  OF_END,
  PEERS,
  survivesHeap,
} from './durable-work.ts';
import type { Behavior, Deed, RawVat } from './raw-vats.ts';

/** Not to answer, and so to pass the deadline; or a syscall that no vat may make. */
export type VatFault = 'silent' | 'illegal';

/** What a vat does in one delivery that does not fail. */
const deliver = (
  delivery: Delivery,
  vat: RawVat,
  {
    rows: stored,
    draw,
    run,
    say,
  }: {
    /** Its mind, which changes. */
    rows: Map<string, string>;
    draw: Draws;
    run: number;
    say: (problem: string) => void;
  },
): Deed => {
  const mind = makeMind(vat, stored, { draw, run, say });
  const { rows, put, remove, nameOf, write, forget, learn } = mind;
  const syscalls: Syscall[] = [];
  const { settle, ask, work } = makeDeeds(vat, { mind, draw, say, syscalls });

  const onMessage = (
    target: string,
    {
      methargs,
      result,
    }: Extract<Delivery, readonly ['message', ...unknown[]]>[2],
  ): void => {
    const [method, args] = JSON.parse(methargs.body.slice(1));
    if (!nameOf(target)) {
      say(`a message came for ${target}, which it has not`);
    }
    if (method === 'bootstrap') {
      const labels = [
        ...Object.keys(args[0]).map(name => `root ${name}`),
        ...Object.keys(args[1]).map(name => `service ${name}`),
      ];
      labels.forEach((label, index) =>
        learn(methargs.slots[index] ?? '', label),
      );
      if (result) {
        syscalls.push([
          'resolve',
          [[result, false, { body: '#"ready"', slots: [] }]],
        ]);
      }
      return;
    }
    if (method === 'wake') {
      const key = PEERS.some(name => name === vat.label) ? 'k' : 'kr';
      put(key, String(Number(rows.get(key) ?? 0) + 1));
      return;
    }
    work(args[0], methargs.slots, args[1], result ?? null);
  };

  const onNotify = (
    resolutions: Extract<Delivery, readonly ['notify', ...unknown[]]>[1],
  ): void => {
    if (!resolutions.some(([vref]) => rows.has(`w ${vref}`))) {
      say(`it is told of ${resolutions[0]?.[0]}, and did not ask`);
    }
    for (const [vref, isRejected, data] of resolutions) {
      if (!nameOf(vref)) {
        say(`it is told of ${vref}, which it has not`);
      }
      const labels = labelsFor(nameOf(vref)?.label, data);
      if (labels.length !== data.slots.length) {
        say(`the resolution of ${vref} is not what somebody said`);
      }
      if (isRejected && !isDocumented(data)) {
        say(`${vref} was rejected with ${data.body}`);
      }
      data.slots.forEach((slot, index) => learn(slot, labels[index] ?? ''));
    }
    const nodes = resolutions.flatMap(([, , { slots }]) =>
      slots.filter(slot => nameOf(slot)?.label.startsWith('node ')),
    );
    const linked = resolutions.flatMap(([vref]) => rows.get(`r ${vref}`) ?? []);
    resolutions.forEach(([vref]) => forget(vref));
    for (const node of nodes) {
      const id = nameOf(node)?.label ?? '';
      if (draw(2, vat.label, id, 'end') === 0) {
        ask(`${id}${OF_END}`, node, callBody('done', []), []);
      }
    }
    for (const vref of linked) {
      if (rows.has(`c ${vref}`)) {
        settle(vref, rows.get(`c ${vref}`) ?? '', 'heard');
      }
    }
  };

  /** A vat that was made by another knows what it was made with. */
  const readParameters = ({ body, slots }: CapData): void => {
    const labels: readonly string[] =
      Object(JSON.parse(body.slice(1))).labels ?? [];
    slots.forEach((slot, index) => learn(slot, labels[index] ?? ''));
  };

  const onStart = (parameters: CapData): void => {
    if (vat.incarnation === 1) {
      write(ROOT_VREF, `root ${vat.label}`, true);
      readParameters(parameters);
      return;
    }
    const expected: Record<
      'reachable' | 'recognizable' | 'promises',
      string[]
    > = {
      reachable: [],
      recognizable: [],
      promises: [],
    };
    for (const [vref, { isStrong }] of namesIn(rows)) {
      remove(`c ${vref}`);
      remove(`r ${vref}`);
      if (!survivesHeap(rows, vref)) {
        forget(vref);
      } else if (parameters.slots.includes(vref as Vref)) {
        // What the start itself names is not what an earlier heap has left.
      } else if (isPromiseVref(vref as Vref)) {
        expected.promises.push(vref);
      } else if (!isExportVref(vref as Vref)) {
        expected[isStrong ? 'reachable' : 'recognizable'].push(vref);
      }
    }
    const told = vat.held;
    for (const kind of ['reachable', 'recognizable', 'promises'] as const) {
      const own = expected[kind].sort().join();
      const others = [...(told?.[kind] ?? [])].sort().join();
      if (own !== others) {
        say(`its ${kind} are ${own} by its store, and ${others} by its c-list`);
      }
    }
    readParameters(parameters);
  };

  const onGarbage = (
    kind: 'dropExports' | 'retireExports' | 'retireImports',
    vrefs: readonly Vref[],
  ): void => {
    for (const vref of vrefs) {
      const name = nameOf(vref);
      if (
        !name ||
        isExportVref(vref) === (kind === 'retireImports') ||
        name.isStrong !== (kind === 'dropExports')
      ) {
        say(`it got ${kind} of ${vref}, which is ${JSON.stringify(name)}`);
      }
      if (kind === 'dropExports') {
        write(vref, name?.label ?? '', false);
      } else {
        forget(vref);
      }
    }
  };

  switch (delivery[0]) {
    case 'startVat':
      onStart(delivery[1]);
      break;
    case 'message':
      onMessage(delivery[1], delivery[2]);
      break;
    case 'notify':
      onNotify(delivery[1]);
      break;
    case 'bringOutYourDead':
      break;
    default:
      onGarbage(delivery[0], delivery[1]);
  }
  return {
    syscalls,
    changes: [...mind.changes] as StoreChange[],
  };
};

/** The piece of work that the delivery asks for, if it does. */
const workOf = (delivery: Delivery): string | undefined => {
  if (delivery[0] !== 'message') {
    return undefined;
  }
  const [method, args] = JSON.parse(delivery[2].methargs.body.slice(1));
  return method === 'work' ? args[0] : undefined;
};

/**
 * Vats whose whole mind is in their store: which names they have, what each
 * means, what they have done. So the same crank commits both sides of the truth,
 * and whatever was lost in a crash, they tell when a name means something else
 * than it did, when work comes twice, and when they are told what they can't be.
 * What they do depends on the work alone, where it says that it is sure.
 */
export const makeDurableVats = ({
  draw,
  run,
  report,
  faultAt = () => undefined,
}: {
  draw: Draws;
  /** Tells names that two runs of the kernel gave apart. */
  run: number;
  report: (problem: string) => void;
  /** How the first worker that gets the piece of work fails at it, if it does. */
  faultAt?: (id: string) => VatFault | undefined;
}): Behavior => {
  const minds = new WeakMap<RawVat, Map<string, string>>();
  /** Work at which a worker has failed. */
  const failed = new Set<string>();
  const nextFault = (delivery: Delivery): VatFault | undefined => {
    const id = workOf(delivery);
    const fault = id === undefined || failed.has(id) ? undefined : faultAt(id);
    if (id !== undefined && fault !== undefined) {
      failed.add(id);
    }
    return fault;
  };

  return (delivery: Delivery, vat: RawVat): Deed | undefined => {
    const fault = nextFault(delivery);
    if (fault === 'silent') {
      return undefined;
    }
    if (fault === 'illegal') {
      return {
        syscalls: [['dropImports', ['o-987654' as Vref]]],
        changes: [['d of a delivery that is void', '']],
      };
    }
    const rows = minds.get(vat) ?? new Map(vat.store);
    minds.set(vat, rows);
    return deliver(delivery, vat, {
      rows,
      draw,
      run,
      say: problem => report(`${vat.label} (${vat.id}): ${problem}`),
    });
  };
};
