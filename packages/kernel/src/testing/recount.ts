import {
  isExportVref,
  isPromiseKref,
  isServiceId,
  type EndpointId,
  type Kref,
  type SessionId,
  type VatId,
} from '@cooperage/protocol';
import { dueTo } from '../gc/actions.ts';
import { slotsHeldBy } from '../gc/refcounts.ts';
import { heldByServices } from '../services/holdings.ts';
import { isSettled, isSettling } from '../promise-state.ts';
import type { State } from '../store/state.ts';
import { findQuotaFaults } from './recount-quotas.ts';
import { findUsageFaults } from './recount-usage.ts';

type Counts = { reachable: number; recognizable: number };

/** Every count, computed anew from the tables that are held to be their source. */
export const recount = (state: State): Map<Kref, Counts> => {
  const counts = new Map<Kref, Counts>();
  const count = (kref: Kref, reachable = 1): void => {
    const now = counts.get(kref) ?? { reachable: 0, recognizable: 0 };
    counts.set(kref, {
      reachable: now.reachable + reachable,
      recognizable: now.recognizable + 1,
    });
  };
  for (const row of state.clists.values()) {
    if (isPromiseKref(row.kref)) {
      count(row.kref);
    } else if (!isExportVref(row.vref)) {
      count(row.kref, row.reachable);
    }
  }
  for (const row of state.queue.values()) {
    if (row.queue !== row.target) {
      count(row.target);
    }
    row.slots.forEach(slot => count(slot));
    if (row.result !== null) {
      count(row.result);
    }
  }
  for (const row of state.promises.values()) {
    slotsHeldBy(row).forEach(slot => count(slot));
  }
  for (const row of state.home.values()) {
    count(row.kref);
  }
  for (const row of state.retiring.values()) {
    count(row.kref);
  }
  for (const { bootstrapResult } of state.clusters.values()) {
    if (bootstrapResult !== null) {
      count(bootstrapResult);
    }
  }
  for (const row of state.vats.values()) {
    count(row.root);
    row.parametersSlots.forEach(slot => count(slot));
  }
  heldByServices(state).forEach(({ kref }) => count(kref));
  return counts;
};

/** Promises that something else than promises and what waits for them leads to; all others are garbage. */
const markPromises = (state: State): Set<Kref> => {
  const marked = new Set<Kref>();
  const mark = (krefs: readonly (Kref | null)[]): void =>
    krefs.forEach(kref => {
      if (kref !== null && isPromiseKref(kref)) {
        marked.add(kref);
      }
    });
  mark([...state.clists.values()].map(row => row.kref));
  mark([...state.retiring.values()].map(row => row.kref));
  mark([...state.clusters.values()].map(row => row.bootstrapResult));
  mark([...state.vats.values()].flatMap(row => row.parametersSlots));
  mark(heldByServices(state).map(({ kref }) => kref));
  const parked = new Map<Kref, (Kref | null)[]>();
  for (const row of state.queue.values()) {
    if (row.queue === row.target) {
      const others = parked.get(row.target) ?? [];
      parked.set(row.target, [...others, row.result, ...row.slots]);
    } else {
      mark([row.target, row.result, ...row.slots]);
    }
  }
  mark([...state.promises.values()].filter(isSettling).map(({ kref }) => kref));
  for (const kref of marked) {
    mark(state.promises.get(kref)?.slots ?? []);
    mark(parked.get(kref) ?? []);
  }
  return marked;
};

/** Rows that nobody holds, in words. */
const findUnheld = (state: State): string[] => {
  const problems = [...state.objects.values()]
    .filter(row => row.owner === null && row.recognizable === 0)
    .map(({ kref }) => `${kref} is nobody's and known to nobody`);
  const marked = markPromises(state);
  for (const { kref } of state.promises.values()) {
    if (!marked.has(kref)) {
      problems.push(`${kref} is held by nobody but its like`);
    }
  }
  return problems;
};

/** What should be gone by now and is not, in words. */
const findGarbage = (state: State): string[] => {
  const problems: string[] = [];
  for (const row of state.objects.values()) {
    const entry =
      row.owner === null ? null : state.clists.get(row.owner, row.kref);
    if (row.reachable > 0 && entry?.reachable === 0) {
      problems.push(`${row.kref} is held, and its exporter thinks it is not`);
    }
  }
  for (const row of state.queue.values()) {
    const parkedOn =
      row.queue === row.target ? state.promises.get(row.target) : null;
    if (parkedOn === undefined || (parkedOn && isSettled(parkedOn))) {
      problems.push(
        `a message is parked on ${row.target}, which will not settle`,
      );
    }
  }
  for (const { endpoint } of state.clists.values()) {
    if (
      !state.endings.has(endpoint) &&
      !state.vats.has(endpoint as VatId) &&
      !state.sessions.has(endpoint as SessionId)
    ) {
      problems.push(`${endpoint} is gone and its c-list is not`);
    }
  }
  for (const { endpoint } of state.endings.values()) {
    if (
      state.vats.has(endpoint as VatId) ||
      state.sessions.has(endpoint as SessionId)
    ) {
      problems.push(`${endpoint} has ended and has a row still`);
    }
  }
  for (const { vat } of state.vatChanges.values()) {
    if (!state.endings.has(vat) && !state.vats.has(vat)) {
      problems.push(`${vat} is gone and what it wrote is not`);
    }
  }
  return problems;
};

/** What is due to endpoints, in words; empty after a collection for all that could be told. */
export const findDue = (state: State): string[] =>
  [...state.clists.values()].flatMap(({ endpoint, kref }) => {
    const due = isPromiseKref(kref) ? undefined : dueTo(state, endpoint, kref);
    return due ? [`${due} of ${kref} to ${endpoint}`] : [];
  });

/** What is wrong with the tables, in words; empty when they agree with each other. While they are not swept there may be rows that nobody holds. */
export const findInconsistencies = (state: State, isSwept = true): string[] => {
  const problems = [
    ...(isSwept ? findUnheld(state) : []),
    ...findGarbage(state),
    ...findQuotaFaults(state),
    ...findUsageFaults(state),
  ];
  const counts = recount(state);
  const none: Counts = { reachable: 0, recognizable: 0 };
  const exportersOf = new Map<Kref, EndpointId[]>();
  for (const { endpoint, kref, vref } of state.clists.values()) {
    if (isExportVref(vref)) {
      exportersOf.set(kref, [...(exportersOf.get(kref) ?? []), endpoint]);
    }
  }
  for (const row of state.objects.values()) {
    const expected = counts.get(row.kref) ?? none;
    counts.delete(row.kref);
    if (
      row.reachable !== expected.reachable ||
      row.recognizable !== expected.recognizable
    ) {
      problems.push(
        `${row.kref} has counts ${row.reachable}/${row.recognizable}, not ${expected.reachable}/${expected.recognizable}`,
      );
    }
    const exporters = exportersOf.get(row.kref) ?? [];
    // A service has no c-list, and a row for each of its objects.
    const isOfService = isServiceId(row.owner);
    if (
      isOfService !==
      (state.serviceObjects.has(row.kref) || state.aliases.has(row.kref))
    ) {
      problems.push(`${row.kref} has no owner and row of a service alike`);
    }
    const owners = row.owner === null || isOfService ? [] : [row.owner];
    if (exporters.join() !== owners.join()) {
      problems.push(
        `${row.kref} is owned by ${row.owner} and exported by ${exporters.join() || 'nobody'}`,
      );
    }
  }
  for (const row of state.promises.values()) {
    const expected = counts.get(row.kref) ?? none;
    counts.delete(row.kref);
    if (row.refs !== expected.recognizable) {
      problems.push(
        `${row.kref} has ${row.refs} holders, not ${expected.recognizable}`,
      );
    }
    if (isSettled(row) && state.clusterByBootstrap.has(row.kref)) {
      problems.push(`${row.kref} is settled and a cluster awaits it`);
    }
    if (isSettling(row) && state.queueByName.count(row.kref) === 0) {
      problems.push(`${row.kref} settles and nothing waits for that`);
    }
    if (isSettling(row) && row.decider !== null) {
      problems.push(`${row.kref} settles and has a decider`);
    }
    if (isSettled(row) && (row.decider ?? row.subscribers[0])) {
      problems.push(`${row.kref} is settled and has a decider or subscribers`);
    }
    if (row.decider !== null && !state.clists.has(row.decider, row.kref)) {
      problems.push(
        `${row.kref} is decided by ${row.decider}, which has it not`,
      );
    }
  }
  for (const kref of counts.keys()) {
    problems.push(`${kref} is held and is in no table`);
  }
  for (const row of state.clists.values()) {
    const back = state.clistByVref.get(row.endpoint, row.vref);
    if (back?.kref !== row.kref) {
      problems.push(`${row.endpoint}: ${row.kref} and ${row.vref} are no pair`);
    }
  }
  return problems;
};
