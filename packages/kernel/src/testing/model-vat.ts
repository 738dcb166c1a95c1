import {
  isDurableVref,
  isExportVref,
  ROOT_VREF,
  type VatId,
  type Vref,
} from '@cooperage/protocol';

/**
 * A *token* is one object or promise of the reference model, whatever anybody
 * calls it.
 */
export type Token = {
  readonly id: number;
  readonly kind: 'object' | 'promise';
  /** For a promise: who may settle it; null while its message is on the way, or settled. */
  decider: VatId | null;
  /** For an object whose exporter has lost it. */
  orphaned: boolean;
  settled: {
    isRejected: boolean;
    slots: readonly Token[];
    single: boolean;
  } | null;
};

export type Sent = {
  readonly sender: VatId;
  readonly target: Token;
  readonly slots: readonly Token[];
  readonly result: Token | null;
  /** Number among this sender's messages to this target. */
  readonly order: number;
  /** Its delivery was applied; until then an abandoned one is made again. */
  landed: boolean;
  /** It went to what turned out to be no object, or gone. */
  lost: boolean;
};

/** One vat as the model knows it: what each of its vrefs means. */
export type ModelVat = {
  readonly id: VatId;
  readonly names: Map<Vref, Token>;
  readonly vrefs: Map<Token, Vref>;
  /** Promises it has subscribed to and was not told about. */
  readonly awaits: Set<Token>;
  /** Objects of others that it has dropped and not retired. */
  readonly weak: Set<Token>;
  /** Objects of its own that it was told to drop, and has not sent since. */
  readonly dropped: Set<Token>;
  nextExport: number;
  isDead: boolean;
  /** All that, and the message, as they were before the delivery in flight. */
  flight: {
    readonly names: ReadonlyMap<Vref, Token>;
    readonly awaits: ReadonlySet<Token>;
    readonly weak: ReadonlySet<Token>;
    readonly dropped: ReadonlySet<Token>;
    message: Sent | null;
  } | null;
};

export const makeModelVat = (id: VatId): ModelVat => ({
  id,
  names: new Map(),
  vrefs: new Map(),
  awaits: new Set(),
  weak: new Set(),
  dropped: new Set(),
  nextExport: 1,
  isDead: false,
  flight: null,
});

export const name = (vat: ModelVat, vref: Vref, token: Token): void => {
  vat.names.set(vref, token);
  vat.vrefs.set(token, vref);
};

export const retire = (vat: ModelVat, token: Token): void => {
  const vref = vat.vrefs.get(token);
  if (vref !== undefined) {
    vat.names.delete(vref);
    vat.vrefs.delete(token);
    vat.weak.delete(token);
    vat.dropped.delete(token);
  }
};

/** The vat is told of a token under a vref: it must mean that token, now and before. */
export const learn = (vat: ModelVat, vref: Vref, token: Token): void => {
  const known = vat.names.get(vref);
  const before = vat.vrefs.get(token);
  if ((known && known !== token) || (before && before !== vref)) {
    throw Error(
      `${vat.id}: ${vref} means token ${known?.id ?? token.id}, yet it stands for token ${token.id}, known as ${before ?? 'nothing'}`,
    );
  }
  if (!known && isExportVref(vref)) {
    throw Error(`${vat.id} never exported ${vref}`);
  }
  name(vat, vref, token);
  vat.weak.delete(token);
  if (vat.dropped.has(token)) {
    throw Error(`${vat.id} was told to drop ${vref}, and is told of it`);
  }
};

/** The vat gets a delivery: from now on it can be undone. */
export const beginFlight = (vat: ModelVat): void => {
  vat.flight = {
    names: new Map(vat.names),
    awaits: new Set(vat.awaits),
    weak: new Set(vat.weak),
    dropped: new Set(vat.dropped),
    message: null,
  };
};

/** The delivery in flight was applied. */
export const land = (vat: ModelVat): void => {
  if (vat.flight?.message) {
    vat.flight.message.landed = true;
  }
  vat.flight = null;
};

const refill = <Item>(set: Set<Item>, items: Iterable<Item>): void => {
  const kept = [...items];
  set.clear();
  kept.forEach(item => set.add(item));
};

/** The delivery in flight, if any, has never been. */
export const undoFlight = (vat: ModelVat): void => {
  if (vat.flight) {
    const { names, awaits, weak, dropped, message } = vat.flight;
    vat.names.clear();
    vat.vrefs.clear();
    names.forEach((token, vref) => name(vat, vref, token));
    refill(vat.awaits, awaits);
    refill(vat.weak, weak);
    refill(vat.dropped, dropped);
    if (message?.result) {
      message.result.decider = null;
    }
    vat.flight = null;
  }
};

/** What the vat was to settle rejects. */
const rejectDecided = (vat: ModelVat): void => {
  for (const token of vat.names.values()) {
    if (token.decider === vat.id && !token.settled) {
      token.settled = { isRejected: true, slots: [], single: false };
      token.decider = null;
    }
  }
};

/** The delivery in flight, if any, is undone, and the heap is gone with what only it knew. */
export const loseHeap = (vat: ModelVat): void => {
  undoFlight(vat);
  rejectDecided(vat);
  for (const [vref, token] of [...vat.names]) {
    const isLost =
      token.kind === 'object'
        ? isExportVref(vref) && vref !== ROOT_VREF && !isDurableVref(vref)
        : !vat.awaits.has(token);
    if (isLost) {
      token.orphaned ||= token.kind === 'object';
      retire(vat, token);
    }
  }
};

/** The vat is no more. */
export const endVat = (vat: ModelVat): void => {
  rejectDecided(vat);
  for (const [vref, token] of [...vat.names]) {
    token.orphaned ||= token.kind === 'object' && isExportVref(vref);
    retire(vat, token);
  }
  vat.awaits.clear();
  vat.isDead = true;
};
