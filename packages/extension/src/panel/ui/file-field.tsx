/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { MAX_BUNDLE_BYTES, sizeInWords } from '@cooperage/protocol';
import { wordsOf } from '../state/link.ts';
import { Notice } from './notice.tsx';

/** A place to drop a text file, or to choose one; the same file may be chosen again. */
export const FileField = ({
  accept,
  onText,
  children,
}: {
  readonly accept: string;
  readonly onText: (text: string, name: string) => void;
  /** What kind of file. */
  readonly children: ComponentChildren;
}) => {
  const over = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  const readFile = async (file: File | null | undefined): Promise<void> => {
    problem.value = undefined;
    try {
      if (file && file.size > MAX_BUNDLE_BYTES) {
        problem.value = `${file.name} is too large: it has ${sizeInWords(file.size)}, and ${sizeInWords(MAX_BUNDLE_BYTES)} are the most`;
      } else if (file) {
        onText(await file.text(), file.name);
      }
    } catch (error) {
      problem.value = `${file?.name ?? 'the file'} can’t be read: ${wordsOf(error)}`;
    }
  };
  return (
    <>
      <label
        class={over.value ? 'drop over' : 'drop'}
        onDragOver={event => {
          event.preventDefault();
          over.value = true;
        }}
        onDragLeave={() => {
          over.value = false;
        }}
        onDrop={event => {
          event.preventDefault();
          over.value = false;
          void readFile(event.dataTransfer?.files[0]);
        }}
      >
        <span>
          <strong>Choose a file</strong> or drop it here: {children}
        </span>
        <input
          type="file"
          accept={accept}
          onChange={event => {
            const input = event.currentTarget;
            void readFile(input.files?.[0]);
            input.value = '';
          }}
        />
      </label>
      {problem.value === undefined ? null : (
        <Notice tone="bad" isAnswer>
          {problem.value}
        </Notice>
      )}
    </>
  );
};
