/** @jsxImportSource preact */
import {
  sizeInWords,
  wordsOfPower,
  wordsOfUse,
  type Capped,
  type EndpointInspection,
  type Reference,
  type VatFacts,
} from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { counted } from '../ui/counted.ts';
import { StateMark } from '../ui/state-mark.tsx';
import { ActionProblem } from './action-problem.tsx';
import { countOf, Fact, LeftOut, Sentences } from './facts.tsx';
import { Mention } from './mention.tsx';
import { orderKey, VatOrders } from './vat-orders.tsx';
import { VatMark, VatReason, VatTraits } from './vat.tsx';

type Of<Subject> = { readonly bench: Bench; readonly subject: Subject };

const References = ({
  bench,
  title,
  list,
  unreachable,
}: {
  readonly bench: Bench;
  readonly title: string;
  readonly list: Capped<Reference>;
  /** What it means that one is not reachable. */
  readonly unreachable: string;
}) => {
  const count = list.items.length + list.leftOut;
  return count === 0 ? null : (
    <details class="references" open={count <= 12}>
      <summary>
        {title} <span class="count">{countOf(count)}</span>
      </summary>
      <ul class="sentences">
        {list.items.map(reference => (
          <li key={reference.kref}>
            <Mention bench={bench} of={reference} />{' '}
            {reference.reachable ? null : (
              <StateMark tone="warn" text={unreachable} />
            )}
          </li>
        ))}
        <LeftOut count={list.leftOut} />
      </ul>
    </details>
  );
};

const storeOf = ({ bytes, unfolded }: VatFacts['store']): string => {
  const parts = [
    ...(bytes === 0 ? [] : [`${sizeInWords(bytes)} in its file`]),
    ...(unfolded === 0
      ? []
      : [`${counted(unfolded, 'key')} to be written to its file`]),
  ];
  return parts.join(', and ') || 'empty';
};

/** What is told of a vat alone. */
const VatFactsView = ({
  bench,
  facts: { incarnation, bundleHash, store, limits, endowments, powers },
}: {
  readonly bench: Bench;
  readonly facts: VatFacts;
}) => (
  <>
    <Fact name="Incarnation">
      {countOf(incarnation)}
      {incarnation === 1 ? ', its first' : ''}
    </Fact>
    <Fact name="Store">{storeOf(store)}</Fact>
    <Fact name="Limits">
      <details>
        <summary>what it has, of what it may have</summary>
        <ul class="sentences">
          {limits.map(use => (
            <li key={use.limit}>{wordsOfUse(use)}</li>
          ))}
        </ul>
      </details>
    </Fact>
    <Fact name="Powers">
      {powers.items.length === 0 ? (
        'none: it can only call the objects it was given'
      ) : (
        <Sentences
          bench={bench}
          phrases={powers.items.map(wordsOfPower)}
          leftOut={powers.leftOut}
        />
      )}
    </Fact>
    <Fact name="Globals">
      {endowments.length === 0
        ? 'none beyond the language’s'
        : endowments.join(', ')}
    </Fact>
    <Fact name="Code">
      <code title={bundleHash}>{bundleHash.slice(0, 16)}…</code>
    </Fact>
  </>
);

/** How the vat is now, why, and what can be done to it: from the live status. */
const VatNow = ({ bench, subject }: Of<EndpointInspection>) => {
  for (const cluster of bench.connection.status.value?.clusters ?? []) {
    const vat = cluster.vats.find(({ id }) => id === subject.endpoint);
    if (vat) {
      const props = { bench, cluster, vat };
      return (
        <>
          <p class="vat-now">
            <VatMark vat={vat} />
            <VatTraits vat={vat} />
          </p>
          <VatReason vat={vat} />
          <details class="manage">
            <summary>Manage</summary>
            <VatOrders {...props} />
          </details>
          <ActionProblem bench={bench} actionKey={orderKey(props)} />
        </>
      );
    }
  }
  return null;
};

/** What the kernel knows of a vat or a session. */
export const EndpointFacts = ({ bench, subject }: Of<EndpointInspection>) => {
  const { counts, root, vat } = subject;
  return (
    <>
      <VatNow bench={bench} subject={subject} />
      <dl class="about">
        {vat === null ? null : <VatFactsView bench={bench} facts={vat} />}
        {root === null ? null : (
          <Fact name="Root">
            <Mention bench={bench} of={root} />
          </Fact>
        )}
        <Fact name="Exports">
          {counted(counts.exports, 'object')},{' '}
          {countOf(counts.exportsReachable)} reachable
        </Fact>
        <Fact name="Imports">
          {counted(counts.imports, 'object')}
          {counts.importsRecognizable === 0
            ? ''
            : `, and ${countOf(counts.importsRecognizable)} only recognizable`}
        </Fact>
        <Fact name="Promises">
          {countOf(counts.promises)} known, {countOf(counts.decides)} to settle
        </Fact>
        <Fact name="Inbox">{countOf(counts.waiting)} waiting</Fact>
        {subject.unseen === 0 ? null : (
          <Fact name="Not counted">
            {counted(subject.unseen, 'older reference')}
          </Fact>
        )}
      </dl>
      <References
        bench={bench}
        title="Exported objects"
        list={subject.exports}
        unreachable="nobody can reach it"
      />
      <References
        bench={bench}
        title="Imported objects"
        list={subject.imports}
        unreachable="only recognizable"
      />
    </>
  );
};
