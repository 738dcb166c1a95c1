import type { ClusterStatus, VatStatus } from '@cooperage/protocol';
import type { Place } from './open-kernel.ts';
import { reachKernel } from './reach-kernel.ts';

const formatVat = (vat: VatStatus): string => {
  const { id, name, state, incarnation, waiting, root, reason } = vat;
  const parts = [
    `${name} (${id})`,
    state,
    `incarnation ${incarnation}`,
    `root ${root ?? 'none'}`,
    `${waiting} waiting`,
    ...(reason === undefined ? [] : [reason]),
  ];
  return `  ${parts.join(', ')}`;
};

const formatCluster = ({ id, name, vats }: ClusterStatus): string =>
  [`${name} (${id})`, ...vats.map(formatVat)].join('\n');

/** Prints what is in the folder's kernel, for people or as JSON. */
export const showStatus = async (
  options: { readonly json: boolean },
  place: Place,
): Promise<void> => {
  const { console: person, leave } = await reachKernel(place);
  const status = await person.kernel.status().finally(leave);
  if (options.json) {
    console.log(JSON.stringify(status, undefined, 2));
  } else {
    console.log(status.clusters.map(formatCluster).join('\n') || 'no clusters');
  }
};
