import {
  isKref,
  parseJsonReference,
  type Json,
  type KernelStatus,
  type Kref,
  type ReferenceRequest,
} from '@cooperage/protocol';

/** Something that a message can go to, by the name that a person uses for it. */
export type Target = {
  /** What is typed: `demo.bob`, a name in home, or a kref. */
  readonly name: string;
  readonly detail: string;
  readonly group: 'roots' | 'home' | 'results';
  readonly kref: Kref;
};

/** The roots of all vats and the names in home. */
export const targetsOf = (status: KernelStatus | undefined): Target[] => {
  const roots = (status?.clusters ?? []).flatMap(cluster =>
    cluster.vats.flatMap(({ name, root }): Target[] =>
      root === null
        ? []
        : [
            {
              name: `${cluster.name}.${name}`,
              detail: root,
              group: 'roots',
              kref: root,
            },
          ],
    ),
  );
  const kept = (status?.home ?? []).map(({ name, kref }): Target => ({
    name,
    detail: kref,
    group: 'home',
    kref,
  }));
  return [...roots, ...kept];
};

export type FoundReference =
  | { readonly ok: true; readonly request: ReferenceRequest }
  | { readonly ok: false; readonly problem: string };

/**
 * What a name stands for: a kref, a name in home, `cluster.vat`, or a cluster
 * (the root of its bootstrap vat). A name in home goes before a cluster's.
 */
export const findReference = (
  name: string,
  status: KernelStatus | undefined,
): FoundReference => {
  const wanted = name.trim();
  if (isKref(wanted)) {
    return { ok: true, request: { kref: wanted } };
  }
  if (status?.home.some(kept => kept.name === wanted)) {
    return { ok: true, request: { home: wanted } };
  }
  for (const cluster of status?.clusters ?? []) {
    if (cluster.name === wanted) {
      return { ok: true, request: { cluster: wanted } };
    }
    const vat = cluster.vats.find(
      each => `${cluster.name}.${each.name}` === wanted,
    );
    if (vat) {
      return {
        ok: true,
        request: { cluster: cluster.name, vat: vat.name },
      };
    }
  }
  const problem =
    wanted === ''
      ? 'choose or type a target'
      : `${JSON.stringify(wanted)} is no kref (ko7), no name in home, and no cluster.vat`;
  return { ok: false, problem };
};

/** The names that `{"@ref": name}` gives anywhere in the value, each once. */
export const referenceNamesIn = (value: Json): string[] => {
  const names = new Set<string>();
  const visit = (item: Json): void => {
    if (typeof item !== 'object' || item === null) {
      return;
    }
    const name = parseJsonReference(item);
    if (name !== undefined) {
      names.add(name);
      return;
    }
    Object.values(item).forEach(visit);
  };
  visit(value);
  return [...names];
};
