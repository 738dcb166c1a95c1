import { isExportVref, isPromiseKref } from '@cooperage/protocol';
import { pairOf, type State } from '../store/state.ts';
import type { SumIndex } from '../store/table.ts';
import {
  weighAlias,
  weighAnswer,
  weighChange,
  weighMessage,
} from '../store/weights.ts';

/** What is wrong with one sum, given what each row should weigh for whom. */
const findSumFaults = (
  what: string,
  sums: SumIndex,
  weights: Iterable<readonly [group: string | null, weight: number]>,
): string[] => {
  const expected = new Map<string, number>();
  let total = 0;
  for (const [group, weight] of weights) {
    if (group !== null) {
      expected.set(group, (expected.get(group) ?? 0) + weight);
      total += weight;
    }
  }
  const problems = [...expected]
    .filter(([group, weight]) => sums.of(group) !== weight)
    .map(
      ([group, weight]) =>
        `${what} of ${group} are ${sums.of(group)}, not ${weight}`,
    );
  // With every group right, a wrong total is that of a group without rows.
  return sums.total === total
    ? problems
    : [...problems, `${what} are ${sums.total} in all, not ${total}`];
};

/** What is wrong with the sums of what endpoints take, in words. */
export const findUsageFaults = (state: State): string[] => {
  const messages = [...state.queue.values()].filter(
    ({ kind }) => kind === 'message',
  );
  const promises = [...state.promises.values()];
  const exports = [...state.clists.values()].filter(({ vref }) =>
    isExportVref(vref),
  );
  return [
    ...findSumFaults(
      'units sent',
      state.sentUnits,
      messages.map(row => [row.sender, weighMessage(row)]),
    ),
    ...findSumFaults(
      'units queued',
      state.queuedUnits,
      messages.map(row => [row.queue, weighMessage(row)]),
    ),
    ...findSumFaults(
      'promises made',
      state.promisesMade,
      exports
        .filter(({ kref }) => isPromiseKref(kref))
        .map(({ endpoint }) => [endpoint, 1]),
    ),
    ...findSumFaults(
      'units of answers',
      state.promiseUnits,
      promises.map(row => [row.isLeft ? null : row.maker, weighAnswer(row)]),
    ),
    ...findSumFaults(
      'units of answers that were left',
      state.leftUnits,
      promises.map(row => [
        row.isLeft && row.maker !== null ? pairOf(row) : null,
        weighAnswer(row),
      ]),
    ),
    ...promises
      .filter(({ kref, maker, isLeft }) => {
        if (maker === null) {
          return false;
        }
        const vref = state.clists.get(maker, kref)?.vref;
        const isThere = vref !== undefined && isExportVref(vref);
        return isThere === (isLeft === 1);
      })
      .map(({ kref, maker }) => `${kref} is not where ${maker} has left it`),
    ...findSumFaults(
      'exports',
      state.exported,
      exports.map(({ endpoint }) => [endpoint, 1]),
    ),
    ...findSumFaults(
      'units of objects of services',
      state.serviceUnits,
      [...state.serviceObjects.values()].map(row => [row.maker, row.units]),
    ),
    ...findSumFaults(
      'units of aliases',
      state.aliasUnits,
      [...state.aliases.values()].map(row => [row.maker, weighAlias()]),
    ),
    ...findSumFaults(
      'units of services of clusters',
      state.serviceUnitsOfCluster,
      [...state.serviceObjects.values()].map(row => [row.cluster, row.units]),
    ),
    ...findSumFaults(
      'units of aliases of clusters',
      state.aliasUnitsOfCluster,
      [...state.aliases.values()].map(row => [row.cluster, weighAlias()]),
    ),
    ...findSumFaults(
      'units of changes',
      state.changeUnits,
      [...state.vatChanges.values()].map(row => [row.vat, weighChange(row)]),
    ),
  ];
};
