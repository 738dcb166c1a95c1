/** @jsxImportSource preact */
import type { ComponentChildren } from 'preact';
import { showOnce } from './button.tsx';

/** A framed remark; a bad one is announced at once. */
export const Notice = ({
  tone,
  title,
  children,
  isAnswer = false,
}: {
  readonly tone: 'calm' | 'warn' | 'bad';
  readonly title?: string;
  readonly children?: ComponentChildren;
  /** To what the person has just done: then it is scrolled to. */
  readonly isAnswer?: boolean;
}) => (
  <div
    class={`notice ${tone}`}
    role={tone === 'bad' ? 'alert' : 'status'}
    {...(isAnswer ? { ref: showOnce } : {})}
  >
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
      key={problems.join()}
      tone="bad"
      isAnswer
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
