import type { Configs } from './world.ts';

const scriptOf = (source: string, imports: readonly string[] = []) => ({
  text: JSON.stringify({ moduleFormat: 'cooperageScript', source, imports }),
});

/** A durable object that keeps what it was told. */
const LISTENER = `imports => {
  const { prepareExo, provide } = imports['@agoric/vat-data'];
  const { Far } = imports['@endo/far'];
  const buildRootObject = (vatPowers, parameters, baggage) => {
    provide(baggage, 'heard', () => harden([]));
    const listener = prepareExo(baggage, 'Listener', undefined, {
      said(entry) {
        baggage.set('heard', harden([...baggage.get('heard'), entry.by + ': ' + entry.text]));
      },
    });
    return Far('ListenerRoot', {
      getListener: () => listener,
      listHeard: () => baggage.get('heard'),
    });
  };
  return { buildRootObject };
}`;

const THROWING = `imports => ({
  buildRootObject: () => { throw RangeError('no root today'); },
})`;

const GARBLED = `imports => ({ buildRootObject: () => { let = ; } })`;

const clusterOf = (name: string, bundle: { readonly text: string }) => ({
  name,
  bootstrap: name,
  vats: { [name]: { bundle } },
});

/** Clusters that no sample is, for what goes wrong and for what hears. */
export const TEST_CONFIGS: Pick<Configs, 'listener' | 'throwing' | 'garbled'> =
  {
    listener: clusterOf(
      'listener',
      scriptOf(LISTENER, ['@agoric/vat-data', '@endo/far']),
    ),
    throwing: clusterOf('throwing', scriptOf(THROWING)),
    garbled: clusterOf('garbled', scriptOf(GARBLED)),
  };
