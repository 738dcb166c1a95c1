import harden from '@endo/harden';
import type { PromiseRow, QueueRow } from './schema.ts';
import type { TimerRow } from './service-schema.ts';
import type { VatChangeRow } from './vat-schema.ts';

/** What a queued message counts beyond its text: its row and its places in indexes. */
const MESSAGE_UNITS = 200;
/** What an object of a service, or an alias, counts beyond its text: its rows, and their places in indexes. */
const OBJECT_UNITS = 200;
/** What a reference in data counts. */
const SLOT_UNITS = 20;

/** What data count, in UTF-16 units. */
export const weighData = ({
  body,
  slots,
}: {
  readonly body: string;
  readonly slots: readonly string[];
}): number => body.length + SLOT_UNITS * slots.length;
harden(weighData);

export const weighMessage = (row: Pick<QueueRow, 'body' | 'slots'>): number =>
  MESSAGE_UNITS + weighData(row);
harden(weighMessage);

/** Nothing before it is settled. */
export const weighAnswer = ({
  body,
  slots,
}: Pick<PromiseRow, 'body' | 'slots'>): number =>
  body === null ? 0 : weighData({ body, slots });
harden(weighAnswer);

export const weighChange = ({ key, value }: VatChangeRow): number =>
  key.length + (value?.length ?? 0);
harden(weighChange);

/** How often an alarm comes in a second, rounded up: whole numbers, for sums that are undone. */
export const weighRepeat = ({ period }: Pick<TimerRow, 'period'>): number =>
  period === null ? 0 : Math.ceil(1_000 / period);
harden(weighRepeat);

/** With so much text that other rows keep for it. */
export const weighServiceObject = (data: string, unitsBeside = 0): number =>
  OBJECT_UNITS + data.length + unitsBeside;
harden(weighServiceObject);

export const weighAlias = (): number => OBJECT_UNITS;
harden(weighAlias);
