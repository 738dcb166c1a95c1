import harden from '@endo/harden';

type Visit<Node> = {
  readonly node: Node;
  readonly next: readonly Node[];
  /** How many of `next` were followed. */
  followed: number;
};

/**
 * The strongly connected components of what can be reached from the starts, by
 * Tarjan's algorithm with a stack of its own: a chain may be as long as the tables.
 */
export const findComponents = <Node>(
  starts: readonly Node[],
  nextOf: (node: Node) => readonly Node[],
): Node[][] => {
  const numbers = new Map<Node, number>();
  /** The lowest number that a node, not yet in a component, leads back to. */
  const lowest = new Map<Node, number>();
  const open: Node[] = [];
  const isOpen = new Set<Node>();
  const components: Node[][] = [];
  const visits: Visit<Node>[] = [];

  const enter = (node: Node): void => {
    lowest.set(node, numbers.size);
    numbers.set(node, numbers.size);
    open.push(node);
    isOpen.add(node);
    visits.push({ node, next: nextOf(node), followed: 0 });
  };
  const lower = (node: Node, to: number): void => {
    lowest.set(node, Math.min(lowest.get(node) ?? to, to));
  };
  const close = (node: Node): void => {
    if (lowest.get(node) === numbers.get(node)) {
      const members = open.splice(open.lastIndexOf(node));
      members.forEach(member => isOpen.delete(member));
      components.push(members);
    }
  };
  const leave = (node: Node): void => {
    visits.pop();
    close(node);
    const above = visits.at(-1);
    if (above) {
      lower(above.node, lowest.get(node) ?? 0);
    }
  };

  for (const start of starts) {
    if (!numbers.has(start)) {
      enter(start);
    }
    for (let visit = visits.at(-1); visit; visit = visits.at(-1)) {
      const next = visit.next[visit.followed];
      visit.followed += 1;
      if (next === undefined) {
        leave(visit.node);
      } else if (!numbers.has(next)) {
        enter(next);
      } else if (isOpen.has(next)) {
        lower(visit.node, numbers.get(next) ?? 0);
      }
    }
  }
  return components;
};
harden(findComponents);
