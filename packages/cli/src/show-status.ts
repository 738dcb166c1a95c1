import {
  describeRoom,
  showLogText,
  wordsOfStop,
  type ClusterStatus,
  type EndedVat,
  type VatStatus,
} from '@cooperage/protocol';
import type { Place } from './open-kernel.ts';
import { reachKernel } from './reach-kernel.ts';

const formatVat = (vat: VatStatus): string => {
  const { id, name, state, incarnation, waiting, root, reason } = vat;
  const { stoppedBy } = vat;
  const parts = [
    `${name} (${id})`,
    stoppedBy === undefined ? state : `${state} ${wordsOfStop(stoppedBy)}`,
    `incarnation ${incarnation}`,
    `root ${root ?? 'none'}`,
    `${waiting} waiting`,
    ...(reason === undefined ? [] : [showLogText(reason)]),
  ];
  return `  ${parts.join(', ')}`;
};

const formatCluster = ({
  id,
  name,
  vats,
  bootstrapProblem,
}: ClusterStatus): string =>
  [
    `${name} (${id})`,
    ...(bootstrapProblem === undefined
      ? []
      : [`  its bootstrap came to nothing: ${showLogText(bootstrapProblem)}`]),
    ...vats.map(formatVat),
  ].join('\n');

const formatEnd = (vat: EndedVat): string => {
  const { id, cluster, name, incarnation, reason, at } = vat;
  return `  ${cluster}.${name} (${id}), incarnation ${incarnation}, ${new Date(at).toISOString()}: ${showLogText(reason)}`;
};

/** Prints what is in the folder's kernel, for people or as JSON. */
export const showStatus = async (
  options: { readonly json: boolean },
  place: Place,
): Promise<void> => {
  const { console: person, leave } = await reachKernel(place);
  const status = await person.kernel
    .status()
    .finally(() => leave({ isDone: false }));
  if (options.json) {
    console.log(JSON.stringify(status, undefined, 2));
  } else {
    console.log(status.clusters.map(formatCluster).join('\n') || 'no clusters');
    if (status.ended) {
      console.log(['ended lately', ...status.ended.map(formatEnd)].join('\n'));
    }
    if (status.room) {
      console.log(`storage: ${describeRoom(status.room)}`);
    }
  }
};
