/** @jsxImportSource preact */
import type { ComponentChildren } from 'preact';
import {
  childrenOf,
  type DisplayField,
  type DisplayNode,
  type DisplayReference,
} from '../state/describe.ts';

/** How a tree shows its references; the views know what can be done with them. */
export type ShowReference = (reference: DisplayReference) => ComponentChildren;

const OPEN_DEPTH = 2;
const MANY = 12;

const headOf = (node: DisplayNode): string => {
  switch (node.kind) {
    case 'list':
      return node.items.length === 0 ? '[ ]' : `list of ${node.items.length}`;
    case 'record':
      return node.fields.length === 0
        ? '{ }'
        : `{ ${node.fields.map(({ name }) => name).join(', ')} }`;
    case 'tagged':
      return `tagged ${node.tag}`;
    default:
      return '';
  }
};

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
          {node.message === '' ? '' : `: ${node.message}`}
        </span>
      );
    case 'string':
      return <span class="value string">“{node.text}”</span>;
    case 'list':
    case 'record':
    case 'tagged':
      return <span class="value head">{headOf(node)}</span>;
    default:
      return <span class={`value ${node.kind}`}>{node.text}</span>;
  }
};

const Field = ({
  field,
  show,
  depth,
}: {
  readonly field: DisplayField;
  readonly show: ShowReference;
  readonly depth: number;
}) => (
  <li>
    <span class="field">{field.name}</span>
    <Tree node={field.value} show={show} depth={depth} />
  </li>
);

/** A value as a tree. Long and deep parts are folded; `details` gives them the keyboard. */
export const Tree = ({
  node,
  show,
  depth = 0,
}: {
  readonly node: DisplayNode;
  readonly show: ShowReference;
  readonly depth?: number;
}) => {
  const children = childrenOf(node);
  if (children.length === 0) {
    return <Leaf node={node} show={show} />;
  }
  return (
    <details class="tree" open={depth < OPEN_DEPTH && children.length <= MANY}>
      <summary>
        <Leaf node={node} show={show} />
      </summary>
      <ul>
        {children.map(field => (
          <Field key={field.name} field={field} show={show} depth={depth + 1} />
        ))}
      </ul>
    </details>
  );
};
