import type { Delivery, VatId, Vref } from '@cooperage/protocol';
import { makeChecks } from './model-checks.ts';
import { makeDeeds } from './model-deeds.ts';
import {
  beginFlight,
  endVat,
  land,
  learn,
  loseHeap,
  makeModelVat,
  name,
  undoFlight,
  type ModelVat,
  type Sent,
  type Token,
} from './model-vat.ts';

export type { ModelVat, Token } from './model-vat.ts';

/**
 * A reference model of what vats should see, in its own identities. It knows
 * nothing of krefs, tables or queues. Each vat's deliveries are held against it.
 */
export const makeModel = () => {
  const vats = new Map<VatId, ModelVat>();
  const sent: Sent[] = [];
  let lastToken = 0;

  const makeToken = (kind: Token['kind'], decider: VatId | null): Token => {
    lastToken += 1;
    return { id: lastToken, kind, decider, orphaned: false, settled: null };
  };

  const insistVat = (id: VatId): ModelVat => {
    const vat = vats.get(id);
    if (!vat) {
      throw Error(`the model has no ${id}`);
    }
    return vat;
  };

  const checks = makeChecks(vats, sent);
  return {
    ...makeDeeds(sent, makeToken),
    addVat: (id: VatId): ModelVat => {
      const vat = makeModelVat(id);
      vats.set(id, vat);
      return vat;
    },
    vat: insistVat,
    makeToken,
    name,
    learn,
    land,
    loseHeap,
    /** Somebody outside asks the vat something; it is to answer with a promise of that name, if there is one. */
    ask: (vat: ModelVat, result: Vref | null | undefined): void => {
      beginFlight(vat);
      if (result) {
        learn(vat, result, makeToken('promise', vat.id));
      }
    },
    /** It is ended from outside, whatever it is at. */
    terminate: (vat: ModelVat): void => {
      undoFlight(vat);
      endVat(vat);
    },
    sent: sent as readonly Sent[],
    /** Throws when the delivery is not what the model expects. */
    check: (id: VatId, delivery: Delivery): void =>
      checks.check(insistVat(id), delivery),
    /** Subscriptions that were never answered although their promise is settled. */
    unanswered: (): string[] => {
      checks.settleUnroutable();
      return [...vats.values()].flatMap(vat =>
        [...vat.awaits]
          .filter(token => token.settled)
          .map(token => `${vat.id} was never told of token ${token.id}`),
      );
    },
  };
};

export type Model = ReturnType<typeof makeModel>;
