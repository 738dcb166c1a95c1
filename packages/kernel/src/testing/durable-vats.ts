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
import {
  birthBody,
  callBody,
  childrenOf,
  dataBody,
  isDocumented,
  isRisky,
  labelsIn,
  namesIn,
  PEERS,
  peerFor,
  plainOf,
  ROOT_LABELS,
  survivesHeap,
  urlFor,
  workBody,
  type Name,
} from './durable-work.ts';
import type { Behavior, Deed, RawVat } from './raw-vats.ts';

/** Not to answer, and so to pass the deadline; or a syscall that no vat may make. */
export type VatFault = 'silent' | 'illegal';

/** What a maker may do to the vat that it has made. */
export const NODE_METHODS = [
  'terminate',
  'suspend',
  'resume',
  'pause',
  'upgrade',
  'stats',
] as const;

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
    const mind = minds.get(vat) ?? new Map(vat.store);
    minds.set(vat, mind);
    const changes = new Map<string, string | null>();
    const syscalls: Syscall[] = [];
    const say = (problem: string): void =>
      report(`${vat.label} (${vat.id}): ${problem}`);

    const put = (key: string, value: string): void => {
      mind.set(key, value);
      changes.set(key, value);
    };
    const remove = (key: string): void => {
      if (mind.delete(key)) {
        changes.set(key, null);
      }
    };

    const nameOf = (vref: string): Name | undefined => {
      const row = mind.get(`n ${vref}`);
      return row === undefined ? undefined : (JSON.parse(row) as Name);
    };
    const write = (vref: string, label: string, isStrong: boolean): void => {
      put(`n ${vref}`, JSON.stringify({ label, isStrong }));
      put(`l ${label}`, vref);
    };
    const forget = (vref: string): void => {
      const label = nameOf(vref)?.label;
      ['n', 'c', 'w', 'r'].forEach(kind => remove(`${kind} ${vref}`));
      if (label !== undefined) {
        remove(`l ${label}`);
      }
    };
    const learn = (vref: string, label: string): void => {
      const known = nameOf(vref)?.label;
      const before = mind.get(`l ${label}`);
      if (known !== undefined && known !== label) {
        say(`${vref} was ${known}, and now it is ${label}`);
      }
      if (before !== undefined && before !== vref) {
        say(`${label} was ${before}, and now it is ${vref}`);
      }
      if (known === undefined && isExportVref(vref as Vref)) {
        say(`${vref} comes as ${label}, and was never exported`);
      }
      write(vref, label, true);
    };
    const makeExport = (kind: 'object' | 'durable' | 'promise'): string => {
      const number = Number(mind.get('x') ?? 1);
      put('x', String(number + 1));
      const vref = `${{ object: 'o+', durable: 'o+d10/', promise: 'p+' }[kind]}${number}`;
      write(vref, `${vat.id} ${vref}@${run}`, true);
      return vref;
    };

    const strong = (isMeant: (vref: Vref) => boolean): string[] =>
      [...namesIn(mind)]
        .filter(([vref, { isStrong }]) => isStrong && isMeant(vref as Vref))
        .map(([vref]) => vref)
        .sort();
    const any = (
      vrefs: readonly string[],
      ...words: readonly (string | number)[]
    ): string | undefined => vrefs[draw(Math.max(1, vrefs.length), ...words)];

    /** Something is sent: an export of its own that was dropped is held again. */
    const mention = (vref: string): string => {
      const name = nameOf(vref);
      if (name && !name.isStrong) {
        write(vref, name.label, true);
      }
      return name?.label ?? '';
    };
    const dataOf = (vrefs: readonly string[]): CapData => ({
      body: dataBody(vrefs.map(mention)),
      slots: vrefs as Vref[],
    });

    const settle = (
      vref: string,
      ...words: readonly (string | number)[]
    ): void => {
      const others = strong(each => each !== vref);
      const object = any(
        others.filter(each => !isPromiseVref(each as Vref)),
        ...words,
        'single',
      );
      const how = draw(8, ...words, 'how');
      if (how < 2 && object !== undefined) {
        const label = mention(object);
        syscalls.push([
          'resolve',
          [
            [
              vref as Vref,
              false,
              { body: `#"$0.Alleged: ${label}"`, slots: [object as Vref] },
            ],
          ],
        ]);
      } else {
        const some = any(others, ...words, 'slot');
        const slots = how > 4 && some !== undefined ? [some] : [];
        syscalls.push(['resolve', [[vref as Vref, how === 3, dataOf(slots)]]]);
      }
      const linked = mind.get(`r ${vref}`);
      forget(vref);
      if (linked !== undefined && mind.has(`c ${linked}`)) {
        settle(linked, ...words, 'linked');
      }
    };

    const sendChild = (id: string, child: string): string | undefined => {
      const sure = !isRisky(child);
      const roots = ROOT_LABELS.flatMap(label => mind.get(`l ${label}`) ?? []);
      const target = sure
        ? mind.get(`l ${peerFor(draw, child)}`)
        : any(
            strong(() => true),
            child,
            'to',
          );
      if (target === undefined) {
        say(`it has not got whom ${child} is for`);
        return undefined;
      }
      const slots = new Set(roots);
      for (let count = draw(3, child, 'slots'); count > 0; count -= 1) {
        const kind = draw(5, child, count);
        const slot =
          kind === 0
            ? makeExport('durable')
            : kind === 1
              ? makeExport('object')
              : kind === 2
                ? makeExport('promise')
                : any(
                    strong(() => true),
                    child,
                    'known',
                    count,
                  );
        if (kind === 2 && slot !== undefined) {
          put(`c ${slot}`, id);
        }
        if (slot !== undefined) {
          slots.add(slot);
        }
      }
      mention(target);
      let result: string | null = null;
      if (draw(4, child, 'result') > 0) {
        result = makeExport('promise');
        write(result, `res ${child}`, true);
      }
      const labels = [...slots].map(mention);
      syscalls.push([
        'send',
        target as Vref,
        {
          methargs: {
            body: workBody(child, labels),
            slots: [...slots] as Vref[],
          },
          result: result as Vref | null,
        },
      ]);
      if (result !== null && draw(5, child, 'subscribe') > 0) {
        syscalls.push(['subscribe', result as Vref]);
        put(`w ${result}`, child);
        return result;
      }
      return undefined;
    };

    const holds = (label: string): string[] =>
      strong(vref => nameOf(vref)?.label.startsWith(label) === true);

    /** Asks something of the kernel's that it holds, and durably waits for the answer. */
    const ask = (
      id: string,
      target: string,
      body: string,
      slots: readonly string[],
    ): void => {
      slots.forEach(mention);
      const result = makeExport('promise');
      write(result, `res ${id} of ${mention(target)}`, true);
      put(`w ${result}`, id);
      syscalls.push(
        [
          'send',
          target as Vref,
          {
            methargs: { body, slots: slots as Vref[] },
            result: result as Vref,
          },
        ],
        ['subscribe', result as Vref],
      );
    };

    /** May have a vat be made, govern one that was, and ask a server. */
    const askServices = (id: string): void => {
      const [administrator] = holds('service vatAdmin');
      if (administrator !== undefined && draw(6, id, 'birth') === 0) {
        const roots = ROOT_LABELS.flatMap(
          label => mind.get(`l ${label}`) ?? [],
        ).filter(vref => nameOf(vref)?.isStrong);
        const labels = roots.map(mention);
        const name = `zv-${id.replace(/[^\w.]/g, '-')}`;
        ask(id, administrator, birthBody('helper', name, labels), roots);
      }
      const node = any(holds('node '), id, 'node');
      if (node !== undefined && draw(3, id, 'govern') === 0) {
        const method = NODE_METHODS[draw(NODE_METHODS.length, id, 'how')];
        const args = method === 'upgrade' ? ['helper'] : [];
        ask(`${id} of node`, node, callBody(method ?? '', args), []);
      }
      const [fetch] = holds('service fetch');
      if (fetch !== undefined && draw(4, id, 'fetch') === 0) {
        ask(`${id} of fetch`, fetch, callBody('fetch', [urlFor(id)]), []);
      }
    };

    const isOther = (vref: Vref): boolean =>
      !isPromiseVref(vref) &&
      !ROOT_LABELS.includes(nameOf(vref)?.label ?? '') &&
      vref !== ROOT_VREF;

    /** Lets go of something, one way or another. */
    const collect = (id: string): void => {
      const act = draw(8, id, 'collect');
      const names = namesIn(mind);
      if (act < 3) {
        const vref = any(
          strong(each => isOther(each) && !isExportVref(each)),
          id,
          'drop',
        );
        const name = vref === undefined ? undefined : nameOf(vref);
        if (vref !== undefined && name) {
          syscalls.push(['dropImports', [vref as Vref]]);
          write(vref, name.label, false);
        }
      } else if (act === 3) {
        const weak = [...names]
          .filter(
            ([vref, { isStrong }]) => !isStrong && !isExportVref(vref as Vref),
          )
          .map(([vref]) => vref);
        const vref = any(weak.sort(), id, 'retire');
        if (vref !== undefined) {
          syscalls.push(['retireImports', [vref as Vref]]);
          forget(vref);
        }
      } else if (act === 4) {
        const own = [...names.keys()]
          .filter(vref => isOther(vref as Vref) && isExportVref(vref as Vref))
          .sort();
        const vref = any(own, id, 'give up');
        if (vref !== undefined) {
          const isHeld = names.get(vref)?.isStrong;
          syscalls.push([
            isHeld ? 'abandonExports' : 'retireExports',
            [vref as Vref],
          ]);
          forget(vref);
        }
      }
    };

    const work = (
      id: string,
      slots: readonly string[],
      labels: readonly string[],
      result: string | null,
    ): void => {
      if (mind.has(`d ${id}`)) {
        say(`it is to do ${id} again`);
      }
      put(`d ${id}`, String(vat.incarnation));
      slots.forEach((vref, index) => learn(vref, labels[index] ?? ''));
      if (result !== null) {
        learn(result, `res ${id}`);
        put(`c ${result}`, id);
      }
      let answer: string | undefined;
      for (const child of childrenOf(draw, id)) {
        answer = sendChild(id, child) ?? answer;
      }
      const decided = [...mind.keys()]
        .filter(key => key.startsWith('c '))
        .map(key => key.slice(2))
        .filter(vref => vref !== result)
        .sort();
      const old = any(decided, id, 'old');
      if (old !== undefined && draw(2, id, 'settle old') === 0) {
        settle(old, id, 'old');
      }
      if (result !== null && mind.has(`c ${result}`)) {
        const how = draw(8, plainOf(id), 'answer');
        if (answer !== undefined && how < 3) {
          put(`r ${answer}`, result);
        } else if (how < 7) {
          settle(result, id, 'answer');
        }
      }
      askServices(id);
      collect(id);
      if (/^x|^zv/.test(vat.label) && draw(12, id, 'exit') === 0) {
        syscalls.push(['exit', false, { body: '#"enough"', slots: [] }]);
      }
    };

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
        put(key, String(Number(mind.get(key) ?? 0) + 1));
        return;
      }
      work(args[0], methargs.slots, args[1], result ?? null);
    };

    const onNotify = (
      resolutions: Extract<Delivery, readonly ['notify', ...unknown[]]>[1],
    ): void => {
      if (!resolutions.some(([vref]) => mind.has(`w ${vref}`))) {
        say(`it is told of ${resolutions[0]?.[0]}, and did not ask`);
      }
      for (const [vref, isRejected, data] of resolutions) {
        if (!nameOf(vref)) {
          say(`it is told of ${vref}, which it has not`);
        }
        const labels = labelsIn(data);
        if (labels.length !== data.slots.length) {
          say(`the resolution of ${vref} is not what somebody said`);
        }
        if (isRejected && !isDocumented(data)) {
          say(`${vref} was rejected with ${data.body}`);
        }
        data.slots.forEach((slot, index) => learn(slot, labels[index] ?? ''));
      }
      const linked = resolutions.flatMap(
        ([vref]) => mind.get(`r ${vref}`) ?? [],
      );
      resolutions.forEach(([vref]) => forget(vref));
      for (const vref of linked) {
        if (mind.has(`c ${vref}`)) {
          settle(vref, mind.get(`c ${vref}`) ?? '', 'heard');
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
      for (const [vref, { isStrong }] of namesIn(mind)) {
        remove(`c ${vref}`);
        remove(`r ${vref}`);
        if (!survivesHeap(mind, vref)) {
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
          say(
            `its ${kind} are ${own} by its store, and ${others} by its c-list`,
          );
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
      changes: [...changes] as StoreChange[],
    };
  };
};
