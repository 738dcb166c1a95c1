import { isExportVref, isPromiseKref, type Kref } from '@cooperage/protocol';
import { slotsHeldBy } from '../refcounts.ts';
import type { State } from '../store/state.ts';

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
  for (const row of state.vats.values()) {
    count(row.root);
    row.parametersSlots.forEach(slot => count(slot));
  }
  return counts;
};

/** What is wrong with the tables, in words; empty when they agree with each other. */
export const findInconsistencies = (state: State): string[] => {
  const problems: string[] = [];
  const counts = recount(state);
  const none: Counts = { reachable: 0, recognizable: 0 };
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
    const exporters = state.clistByKref
      .values(row.kref)
      .filter(entry => isExportVref(entry.vref))
      .map(entry => entry.endpoint);
    const owners = row.owner === null ? [] : [row.owner];
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
    if (row.state !== 'unresolved' && (row.decider ?? row.subscribers[0])) {
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
    const back = state.clistByVref.get(`${row.endpoint} ${row.vref}`);
    if (back?.kref !== row.kref) {
      problems.push(`${row.endpoint}: ${row.kref} and ${row.vref} are no pair`);
    }
  }
  return problems;
};
