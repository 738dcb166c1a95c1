/** @jsxImportSource preact */
import type { ComponentChildren } from 'preact';
import type { Phrase } from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { Sentence } from './mention.tsx';

export const countOf = (count: number): string => count.toLocaleString('en-US');

export const LeftOut = ({ count }: { readonly count: number }) =>
  count === 0 ? null : <li class="left-out">… and {countOf(count)} more</li>;

export const Fact = ({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);

export const Sentences = ({
  bench,
  phrases,
  leftOut = 0,
}: {
  readonly bench: Bench;
  readonly phrases: readonly Phrase[];
  readonly leftOut?: number;
}) => (
  <ul class="sentences">
    {phrases.map((phrase, index) => (
      <li key={index}>
        <Sentence bench={bench} phrase={phrase} />
      </li>
    ))}
    <LeftOut count={leftOut} />
  </ul>
);
