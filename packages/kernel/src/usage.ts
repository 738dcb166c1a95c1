import harden from '@endo/harden';
import {
  allBoundsOf,
  boundOf,
  isServiceId,
  isVatId,
  type Allowance,
  type CapData,
  type EndpointId,
  type Kref,
  type VatBounds,
  type VatId,
} from '@cooperage/protocol';
import { faultUnless } from './faults.ts';
import type { KernelMessage } from './inbox.ts';
import type { PromiseRow, QueueName } from './store/schema.ts';
import { pairOf, type State } from './store/state.ts';
import { weighData, weighMessage } from './store/weights.ts';

export type UsageBounds = {
  /** Of every endpoint that has no bounds of its own. */
  readonly usual: VatBounds;
  /** What all messages, answers and objects of services may count before those who have many get no more. */
  readonly mostUnits: number;
};

/** When all is full, whoever has less than this part of it may go on. */
const SMALL_PARTS = 256;
/** What the vats of a cluster have asked services for, those that have ended too: so many times what one of them may. */
const SHARES_OF_CLUSTER = 16;

/**
 * What each endpoint takes of the kernel's memory, and what it may. The sums are
 * indexes of the tables: they are undone with a crank, and made anew at a start.
 *
 * A message counts for its sender wherever it waits, and for the inbox in which
 * it waits; an answer for the one who made the promise, until that one has been
 * told. Who holds it longer is not known: from then on it counts for the two
 * together who asked and answered, so that neither can use up what the other may
 * have from anybody else. What is too much is not let in: a message's answer rejects,
 * an answer becomes a rejection, and the crank of the one who sent it goes on. An
 * endpoint that makes too many references itself breaks a rule. A service's
 * messages are small, and of vats' doing: they have a bound in each inbox alone.
 * An object of a service counts for the one who asked for it, whoever holds it,
 * and for the cluster of that one, also after it has ended.
 */
export const makeUsage = (state: State, { usual, mostUnits }: UsageBounds) => {
  const mostOf = (
    name: QueueName | EndpointId | null,
    limit: keyof VatBounds,
  ): number =>
    name === null
      ? usual[limit]
      : boundOf(limit, state.vats.get(name as VatId)?.limits, usual);

  const held = (endpoint: EndpointId): number =>
    state.sentUnits.of(endpoint) + state.promiseUnits.of(endpoint);

  const total = (): number =>
    state.queuedUnits.total +
    state.promiseUnits.total +
    state.leftUnits.total +
    state.serviceUnits.total +
    state.aliasUnits.total;

  /** Why the kernel as a whole has no room, if it has none for that endpoint, with what it has left to others. */
  const problemOfAll = (endpoint: EndpointId, left = 0): string | undefined => {
    const own = held(endpoint) + left;
    return total() > mostUnits && own > mostUnits / SMALL_PARTS
      ? `all that waits in the kernel counts more than ${mostUnits} units, of which ${endpoint} has ${own}`
      : undefined;
  };

  const problemOfCount = (
    queue: QueueName,
    sender: EndpointId | null,
  ): string | undefined => {
    const most = mostOf(queue, 'inboxMessages');
    const waiting = state.messages.count(queue);
    if (waiting >= most) {
      return `${waiting} messages wait for ${queue}, and no more may`;
    }
    // Nobody has more of them than there are.
    const own =
      waiting < most / 2 ? 0 : state.lanes.count(`${queue} ${sender}`);
    return own >= most / 2
      ? `${own} messages of ${sender} wait for ${queue}, and no more may`
      : undefined;
  };

  const problemOfUnits = (
    queue: QueueName,
    sender: EndpointId,
    units: number,
  ): string | undefined => {
    const most = mostOf(queue, 'inboxUnits');
    const waiting = state.queuedUnits.of(queue) + units;
    const sent = state.sentUnits.of(sender) + units;
    if (waiting > most) {
      return `the messages that wait for ${queue} would count ${waiting} units, more than ${most}`;
    }
    if (waiting > most / 2 && sent > most / 2) {
      return `the messages of ${sender} would count ${sent} units, more than half of the ${most} that may wait for ${queue}`;
    }
    const mostSent = mostOf(sender, 'sentUnits');
    return sent > mostSent
      ? `the messages of ${sender} that wait would count ${sent} units, more than ${mostSent}`
      : undefined;
  };

  const servedTo = (endpoint: EndpointId | null): number =>
    endpoint === null
      ? 0
      : state.serviceUnits.of(endpoint) + state.aliasUnits.of(endpoint);

  /** Why the vats of its cluster have too many objects of services, if they have: who makes and ends others again and again has no more room by that, nor by calls that outlive their sender, whose cluster nobody knows. */
  const problemOfCluster = (endpoint: EndpointId): string | undefined => {
    const cluster = state.vats.get(endpoint as VatId)?.cluster;
    if (cluster === undefined) {
      return isVatId(endpoint)
        ? `${endpoint} has ended, and nothing more is made for it`
        : undefined;
    }
    const most = Math.max(
      SHARES_OF_CLUSTER * usual.serviceUnits,
      mostOf(endpoint, 'serviceUnits'), // its config may let it have more
    );
    const units =
      state.serviceUnitsOfCluster.of(cluster) +
      state.aliasUnitsOfCluster.of(cluster);
    return units > most
      ? `the objects that services have made for the vats of ${cluster}, those that have ended too, would count ${units} units, more than ${most}: let go of some`
      : undefined;
  };

  return harden({
    /** What answers may count that are told together, and the references in them and to them; one alone may have a little more. */
    mostTogether: {
      units: usual.unitsPerMessage,
      names: usual.slotsPerMessage,
    },

    /** Of the endpoint, or of who has no bounds of its own; but for a store's bytes, of which `allowed` tells. */
    mostOf,

    /** Why the queue takes no more of that sender's messages, however small, if it takes none. */
    problemOfMore: problemOfCount,

    /** Why the queue does not take the message, if it does not. */
    problemOfMessage: (
      queue: QueueName,
      { methargs, sender }: KernelMessage,
    ): string | undefined => {
      const { length } = methargs.body;
      const most = mostOf(sender, 'unitsPerMessage');
      if (length > most) {
        return `the message has ${length} units, more than ${most}`;
      }
      return (
        problemOfCount(queue, sender) ??
        (sender === null || isServiceId(sender)
          ? undefined
          : (problemOfUnits(queue, sender, weighMessage(methargs)) ??
            problemOfAll(sender)))
      );
    },

    /** Why a promise can't be settled with the data, if it can't. */
    problemOfAnswer: (
      promise: PromiseRow,
      data: CapData<Kref>,
    ): string | undefined => {
      const { maker, decider, isLeft } = promise;
      const { length } = data.body;
      const mostInOne = mostOf(decider, 'unitsPerMessage');
      if (length > mostInOne) {
        return `the answer has ${length} units, more than ${mostInOne}`;
      }
      if (maker === null) {
        return undefined;
      }
      const most = mostOf(maker, 'promiseUnits');
      const weight = weighData(data);
      const units = state.promiseUnits.of(maker) + weight;
      if (!isLeft && units > most) {
        return `the answers to promises of ${maker} would count ${units} units, more than ${most}`;
      }
      const left = state.leftUnits.of(pairOf(promise));
      return left + weight > most
        ? `the answers of ${decider ?? 'the kernel'} to promises of ${maker} that others hold would count ${left + weight} units, more than ${most}`
        : problemOfAll(maker, left);
    },

    /** What the objects count that services have made for the endpoint and that somebody still knows; 0 for the kernel. */
    servedTo,

    /** Why these are too many, if they are. */
    problemOfServed: (endpoint: EndpointId | null): string | undefined => {
      if (endpoint === null) {
        return undefined;
      }
      const most = mostOf(endpoint, 'serviceUnits');
      const units = servedTo(endpoint);
      return units > most
        ? `the objects that services have made for ${endpoint} would count ${units} units, more than ${most}: let go of some`
        : (problemOfCluster(endpoint) ?? problemOfAll(endpoint, units));
    },

    /** Throws EndpointFault when the endpoint can't export one more. */
    insistReference: (endpoint: EndpointId): void => {
      const most = mostOf(endpoint, 'references');
      faultUnless(
        state.exported.of(endpoint) < most,
        () => `${endpoint} exports ${most} references, and no more may be`,
      );
    },

    /** Throws EndpointFault when the endpoint can't make one more. */
    insistPromise: (endpoint: EndpointId): void => {
      const most = mostOf(endpoint, 'promises');
      faultUnless(
        state.promisesMade.of(endpoint) < most,
        () =>
          `${endpoint} has made ${most} promises that it has not been told of, and may have no more`,
      );
    },

    /** What the endpoint may have. */
    allowed: (endpoint: EndpointId): VatBounds => {
      const row = state.vats.get(endpoint as VatId);
      const own = allBoundsOf(row?.limits, usual);
      return { ...own, storeBytes: row?.storeBytes ?? own.storeBytes };
    },

    /** What it has, of a store of so many bytes. */
    used: (endpoint: EndpointId, storeBytes: number): Allowance => ({
      inboxMessages: state.messages.count(endpoint),
      inboxUnits: state.queuedUnits.of(endpoint),
      sentUnits: state.sentUnits.of(endpoint),
      promises: state.promisesMade.of(endpoint),
      promiseUnits: state.promiseUnits.of(endpoint),
      references: state.exported.of(endpoint),
      serviceUnits: servedTo(endpoint),
      storeBytes,
    }),
  });
};
harden(makeUsage);

export type Usage = ReturnType<typeof makeUsage>;
