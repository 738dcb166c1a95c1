/** @jsxImportSource preact */
import type { Bench } from '../state/bench.ts';
import { LongText } from '../ui/long-text.tsx';
import { Notice } from '../ui/notice.tsx';

/** Why the last deed under this key failed, if it did. */
export const ActionProblem = ({
  bench,
  actionKey,
}: {
  readonly bench: Bench;
  readonly actionKey: string;
}) => {
  const state = bench.actions.states.value.get(actionKey);
  return state?.state === 'failed' ? (
    <Notice tone="bad" isAnswer>
      <div>
        <LongText text={state.problem} />
      </div>
    </Notice>
  ) : null;
};
