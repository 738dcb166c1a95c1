import type { Syscall, VatId, Vref } from '@cooperage/protocol';
import {
  endVat,
  name,
  retire,
  type ModelVat,
  type Sent,
  type Token,
} from './model-vat.ts';

/** What vats do in their deliveries: each deed changes the model and gives its syscalls. */
export const makeDeeds = (
  sent: Sent[],
  makeToken: (kind: Token['kind'], decider: VatId | null) => Token,
) => ({
  /** The vat ends itself. */
  end: (vat: ModelVat): Syscall[] => {
    endVat(vat);
    return [['exit', false, { body: '#"done"', slots: [] }]];
  },
  /** The vat lets go of an object of another's: it may know it when it comes again. */
  drop: (vat: ModelVat, token: Token): Syscall[] => {
    vat.weak.add(token);
    return [['dropImports', [vat.vrefs.get(token) as Vref]]];
  },
  retire: (vat: ModelVat, token: Token): Syscall[] => {
    const vref = vat.vrefs.get(token) as Vref;
    retire(vat, token);
    return [['retireImports', [vref]]];
  },
  /** The vat gives up an object of its own: as it may, or as it must not before it was told to drop it. */
  giveUp: (vat: ModelVat, token: Token): Syscall[] => {
    const vref = vat.vrefs.get(token) as Vref;
    const kind = vat.dropped.has(token) ? 'retireExports' : 'abandonExports';
    token.orphaned = true;
    retire(vat, token);
    return [[kind, [vref]]];
  },
  /** A message that the vat sends now; gives its syscall. */
  send: (
    vat: ModelVat,
    target: Token,
    slots: readonly Token[],
    wantsResult: boolean,
  ): Syscall[] => {
    const result = wantsResult ? makeToken('promise', null) : null;
    const number = sent.length;
    const order = number;
    sent.push({
      sender: vat.id,
      target,
      slots,
      result,
      order,
      landed: false,
      lost: false,
    });
    const vrefOf = (token: Token): Vref => {
      vat.dropped.delete(token);
      const vref = vat.vrefs.get(token);
      if (!vref) {
        throw Error(
          `the program names token ${token.id}, which ${vat.id} lacks`,
        );
      }
      return vref;
    };
    const methargs = {
      body: `#${JSON.stringify(['m', [number]])}`,
      slots: slots.map(vrefOf),
    };
    const syscalls: Syscall[] = [];
    if (result) {
      const vref = `p+${vat.nextExport}` as Vref;
      vat.nextExport += 1;
      syscalls.push(
        ['send', vrefOf(target), { methargs, result: vref }],
        ['subscribe', vref],
      );
      name(vat, vref, result);
      vat.awaits.add(result);
    } else {
      syscalls.push(['send', vrefOf(target), { methargs, result: null }]);
    }
    return syscalls;
  },
  /** A promise that the vat settles now. */
  settle: (
    vat: ModelVat,
    token: Token,
    settled: NonNullable<Token['settled']>,
  ): Syscall[] => {
    const vref = vat.vrefs.get(token);
    settled.slots.forEach(slot => vat.dropped.delete(slot));
    const slots = settled.slots.flatMap(slot => vat.vrefs.get(slot) ?? []);
    if (vref === undefined || slots.length !== settled.slots.length) {
      throw Error('the program settles what it can not name');
    }
    const body = settled.single ? '#"$0"' : '#["data"]';
    token.settled = settled;
    token.decider = null;
    vat.awaits.delete(token);
    retire(vat, token);
    return [['resolve', [[vref, settled.isRejected, { body, slots }]]]];
  },
  /** The vat exports something new. */
  export: (vat: ModelVat, kind: 'object' | 'durable' | 'promise'): Token => {
    const isPromise = kind === 'promise';
    const token = makeToken(
      isPromise ? 'promise' : 'object',
      isPromise ? vat.id : null,
    );
    const prefix = { object: 'o+', durable: 'o+d10/', promise: 'p+' }[kind];
    name(vat, `${prefix}${vat.nextExport}` as Vref, token);
    vat.nextExport += 1;
    return token;
  },
});
