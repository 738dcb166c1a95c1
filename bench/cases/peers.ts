import { ratioOf, type Contender, type Rates } from '../rounds.ts';
import { PEERS, type PeerName, type Stage } from '../stage.ts';

/** Every peer's round trips, so many in flight. */
export const contendPeers = async (
  stage: Stage,
  inFlight: number,
): Promise<Readonly<Record<PeerName, Contender>>> => {
  const found: [PeerName, Contender][] = [];
  for (const name of PEERS) {
    const { roundTrips } = await stage.providePeer(name);
    found.push([name, count => roundTrips(count, inFlight)]);
  }
  return Object.fromEntries(found) as Record<PeerName, Contender>;
};

/** Ours to each peer. */
export const ratiosToPeers = (
  rates: Rates<PeerName | 'ours'>,
): Readonly<Record<string, number>> =>
  Object.fromEntries(
    PEERS.map(name => [name, ratioOf(rates.ours, rates[name])]),
  );
