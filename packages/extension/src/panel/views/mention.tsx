/** @jsxImportSource preact */
import {
  isPromiseKref,
  nameOfEndpoint,
  nameOfRef,
  type EndpointMention,
  type Phrase,
  type RefMention,
} from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';

type Mentioned = RefMention | EndpointMention;

/** What it is called, without its id. What a vat alleges stands apart, so that no text can pass for a name of ours. */
const Title = ({ of }: { readonly of: Mentioned }) => {
  if ('endpoint' in of || of.name !== null) {
    return <bdi>{of.name}</bdi>;
  }
  if (isPromiseKref(of.kref)) {
    return <>promise</>;
  }
  return of.iface === null ? null : (
    <>
      <small>alleged</small> <bdi>{of.iface}</bdi>
    </>
  );
};

/** An object, promise, vat or session by its name, as a button that leads to it. */
export const Mention = ({
  bench,
  of,
}: {
  readonly bench: Bench;
  readonly of: Mentioned;
}) => {
  const id = 'kref' in of ? of.kref : of.endpoint;
  const name = 'kref' in of ? nameOfRef(of) : nameOfEndpoint(of);
  return (
    <button
      type="button"
      class="mention"
      aria-label={`Inspect ${name}`}
      onClick={() => bench.inspect(id)}
    >
      <Title of={of} /> <code>{id}</code>
    </button>
  );
};

/** A sentence whose mentions lead to what they mention. */
export const Sentence = ({
  bench,
  phrase,
}: {
  readonly bench: Bench;
  readonly phrase: Phrase;
}) => (
  <>
    {phrase.map((part, index) =>
      typeof part === 'string' ? (
        part
      ) : (
        <Mention key={index} bench={bench} of={part} />
      ),
    )}
  </>
);
