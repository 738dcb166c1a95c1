import type { CapData } from './capdata.ts';
import type { Vref } from './refs.ts';

/** A message: `methargs` marshals `[method, args]`; `result` is the promise to resolve with the answer. */
export type Message<Ref extends string = Vref> = {
  readonly methargs: CapData<Ref>;
  readonly result?: Ref | null | undefined;
};

/** One settled promise: its reference, whether it is rejected, and with what. */
export type Resolution<Ref extends string = Vref> = readonly [
  promise: Ref,
  isRejected: boolean,
  data: CapData<Ref>,
];

/** What the kernel tells an endpoint, in liveslots' own shapes so that nothing is converted on the way. */
export type Delivery =
  | readonly ['startVat', CapData]
  | readonly ['message', Vref, Message]
  | readonly ['notify', readonly Resolution[]]
  | readonly ['dropExports', readonly Vref[]]
  | readonly ['retireExports', readonly Vref[]]
  | readonly ['retireImports', readonly Vref[]]
  | readonly ['bringOutYourDead'];

/** Every reference that a delivery names, but that of an answer. */
export const referencesOf = (delivery: Delivery): readonly Vref[] => {
  switch (delivery[0]) {
    case 'startVat':
      return delivery[1].slots;
    case 'message':
      return [delivery[1], ...delivery[2].methargs.slots];
    case 'notify':
      return delivery[1].flatMap(([, , { slots }]) => slots);
    case 'bringOutYourDead':
      return [];
    default:
      return delivery[1];
  }
};

/**
 * What an endpoint asks of the kernel; the store's reads and writes never get
 * this far. `forgetPromises` is not liveslots' but the supervisor's: nobody here
 * waits for these any more.
 */
export type Syscall =
  | readonly ['send', Vref, Message]
  | readonly ['subscribe', Vref]
  | readonly ['resolve', readonly Resolution[]]
  | readonly ['exit', boolean, CapData]
  | readonly ['dropImports', readonly Vref[]]
  | readonly ['retireImports', readonly Vref[]]
  | readonly ['retireExports', readonly Vref[]]
  | readonly ['abandonExports', readonly Vref[]]
  | readonly ['forgetPromises', readonly Vref[]];
