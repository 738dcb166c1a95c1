/** @jsxImportSource preact */
import type { ComponentChildren } from 'preact';
import {
  childrenOf,
  type DisplayField,
  type DisplayNode,
  type DisplayReference,
} from '../state/describe.ts';
import { counted } from './counted.ts';
import { LongText } from './long-text.tsx';

/** How a tree shows its references; the views know what can be done with them. */
export type ShowReference = (reference: DisplayReference) => ComponentChildren;

const OPEN_DEPTH = 2;
const MANY = 12;

/** What stands for the whole: `closed` tells what is inside, which an open one shows itself. */
const headOf = (
  node: DisplayNode,
): { readonly open: string; readonly closed: string } => {
  switch (node.kind) {
    case 'list': {
      const text = node.items.length === 0 ? '[ ]' : '';
      const count = text || counted(node.items.length, 'item');
      return { open: count, closed: count };
    }
    case 'record': {
      const names = node.fields.map(({ name }) => name).join(', ');
      return {
        open: counted(node.fields.length, 'field'),
        closed: names === '' ? '{ }' : `{ ${names} }`,
      };
    }
    case 'tagged':
      return { open: `tagged ${node.tag}`, closed: `tagged ${node.tag}` };
    default:
      return { open: '', closed: '' };
  }
};

const Label = ({ name }: { readonly name: string | undefined }) =>
  name === undefined ? null : <span class="field">{name}: </span>;

const LONG = 240;

/** A long string is folded: its beginning is often enough. */
const Text = ({
  text,
  name,
}: {
  readonly text: string;
  readonly name: string | undefined;
}) =>
  text.length <= LONG ? (
    <>
      <Label name={name} />
      <span class="value string">“{text}”</span>
    </>
  ) : (
    <details class="long">
      <summary>
        <Label name={name} />
        <span class="value string closed">
          “{text.slice(0, LONG / 2)}…
        </span>{' '}
        <small>{text.length.toLocaleString('en-US')} characters</small>
      </summary>
      <span class="value string">“{text}”</span>
    </details>
  );

const isErrorId = ({ name, value }: DisplayField): boolean =>
  name === 'errorId' &&
  value.kind === 'string' &&
  value.text.startsWith('error:');

/** An error's id only finds it again in its vat's log; it is no part of the tree. */
const visibleIn = (node: DisplayNode): readonly DisplayField[] =>
  node.kind === 'error'
    ? node.fields.filter(field => !isErrorId(field))
    : childrenOf(node);

const Leaf = ({
  node,
  show,
}: {
  readonly node: DisplayNode;
  readonly show: ShowReference;
}) => {
  switch (node.kind) {
    case 'object':
    case 'promise':
      return <>{show(node)}</>;
    case 'unreadable':
      return (
        <span class="value unreadable">
          <code>{node.text}</code> <small>({node.problem})</small>
        </span>
      );
    case 'error':
      return (
        <span class="value error">
          <strong>{node.name}</strong>
          {node.message === '' ? null : (
            <>
              : <LongText text={node.message} />
            </>
          )}
        </span>
      );
    case 'list':
    case 'record':
    case 'tagged': {
      const { open, closed } = headOf(node);
      if (visibleIn(node).length === 0) {
        return <span class="value head">{closed}</span>;
      }
      return (
        <span class="value head">
          <span class="opened">{open}</span>
          <span class="closed">{closed}</span>
        </span>
      );
    }
    default:
      return <span class={`value ${node.kind}`}>{node.text}</span>;
  }
};

/** A value as a tree, after its label. Long and deep parts are folded; `details` gives them the keyboard. */
export const Tree = ({
  node,
  show,
  name,
  depth = 0,
}: {
  readonly node: DisplayNode;
  readonly show: ShowReference;
  readonly name?: string;
  readonly depth?: number;
}) => {
  const children = visibleIn(node);
  if (node.kind === 'string') {
    return <Text text={node.text} name={name} />;
  }
  if (children.length === 0) {
    return (
      <>
        <Label name={name} />
        <Leaf node={node} show={show} />
      </>
    );
  }
  return (
    <details class="tree" open={depth < OPEN_DEPTH && children.length <= MANY}>
      <summary>
        <Label name={name} />
        <Leaf node={node} show={show} />
      </summary>
      <ul>
        {children.map(field => (
          <li key={field.name}>
            <Tree
              node={field.value}
              show={show}
              name={field.name}
              depth={depth + 1}
            />
          </li>
        ))}
      </ul>
    </details>
  );
};
