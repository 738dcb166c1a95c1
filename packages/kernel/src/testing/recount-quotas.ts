import { isPromiseKref } from '@cooperage/protocol';
import { insistRow } from '../faults.ts';
import { quotasUpFrom } from '../services/vat-admin-quotas.ts';
import type { State } from '../store/state.ts';

/** What is wrong with quotas of vats and with what counts for them, in words. */
export const findQuotaFaults = (state: State): string[] => {
  const problems: string[] = [];
  const used = new Map<number, { vats: number; bytes: number }>();
  const living = [...state.children.values()].filter(({ isEnded }) => !isEnded);
  for (const { quota, bytes } of [...living, ...state.births.values()]) {
    for (const { id } of quotasUpFrom(state, quota)) {
      const before = used.get(id) ?? { vats: 0, bytes: 0 };
      used.set(id, {
        vats: before.vats + 1,
        bytes: before.bytes + (bytes ?? 0),
      });
    }
  }
  const administrators = new Set<number>();
  for (const { kind, data } of state.serviceObjects.values()) {
    if (kind === 'administrator') {
      administrators.add(Number(data));
    }
  }
  for (const row of state.quotas.values()) {
    const { id, vats, bytes, vatsUsed, bytesUsed, isHeld } = row;
    const found = used.get(id) ?? { vats: 0, bytes: 0 };
    if (found.vats !== vatsUsed || found.bytes !== bytesUsed) {
      problems.push(
        `quota ${id} counts ${vatsUsed} vats and ${bytesUsed} bytes, not ${found.vats} and ${found.bytes}`,
      );
    }
    if (vatsUsed > (vats ?? Infinity) || bytesUsed > (bytes ?? Infinity)) {
      problems.push(`quota ${id} is exceeded`);
    }
    if (administrators.has(id) !== (isHeld === 1)) {
      problems.push(`quota ${id} and its administrator don't agree`);
    }
    if (!isHeld && vatsUsed === 0 && state.quotasByParent.count(id) === 0) {
      problems.push(`quota ${id} is of no use`);
    }
  }
  for (const { vat, node, isEnded } of state.children.values()) {
    if (state.vats.has(vat) === (isEnded === 1)) {
      problems.push(`child ${vat} is there, and ended, or neither`);
    }
    if (isEnded && !state.serviceObjects.has(node)) {
      problems.push(`child ${vat} has ended, and nobody can ask how`);
    }
    insistRow(state.childByNode.get(node), `child by node ${node}`);
  }
  const ends = new Set(living.map(({ done }) => done));
  for (const { id, object } of state.calls.values()) {
    if (isPromiseKref(object) && !ends.has(object)) {
      problems.push(`call ${id} waits for an end that nobody will tell`);
    }
  }
  for (const { cluster, name } of state.births.values()) {
    if (
      !state.clusters.has(cluster) ||
      state.vatsByCluster.values(cluster).some(vat => vat.name === name)
    ) {
      problems.push(`${name} is to be born where it can't`);
    }
  }
  for (const { keeper } of state.keptBundles.values()) {
    if (keeper !== 'person' && !state.clusters.has(keeper)) {
      problems.push(`${keeper} is gone and keeps bundles`);
    }
  }
  return problems;
};
