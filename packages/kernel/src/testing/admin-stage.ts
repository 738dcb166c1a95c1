import type { Json } from '@cooperage/protocol';
import type { Behavior } from './raw-vats.ts';
import { RAW_BUNDLE } from './rig.ts';
import { makeServiceStage, type Told } from './service-stage.ts';
import { answerStart, settle } from './stage.ts';

/** The code that an administrator finds, by its name and its hash. */
export const BUNDLES = { helper: { text: RAW_BUNDLE } };
export const HASH = `${RAW_BUNDLE.length}`.padStart(128, '0');

/** Everything is answered at once but the starts of those whose name begins so. */
export const holdStartsOf =
  (prefix: string): Behavior =>
  (delivery, vat) =>
    delivery[0] === 'startVat' && vat.label.startsWith(prefix)
      ? undefined
      : (answerStart(delivery) ?? (vat.label === 'boot' ? {} : undefined));

/** A second or more: what has not come by then never does. */
const MOST_TURNS = 50_000;

/** Lets things settle until it is so. */
export const until = async (isSo: () => boolean): Promise<void> => {
  for (let turns = 0; !isSo(); turns += 1) {
    if (turns === MOST_TURNS) {
      throw Error(`what is waited for has not come: ${String(isSo)}`);
    }
    await settle();
  }
};

/** What the client is told of a promise. */
export const heard = async (
  told: (promise: string) => Told,
  promise: string,
): Promise<Told> => {
  await until(() => told(promise) !== undefined);
  return told(promise);
};

/** A cluster `demo` with an administrator, and a client that calls it. */
export const makeAdminStage = async (
  grant: Readonly<Record<string, Json>> = {},
  options: Parameters<typeof makeServiceStage>[2] = {},
) => {
  const stage = await makeServiceStage(
    ['alice', 'bob'],
    [{ service: 'vatAdmin', ...grant }],
    { bundles: BUNDLES, collectMilliseconds: Infinity, ...options },
  );
  const admin = await stage.refer('administrator');
  const { state } = stage.rig.kernel;
  const vatNamed = (name: string) =>
    [...state.vats.values()].find(row => row.name === name);
  /** A worker of that name has begun with a delivery, and not ended it. */
  const isHeld = (name: string): boolean =>
    stage.rig.vats.all.some(
      ({ label, isBusy, isKilled }) => label === name && isBusy && !isKilled,
    );
  return {
    ...stage,
    isHeld,
    admin,
    state,
    vatNamed,
    /** Makes a vat and gives what the client was told: root and node, in this order. */
    make: async (
      name: string,
      options: Readonly<Record<string, Json>> = {},
      ...slots: readonly string[]
    ): Promise<Told> =>
      heard(
        stage.told,
        await stage.ask(
          admin,
          'createVat',
          ['helper', { name, ...options }],
          ...slots,
        ),
      ),
    /** What quotas count, administrators, births, children and the vats. */
    count: () => ({
      quotas: [...state.quotas.values()].map(
        ({ vatsUsed, bytesUsed }) => [vatsUsed, bytesUsed] as const,
      ),
      births: state.births.size,
      children: state.children.size,
      vats: [...state.vats.values()].map(({ name }) => name),
    }),
  };
};

const ERROR_NAMES: readonly unknown[] = ['Error', 'TypeError', 'RangeError'];

/** The message of an error that the client was told, which has the name of one. */
export const problemIn = (told: Told): string => {
  const { '#error': message, name } = Object(told?.value);
  if (message !== undefined && !ERROR_NAMES.includes(name)) {
    throw Error(`an error has no name: ${message}`);
  }
  return message;
};
