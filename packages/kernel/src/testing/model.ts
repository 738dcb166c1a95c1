import {
  isExportVref,
  ROOT_VREF,
  type Delivery,
  type Syscall,
  type VatId,
  type Vref,
} from '@cooperage/protocol';

/**
 * A reference model of what vats should see, in its own identities: a *token*
 * is one object or promise, whatever anybody calls it. It knows nothing of
 * krefs, tables or queues. Each vat's deliveries are held against it.
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

type Sent = {
  readonly sender: VatId;
  readonly target: Token;
  readonly slots: readonly Token[];
  readonly result: Token | null;
  /** Number among this sender's messages to this target. */
  readonly order: number;
  /** Its delivery was applied; until then an abandoned one is made again. */
  landed: boolean;
};

/** One vat as the model knows it: what each of its vrefs means. */
export type ModelVat = {
  readonly id: VatId;
  readonly names: Map<Vref, Token>;
  readonly vrefs: Map<Token, Vref>;
  /** Promises it has subscribed to and was not told about. */
  readonly awaits: Set<Token>;
  nextExport: number;
  /** Names, and the message, as they were before the delivery in flight. */
  flight: {
    readonly names: ReadonlyMap<Vref, Token>;
    readonly awaits: ReadonlySet<Token>;
    message: Sent | null;
  } | null;
};

export const makeModel = () => {
  const vats = new Map<VatId, ModelVat>();
  const sent: Sent[] = [];
  const lastDelivered = new Map<string, number>();
  let lastToken = 0;

  const makeToken = (kind: Token['kind'], decider: VatId | null): Token => {
    lastToken += 1;
    return { id: lastToken, kind, decider, orphaned: false, settled: null };
  };

  const name = (vat: ModelVat, vref: Vref, token: Token): void => {
    vat.names.set(vref, token);
    vat.vrefs.set(token, vref);
  };

  const retire = (vat: ModelVat, token: Token): void => {
    const vref = vat.vrefs.get(token);
    if (vref !== undefined) {
      vat.names.delete(vref);
      vat.vrefs.delete(token);
    }
  };

  /** The vat is told of a token under a vref: it must mean that token, now and before. */
  const learn = (vat: ModelVat, vref: Vref, token: Token): void => {
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
  };

  /** What a message to this token reaches in the end, as far as it is settled. */
  const reached = (token: Token): Token => {
    const [only] = token.settled?.slots ?? [];
    return token.settled &&
      !token.settled.isRejected &&
      token.settled.single &&
      only
      ? reached(only)
      : token;
  };

  /** A message to what turned out to be no object is answered by whoever routes it: a rejection. */
  const settleUnroutable = (): void => {
    let found = true;
    while (found) {
      found = false;
      for (const { target, result, landed } of sent) {
        const { settled, orphaned } = reached(target);
        if ((settled || orphaned) && result && !result.settled && !landed) {
          result.settled = settled?.isRejected
            ? settled
            : { isRejected: true, slots: [], single: false };
          found = true;
        }
      }
    }
  };

  const insistVat = (id: VatId): ModelVat => {
    const vat = vats.get(id);
    if (!vat) {
      throw Error(`the model has no ${id}`);
    }
    return vat;
  };

  const onMessage = (
    vat: ModelVat,
    delivery: Extract<Delivery, readonly ['message', ...unknown[]]>,
  ): void => {
    const [, target, { methargs, result }] = delivery;
    const number: unknown = JSON.parse(methargs.body.slice(1))[1]?.[0];
    const message = sent[Number(number)];
    if (!message) {
      throw Error(`${vat.id} got a message that nobody sent: ${methargs.body}`);
    }
    if (message.landed) {
      throw Error(`message ${String(number)} is delivered twice`);
    }
    if (vat.flight) {
      vat.flight.message = message;
    }
    const lane = `${message.sender} ${message.target.id}`;
    const last = lastDelivered.get(lane) ?? -1;
    if (message.order < last) {
      throw Error(`message ${String(number)} was overtaken on its lane`);
    }
    lastDelivered.set(lane, message.order);
    learn(vat, target, reached(message.target));
    message.slots.forEach((token, index) => {
      const vref = methargs.slots[index];
      if (vref === undefined) {
        throw Error(`message ${String(number)} lost slot ${index}`);
      }
      learn(vat, vref, token);
    });
    if (message.result && result) {
      learn(vat, result, message.result);
      message.result.decider = vat.id;
    } else if (message.result || result) {
      throw Error(`message ${String(number)} lost or won a result`);
    }
  };

  const onNotify = (
    vat: ModelVat,
    delivery: Extract<Delivery, readonly ['notify', ...unknown[]]>,
  ): void => {
    const told: Token[] = [];
    for (const [vref] of delivery[1]) {
      const token = vat.names.get(vref);
      if (token) {
        told.push(token);
      }
    }
    for (const [vref, isRejected, data] of delivery[1]) {
      const token = vat.names.get(vref);
      if (!token) {
        throw Error(`${vat.id} is told of ${vref}, which it does not know`);
      }
      if (!token.settled || token.settled.isRejected !== isRejected) {
        throw Error(
          `${vat.id} is told a resolution of token ${token.id} that nobody made`,
        );
      }
      if (token.settled.slots.length !== data.slots.length) {
        throw Error(`the resolution of token ${token.id} changed on its way`);
      }
      token.settled.slots.forEach((slot, index) => {
        const name = data.slots[index];
        if (name !== undefined) {
          learn(vat, name, slot);
        }
      });
    }
    if (!told.some(token => vat.awaits.has(token))) {
      throw Error(`${vat.id} is told what it did not ask for, or twice`);
    }
    for (const [vref] of delivery[1]) {
      const token = vat.names.get(vref);
      if (token) {
        vat.awaits.delete(token);
        retire(vat, token);
      }
    }
  };

  return {
    addVat: (id: VatId): ModelVat => {
      const vat: ModelVat = {
        id,
        names: new Map(),
        vrefs: new Map(),
        awaits: new Set(),
        nextExport: 1,
        flight: null,
      };
      vats.set(id, vat);
      return vat;
    },
    vat: insistVat,
    makeToken,
    name,
    learn,
    sent: sent as readonly Sent[],
    /** Throws when the delivery is not what the model expects. */
    check: (id: VatId, delivery: Delivery): void => {
      const vat = insistVat(id);
      settleUnroutable();
      vat.flight = {
        names: new Map(vat.names),
        awaits: new Set(vat.awaits),
        message: null,
      };
      if (delivery[0] === 'message') {
        onMessage(vat, delivery);
      } else if (delivery[0] === 'notify') {
        onNotify(vat, delivery);
      } else if (delivery[0] !== 'startVat') {
        throw Error(`${id} got an unexpected ${delivery[0]}`);
      }
    },
    /** The delivery in flight was applied. */
    land: (vat: ModelVat): void => {
      if (vat.flight?.message) {
        vat.flight.message.landed = true;
      }
      vat.flight = null;
    },
    /** The delivery in flight, if any, is undone, and the heap is gone with what only it knew. */
    loseHeap: (vat: ModelVat): void => {
      if (vat.flight) {
        const { names, awaits, message } = vat.flight;
        vat.names.clear();
        vat.vrefs.clear();
        vat.awaits.clear();
        names.forEach((token, vref) => name(vat, vref, token));
        awaits.forEach(token => vat.awaits.add(token));
        if (message?.result) {
          message.result.decider = null;
        }
        vat.flight = null;
      }
      for (const [vref, token] of [...vat.names]) {
        if (token.decider === vat.id && !token.settled) {
          token.settled = { isRejected: true, slots: [], single: false };
          token.decider = null;
        }
        const isLost =
          token.kind === 'object'
            ? isExportVref(vref) && vref !== ROOT_VREF
            : !vat.awaits.has(token);
        if (isLost) {
          token.orphaned ||= token.kind === 'object';
          retire(vat, token);
        }
      }
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
      });
      const vrefOf = (token: Token): Vref => {
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
    export: (vat: ModelVat, kind: Token['kind']): Token => {
      const token = makeToken(kind, kind === 'promise' ? vat.id : null);
      name(
        vat,
        `${kind === 'object' ? 'o' : 'p'}+${vat.nextExport}` as Vref,
        token,
      );
      vat.nextExport += 1;
      return token;
    },
    /** Subscriptions that were never answered although their promise is settled. */
    unanswered: (): string[] => {
      settleUnroutable();
      return [...vats.values()].flatMap(vat =>
        [...vat.awaits]
          .filter(token => token.settled)
          .map(token => `${vat.id} was never told of token ${token.id}`),
      );
    },
  };
};

export type Model = ReturnType<typeof makeModel>;
