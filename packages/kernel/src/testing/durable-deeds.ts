import {
  isExportVref,
  isPromiseVref,
  ROOT_VREF,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import type { Draws } from './draws.ts';
import type { Mind } from './durable-mind.ts';
import {
  birthBody,
  callBody,
  childrenOf,
  isRisky,
  namesIn,
  narrowBody,
  NODE_METHODS,
  OF_END,
  OF_NARROW,
  peerFor,
  plainOf,
  ROOT_LABELS,
  urlFor,
  workBody,
} from './durable-work.ts';
import type { RawVat } from './raw-vats.ts';

/** What a vat does in one delivery: its words are added to the syscalls, and all else is in its mind. */
export const makeDeeds = (
  vat: RawVat,
  {
    mind,
    draw,
    say,
    syscalls,
  }: {
    mind: Mind;
    draw: Draws;
    /** Tells what is wrong. */
    say: (problem: string) => void;
    syscalls: Syscall[];
  },
) => {
  const { rows, put, nameOf, write, forget, learn } = mind;
  const { makeExport, strong, any, mention, dataOf } = mind;

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
    const linked = rows.get(`r ${vref}`);
    forget(vref);
    if (linked !== undefined && rows.has(`c ${linked}`)) {
      settle(linked, ...words, 'linked');
    }
  };

  const sendChild = (id: string, child: string): string | undefined => {
    const sure = !isRisky(child);
    const roots = ROOT_LABELS.flatMap(label => rows.get(`l ${label}`) ?? []);
    const target = sure
      ? rows.get(`l ${peerFor(draw, child)}`)
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

  /** May have a vat be made, narrow what makes them, govern one that was, and ask a server. */
  const askServices = (id: string): void => {
    const administrator = any(
      [...holds('service vatAdmin'), ...holds('administrator ')],
      id,
      'administrator',
    );
    if (administrator !== undefined && draw(8, id, 'narrow') === 0) {
      ask(`${id}${OF_NARROW}`, administrator, narrowBody(draw, id), []);
    }
    if (administrator !== undefined && draw(6, id, 'birth') === 0) {
      const roots = ROOT_LABELS.flatMap(
        label => rows.get(`l ${label}`) ?? [],
      ).filter(vref => nameOf(vref)?.isStrong);
      const labels = roots.map(mention);
      const name = `zv-${id.replace(/[^\w.]/g, '-')}`;
      ask(id, administrator, birthBody('helper', name, labels), roots);
    }
    const node = any(holds('node '), id, 'node');
    if (node !== undefined && draw(3, id, 'govern') === 0) {
      const method = NODE_METHODS[draw(NODE_METHODS.length, id, 'how')];
      const args = method === 'upgrade' ? ['helper'] : [];
      const what = method === 'done' ? OF_END : ' of node';
      ask(`${id}${what}`, node, callBody(method ?? '', args), []);
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
    const names = namesIn(rows);
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
    if (rows.has(`d ${id}`)) {
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
    const decided = [...rows.keys()]
      .filter(key => key.startsWith('c '))
      .map(key => key.slice(2))
      .filter(vref => vref !== result)
      .sort();
    const old = any(decided, id, 'old');
    if (old !== undefined && draw(2, id, 'settle old') === 0) {
      settle(old, id, 'old');
    }
    if (result !== null && rows.has(`c ${result}`)) {
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
      const isFailure = draw(2, id, 'failure') === 0;
      syscalls.push(['exit', isFailure, { body: '#"enough"', slots: [] }]);
    }
  };

  return { settle, ask, work };
};
