/** @jsxImportSource preact */
import type { ComponentChildren } from 'preact';

/** A framed remark; a bad one is announced at once. */
export const Notice = ({
  tone,
  title,
  children,
}: {
  readonly tone: 'calm' | 'warn' | 'bad';
  readonly title?: string;
  readonly children?: ComponentChildren;
}) => (
  <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
    {title === undefined ? null : <strong>{title}</strong>}
    {children}
  </div>
);

export const ProblemList = ({
  problems,
}: {
  readonly problems: readonly string[];
}) =>
  problems.length === 0 ? null : (
    <Notice
      tone="bad"
      title={
        problems.length === 1
          ? 'This can’t be launched'
          : `${problems.length} problems`
      }
    >
      <ul>
        {problems.map(problem => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
    </Notice>
  );

export const Empty = ({
  children,
}: {
  readonly children: ComponentChildren;
}) => <div class="empty">{children}</div>;
