/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

/** A place to drop a file, or to choose one; the same file may be chosen again. Whoever gets it reads it, and says why it can't. */
export const FileField = ({
  accept,
  onFile,
  children,
}: {
  readonly accept: string;
  readonly onFile: (file: File) => void;
  /** What kind of file. */
  readonly children: ComponentChildren;
}) => {
  const over = useSignal(false);
  const take = (file: File | null | undefined): void => {
    if (file) {
      onFile(file);
    }
  };
  return (
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
        take(event.dataTransfer?.files[0]);
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
          take(input.files?.[0]);
          input.value = '';
        }}
      />
    </label>
  );
};
