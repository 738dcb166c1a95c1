import harden from '@endo/harden';
import {
  CooperageError,
  describeRoom,
  type LogLevel,
  type StorageRoom,
} from '@cooperage/protocol';
import type { Phase } from './phase.ts';
import type { Platform } from './ports.ts';

/** It is asked for anew after that long, and sooner when so much was written. */
const ASK_MILLISECONDS = 60_000;
const ASK_BYTES = 1_000_000;

/** Shares of the room that are used: from the one on people are warned, from the other on nothing new is launched. */
const SHORT = 0.8;
const SCARCE = 0.9;
/** With less left than that the kernel stops: a commit that finds no room could not be taken back otherwise. */
const LEAST_BYTES = 16_000_000;

const levelOf = ({
  used,
  left,
}: Pick<StorageRoom, 'used' | 'left'>): StorageRoom['level'] => {
  const share = used / Math.max(1, used + left);
  if (left < LEAST_BYTES) {
    return 'full';
  }
  if (share >= SCARCE) {
    return 'scarce';
  }
  return share >= SHORT ? 'short' : 'ample';
};

const ADVICE = {
  ample: 'there is room again',
  short: 'terminate what is not needed, or make room on the disk',
  scarce:
    'nothing new is launched: terminate what is not needed, or make room on the disk',
} as const;

type RoomPowers = {
  readonly phase: Phase;
  readonly commit: () => void;
  readonly write: (label: string, level: LogLevel, text: string) => void;
  /** People are to be told how things are. */
  readonly stir: () => void;
};

/**
 * Watches how much room the storage has left: warns when it is short, refuses
 * vats that are to be launched when it is scarce, and stops the kernel after a last
 * commit while there is still some. Does nothing where the platform can't tell.
 */
export const makeRoom = (platform: Platform) => {
  const { room, clock, db, stores } = platform;
  let known: StorageRoom | undefined;
  let bytesThen = 0;
  let isAsking = false;
  let isMute = false;
  let cancelAsk = (): void => {};
  let ask = (): void => {};

  const watch = (
    askForRoom: NonNullable<Platform['room']>,
    { phase, commit, write, stir }: RoomPowers,
  ): void => {
    const take = (found: Pick<StorageRoom, 'used' | 'left'>): void => {
      const before = known?.level ?? 'ample';
      const now = { ...found, level: levelOf(found) };
      known = now;
      stir();
      if (now.level === 'full') {
        commit();
        throw new CooperageError(
          'STORAGE_FAILED',
          `the kernel has stopped before the storage is full: ${describeRoom(now)}. Make room on the disk, then start it`,
        );
      }
      if (now.level !== before) {
        const level = now.level === 'ample' ? 'info' : 'warn';
        write('kernel', level, `${describeRoom(now)}; ${ADVICE[now.level]}`);
      }
    };
    const complain = (problem: unknown): void => {
      if (!isMute) {
        isMute = true;
        write('kernel', 'warn', `nobody knows the room left: ${problem}`);
      }
    };
    const askLater = (): void => {
      isAsking = false;
      cancelAsk = clock.after(ASK_MILLISECONDS, ask);
    };
    ask = () => {
      if (isAsking) {
        return;
      }
      isAsking = true;
      cancelAsk();
      bytesThen = db.counters.bytes;
      askForRoom().then(
        found => {
          askLater();
          phase.guard(() => take(found));
        },
        (problem: unknown) => {
          askLater();
          phase.guard(() => complain(problem));
        },
      );
    };
    phase.onEnd(() => {
      ask = () => {};
      cancelAsk();
    });
    ask();
  };

  const reserve = async (files: number): Promise<void> => {
    if (known?.level === 'scarce') {
      throw new CooperageError(
        'STORAGE_FULL',
        `No room for more vats: ${describeRoom(known)}. Terminate what is not needed, or make room on the disk`,
      );
    }
    return stores.reserve(files);
  };

  return Object.freeze({
    /** How things were when it was asked last; undefined where nobody can tell. */
    known: () => known,
    begin: (powers: RoomPowers): void => {
      if (room) {
        watch(room, powers);
      }
    },
    committed: (): void => {
      if (db.counters.bytes - bytesThen >= ASK_BYTES) {
        ask();
      }
    },
    /** The same, but that its stores refuse room for more vats when there is little left. */
    platform: { ...platform, stores: { ...stores, reserve } },
  });
};
harden(makeRoom);
