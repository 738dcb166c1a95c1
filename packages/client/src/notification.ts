import {
  CooperageError,
  type ErrorCode,
  type KernelNotifications,
} from '@cooperage/protocol';
import harden from '@endo/harden';

/** A client of this kind asks for no trace. */
type Heard = Exclude<keyof KernelNotifications, 'trace'>;

/** A notification of the kernel, told apart by its name. */
export type Notification = {
  [Name in Heard]: {
    readonly name: Name;
    readonly params: KernelNotifications[Name];
  };
}[Heard];

const breach = (what: string): CooperageError =>
  new CooperageError('BAD_REQUEST', `the kernel sent ${what}`);

/**
 * Reads a notification. The kernel is trusted, so this looks only for what a
 * difference of versions or a mistaken wiring would show. Throws BAD_REQUEST.
 */
export const parseNotification = (
  name: string,
  params: unknown,
): Notification => {
  if (typeof params !== 'object' || params === null) {
    throw breach(`the notification '${name}' without parameters`);
  }
  const { number, delivery } = params as Partial<
    KernelNotifications['deliver']
  >;
  switch (name) {
    case 'deliver':
      if (typeof number !== 'number' || !Array.isArray(delivery)) {
        throw breach('a delivery without a number or without content');
      }
      return { name, params: params as KernelNotifications['deliver'] };
    case 'sessionEnded':
      return { name, params: params as KernelNotifications['sessionEnded'] };
    case 'state':
      return { name, params: params as KernelNotifications['state'] };
    case 'log':
      return { name, params: params as KernelNotifications['log'] };
    default:
      throw breach(`an unknown notification '${name}'`);
  }
};
harden(parseNotification);

/** The code that a `sessionEnded` gives, for the message. */
export const wordsOfEnd = (code: ErrorCode, reason: string): string =>
  code === 'SESSION_CLOSED' ? reason : `${reason} (${code})`;
harden(wordsOfEnd);
