import type { Done } from '../translate/check.ts';

/** What a worker's owner is told. Nothing after `onLost`, and nothing after `kill`. */
export type WorkerOwner = {
  onReady(): void;
  onDone(done: Done): void;
  /** Its code can't be loaded; the worker was ended. */
  onFailed(problem: string): void;
  /** The worker is gone, or was ended. */
  onLost(reason: string, cause: LossCause): void;
  /** Follows `onLost`, when all that were lost together have been told. */
  afterLoss(): void;
};

/**
 * Why a worker is lost: its vat broke a rule or passed its deadline; its vat,
 * which is critical, ended itself; the worker was lost or did not start, alone;
 * the process of all workers was lost, while others were at work too or this
 * one was not; it was lost while this one alone was at work; or starts of others
 * that its vat asked for have taken the process of all along.
 */
export type LossCause =
  'fault' | 'exit' | 'worker' | 'host' | 'alone' | 'asked';
