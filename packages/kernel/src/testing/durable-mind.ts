import { isExportVref, type CapData, type Vref } from '@cooperage/protocol';
import type { Draws } from './draws.ts';
import { dataBody, namesIn, type Name } from './durable-work.ts';
import type { RawVat } from './raw-vats.ts';

/** What a vat knows by its store, and what of it changes in one delivery. */
export const makeMind = (
  vat: RawVat,
  rows: Map<string, string>,
  {
    draw,
    run,
    say,
  }: {
    draw: Draws;
    /** Tells names that two runs of the kernel gave apart. */
    run: number;
    /** Tells what is wrong. */
    say: (problem: string) => void;
  },
) => {
  const changes = new Map<string, string | null>();

  const put = (key: string, value: string): void => {
    rows.set(key, value);
    changes.set(key, value);
  };
  const remove = (key: string): void => {
    if (rows.delete(key)) {
      changes.set(key, null);
    }
  };

  const nameOf = (vref: string): Name | undefined => {
    const row = rows.get(`n ${vref}`);
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
    const before = rows.get(`l ${label}`);
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
    const number = Number(rows.get('x') ?? 1);
    put('x', String(number + 1));
    const vref = `${{ object: 'o+', durable: 'o+d10/', promise: 'p+' }[kind]}${number}`;
    write(vref, `${vat.id} ${vref}@${run}`, true);
    return vref;
  };

  const strong = (isMeant: (vref: Vref) => boolean): string[] =>
    [...namesIn(rows)]
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

  return {
    rows: rows as ReadonlyMap<string, string>,
    changes: changes as ReadonlyMap<string, string | null>,
    put,
    remove,
    nameOf,
    write,
    forget,
    learn,
    makeExport,
    strong,
    any,
    mention,
    dataOf,
  };
};

export type Mind = ReturnType<typeof makeMind>;
