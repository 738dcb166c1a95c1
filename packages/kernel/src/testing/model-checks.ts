import {
  isExportVref,
  type Delivery,
  type VatId,
  type Vref,
} from '@cooperage/protocol';
import {
  beginFlight,
  learn,
  retire,
  type ModelVat,
  type Sent,
  type Token,
} from './model-vat.ts';

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

/** What is wrong with the deliveries that vats get, all of them and all messages known. */
export const makeChecks = (
  vats: ReadonlyMap<VatId, ModelVat>,
  sent: readonly Sent[],
) => {
  /** The last message of each lane that was delivered. */
  const lastDelivered = new Map<string, number>();

  /** A message to what turned out to be no object is answered by whoever routes it: a rejection. */
  const settleUnroutable = (): void => {
    let found = true;
    while (found) {
      found = false;
      for (const message of sent) {
        const { target, result, landed } = message;
        const { settled, orphaned } = reached(target);
        message.lost ||= !landed && (settled !== null || orphaned);
        if ((settled || orphaned) && result && !result.settled && !landed) {
          result.settled = settled?.isRejected
            ? settled
            : { isRejected: true, slots: [], single: false };
          found = true;
        }
      }
    }
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

  /** Everything that leads to this token now, but its exporter: whoever has it by a strong name, messages on their way, data. */
  const isHeld = (wanted: Token, exporter: ModelVat): boolean => {
    const held = new Set<Token>();
    for (const vat of vats.values()) {
      for (const token of vat.vrefs.keys()) {
        if (!vat.weak.has(token) && !(vat === exporter && token === wanted)) {
          held.add(token);
        }
      }
    }
    for (const message of sent) {
      if (!message.landed && !message.lost) {
        const { target, slots, result } = message;
        [
          reached(target),
          target,
          ...slots,
          ...(result ? [result] : []),
        ].forEach(token => held.add(token));
      }
    }
    for (const token of held) {
      token.settled?.slots.forEach(slot => held.add(slot));
    }
    return held.has(wanted);
  };

  const insistToken = (vat: ModelVat, vref: Vref): Token => {
    const token = vat.names.get(vref);
    if (!token || token.kind !== 'object') {
      throw Error(`${vat.id} is told of ${vref}, which it does not have`);
    }
    return token;
  };

  const onGarbage = (
    vat: ModelVat,
    kind: 'dropExports' | 'retireExports' | 'retireImports',
    vref: Vref,
  ): void => {
    const token = insistToken(vat, vref);
    if (isHeld(token, vat)) {
      throw Error(`${vat.id} got ${kind} of ${vref}, which is held`);
    }
    if (isExportVref(vref) === (kind === 'retireImports')) {
      throw Error(`${vat.id} got ${kind} of ${vref}`);
    }
    if (kind === 'dropExports') {
      if (vat.dropped.has(token)) {
        throw Error(`${vat.id} is to drop ${vref} twice`);
      }
      vat.dropped.add(token);
    } else if (kind === 'retireExports') {
      const others = [...vats.values()].filter(
        each => each !== vat && each.vrefs.has(token),
      );
      if (!vat.dropped.has(token) || others.length > 0) {
        throw Error(`${vat.id} is to retire ${vref} too early`);
      }
      retire(vat, token);
    } else {
      if (!vat.weak.has(token) || !token.orphaned) {
        throw Error(`${vat.id} is to forget ${vref}, which may come again`);
      }
      retire(vat, token);
    }
  };

  return {
    settleUnroutable,
    /** Throws when the delivery is not what the model expects. */
    check: (vat: ModelVat, delivery: Delivery): void => {
      settleUnroutable();
      beginFlight(vat);
      if (delivery[0] === 'message') {
        onMessage(vat, delivery);
      } else if (delivery[0] === 'notify') {
        onNotify(vat, delivery);
      } else if (
        delivery[0] !== 'startVat' &&
        delivery[0] !== 'bringOutYourDead'
      ) {
        const [kind, vrefs] = delivery;
        vrefs.forEach(vref => onGarbage(vat, kind, vref));
      }
    },
  };
};
