/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import { describeCheck, sizeInWords } from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import {
  CHECK_KEY,
  RESTORE_KEY,
  SAVE_KEY,
  type Backups,
} from '../state/backups.ts';
import { Button } from '../ui/button.tsx';
import { ConfirmButton } from '../ui/confirm.tsx';
import { counted } from '../ui/counted.ts';
import { Notice } from '../ui/notice.tsx';
import { ActionProblem } from './action-problem.tsx';

type Props = { readonly bench: Bench; readonly backups: Backups };

const isBusy = (bench: Bench, key: string): boolean =>
  bench.actions.states.value.get(key)?.state === 'busy';

const Saving = ({ bench, backups }: Props) => {
  const busy = isBusy(bench, SAVE_KEY);
  const made = backups.made.value;
  return (
    <>
      <p>
        A backup is one file with all that vats and kernel have stored. Their
        secrets are in it: keep it as you would keep them.
      </p>
      <Button
        disabled={busy || bench.connection.phase.value.at !== 'open'}
        onPress={() => void backups.save()}
      >
        {busy ? 'Looking through what is stored…' : 'Save a backup'}
      </Button>
      {made === undefined ? null : (
        <Notice tone="calm" isAnswer>
          <p>
            {made.name}: {counted(made.files, 'file')},{' '}
            {sizeInWords(made.bytes)}
          </p>
        </Notice>
      )}
      <ActionProblem bench={bench} actionKey={SAVE_KEY} />
    </>
  );
};

const Checking = ({ bench, backups }: Props) => {
  const busy = isBusy(bench, CHECK_KEY);
  const checked = backups.checked.value;
  return (
    <>
      <p>
        What is stored can be looked through for damage; a backup does so first.
      </p>
      <Button
        disabled={busy || !bench.canAct.value}
        onPress={() => void backups.check()}
      >
        {busy ? 'Looking through what is stored…' : 'Look for damage'}
      </Button>
      {checked === undefined ? null : (
        <Notice tone={checked.damaged.length > 0 ? 'bad' : 'calm'} isAnswer>
          {describeCheck(checked).map(line => (
            <p key={line}>{line}</p>
          ))}
        </Notice>
      )}
      <ActionProblem bench={bench} actionKey={CHECK_KEY} />
    </>
  );
};

const Restoring = ({ bench, backups }: Props) => {
  const file = useSignal<File | undefined>(undefined);
  const busy = isBusy(bench, RESTORE_KEY);
  const chosen = file.value;
  const restore = async (): Promise<void> => {
    if (chosen && (await backups.restore(chosen))) {
      // They name objects of another time.
      bench.results.clear();
      bench.logs.clear();
    }
  };
  return (
    <>
      <label class="labelled">
        <span>A backup to restore</span>
        <input
          type="file"
          accept=".cooperage"
          onChange={event => {
            bench.actions.clear(RESTORE_KEY);
            file.value = event.currentTarget.files?.[0];
          }}
        />
      </label>
      {busy ? (
        <p>Looking through the backup…</p>
      ) : (
        <ConfirmButton
          text="Restore"
          label="Restore the backup"
          question={`All that is stored now gives way to what ${chosen?.name ?? 'the backup'} holds. There is no way back: save a backup of it first if you may want it again.`}
          confirmText="Restore"
          disabled={
            chosen === undefined || bench.connection.phase.value.at !== 'open'
          }
          onConfirm={() => void restore()}
        />
      )}
      <ActionProblem bench={bench} actionKey={RESTORE_KEY} />
    </>
  );
};

/** Backups of everything, also while no kernel runs. */
export const BackupRoom = ({ bench }: { readonly bench: Bench }) => {
  const { backups } = bench;
  return backups === undefined ? null : (
    <details class="backups">
      <summary>Back up or restore…</summary>
      <div class="framed">
        <Saving bench={bench} backups={backups} />
        <hr />
        <Checking bench={bench} backups={backups} />
        <hr />
        <Restoring bench={bench} backups={backups} />
      </div>
    </details>
  );
};
