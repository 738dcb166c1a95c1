import type { KernelStatus } from './control.ts';
import type { InspectRequest } from './inspection.ts';
import { isKref, isSessionId, isVatId } from './refs.ts';

/**
 * What a person means by a text: a kref, a vat's or session's id, a name in
 * home, `cluster.vat`, or a cluster (its bootstrap vat). Undefined when it means
 * nothing of these.
 */
export const findSubject = (
  text: string,
  status: KernelStatus | undefined,
): InspectRequest | undefined => {
  const wanted = text.trim();
  if (isKref(wanted)) {
    return { kref: wanted };
  }
  if (isVatId(wanted) || isSessionId(wanted)) {
    return { endpoint: wanted };
  }
  if (status?.home.some(({ name }) => name === wanted)) {
    return { home: wanted };
  }
  for (const { name: cluster, vats } of status?.clusters ?? []) {
    if (cluster === wanted) {
      return { cluster };
    }
    const vat = vats.find(({ name }) => `${cluster}.${name}` === wanted);
    if (vat) {
      return { cluster, vat: vat.name };
    }
  }
  return undefined;
};
