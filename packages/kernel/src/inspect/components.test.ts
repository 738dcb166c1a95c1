import fc from 'fast-check';
import { expect, it } from 'vitest';
import { findComponents } from './components.ts';

type Edges = readonly (readonly number[])[];

/** A graph of a few nodes, and some of them to start from. */
const graphs = fc.integer({ min: 1, max: 9 }).chain(count => {
  const node = fc.nat(count - 1);
  return fc.record({
    edges: fc.array(fc.array(node, { maxLength: 3 }), {
      minLength: count,
      maxLength: count,
    }),
    starts: fc.array(node, { maxLength: 4 }),
  });
});

/** What can be reached from a node, itself among it. */
const reachedFrom = (edges: Edges, start: number): Set<number> => {
  const reached = new Set([start]);
  for (const node of reached) {
    edges[node]?.forEach(next => reached.add(next));
  }
  return reached;
};

const byNumber = (left: number, right: number): number => left - right;

it('the components of a graph are those nodes together that lead to each other, each node once', () => {
  fc.assert(
    fc.property(graphs, ({ edges, starts }) => {
      const all = new Set(
        starts.flatMap(start => [...reachedFrom(edges, start)]),
      );
      const wanted = [...all].map(node =>
        [...reachedFrom(edges, node)]
          .filter(other => reachedFrom(edges, other).has(node))
          .sort(byNumber),
      );
      const found = findComponents(starts, node => edges[node] ?? []);
      expect(found.flat().sort(byNumber)).toEqual([...all].sort(byNumber));
      expect(
        new Set(found.map(members => [...members].sort(byNumber).join())),
      ).toEqual(new Set(wanted.map(members => members.join())));
    }),
    { numRuns: 300 },
  );
});

it('a chain as long as the tables is followed to its end', () => {
  const length = 100_000;
  const found = findComponents([0], node => [(node + 1) % length]);
  expect(found).toHaveLength(1);
  expect(found[0]).toHaveLength(length);
});
