/**
 * What a client may say, as data, for those who make such words by chance and
 * break them place by place: see `vat-words.ts`. The compiler wants a form for
 * each method of `control.ts` and each notification.
 */
import type {
  ClientNotifications,
  ControlMethods,
  ReferenceRequest,
} from './control.ts';
import type { OrderRequest, PauseRequest } from './order.ts';
import { SYSCALL_FORMS } from './vat-words.ts';
import {
  either,
  FLAG,
  listOf,
  maybe,
  NUMBER,
  one,
  record,
  REFERENCE,
  TEXT,
  type Form,
} from './word-form.ts';

type Params<Name extends keyof ControlMethods> = ControlMethods[Name]['params'];

const NOTHING = record<Record<string, never>>({});
/** One vat, or all of a cluster's. */
const VATS = record<OrderRequest>({
  cluster: TEXT,
  vat: maybe(TEXT),
  id: maybe(TEXT),
});
const PAUSED = either(
  VATS,
  record<Extract<PauseRequest, { cluster?: never }>>({
    cluster: one(undefined),
    vat: one(undefined),
    id: one(undefined),
  }),
);
const BUNDLE = either(
  record<{ text: string }>({ text: TEXT }),
  record<{ hash: string }>({ hash: TEXT }),
  record<{ url: string }>({ url: TEXT }),
);
const NAMED = record<{ name: string }>({ name: TEXT });
const MARK = record<Params<'grownSince'>>({ mark: TEXT });
const REFERRED = either(
  record<Extract<ReferenceRequest, { cluster: string }>>({
    cluster: TEXT,
    vat: maybe(TEXT),
  }),
  record<{ home: string }>({ home: TEXT }),
  record<{ kref: string }>({ kref: REFERENCE }),
);
/** As much of a config as has something to do with others. */
const CONFIG = record<Record<string, unknown>>({
  name: TEXT,
  bootstrap: maybe(TEXT),
  services: maybe(listOf(TEXT)),
  vats: record<Record<string, unknown>>({
    hers: record<Record<string, unknown>>({ bundle: BUNDLE }),
  }),
});

export const PARAM_FORMS: { readonly [Name in keyof ControlMethods]: Form } = {
  status: NOTHING,
  subscribe: record<Params<'subscribe'>>({ trace: maybe(FLAG) }),
  start: NOTHING,
  launch: record<Params<'launch'>>({ config: CONFIG }),
  terminate: VATS,
  restart: VATS,
  upgrade: record<Params<'upgrade'>>({
    cluster: TEXT,
    vat: maybe(TEXT),
    id: maybe(TEXT),
    bundle: BUNDLE,
    parameters: maybe(TEXT),
    upgradeMessage: maybe(TEXT),
  }),
  resume: VATS,
  suspend: VATS,
  pause: PAUSED,
  unpause: PAUSED,
  step: NOTHING,
  collect: NOTHING,
  sessionOpen: NOTHING,
  sessionClose: NOTHING,
  reference: REFERRED,
  keep: record<Params<'keep'>>({ name: TEXT, vref: REFERENCE }),
  forget: NAMED,
  inspect: either(
    REFERRED,
    record<{ vref: string }>({ vref: REFERENCE }),
    record<{ endpoint: string }>({ endpoint: REFERENCE }),
  ),
  mark: NOTHING,
  grownSince: MARK,
  cycles: NOTHING,
  storeBundle: record<Params<'storeBundle'>>({ name: TEXT, bundle: BUNDLE }),
  bundles: NOTHING,
  forgetBundle: NAMED,
  check: NOTHING,
  backup: NOTHING,
  restore: NAMED,
  erase: NOTHING,
};

export const NOTIFICATION_FORMS: {
  readonly [Name in keyof ClientNotifications]: Form;
} = {
  syscalls: record<ClientNotifications['syscalls']>({
    syscalls: listOf(either(...Object.values(SYSCALL_FORMS))),
    seen: NUMBER,
  }),
};
