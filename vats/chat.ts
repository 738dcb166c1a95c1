/**
 * A chat room that outlives its worker. Its history is bounded. A member's
 * listener is either durable, and told again after a restart, or it lasts as
 * long as this worker does.
 */
import {
  makeScalarBigMapStore,
  prepareExoClass,
  prepareExoClassKit,
  provideDurableMapStore,
  type Baggage,
  type MapStore,
} from '@agoric/vat-data';
import { makeExo } from '@endo/exo';
import { E, type ERef } from '@endo/far';
import { M } from '@endo/patterns';

type Entry = {
  readonly number: number;
  readonly by: string;
  readonly text: string;
};
type Listener = { said(entry: Entry): unknown };
type Parameters = { readonly historyLimit?: number };

const EntryShape = M.splitRecord({
  number: M.number(),
  by: M.string(),
  text: M.string(),
});
const RoomGuards = {
  room: M.interface('Room', {
    join: M.call(M.string()).optional(M.remotable()).returns(M.remotable()),
    joinForGood: M.call(M.string(), M.remotable()).returns(M.remotable()),
    history: M.call().optional(M.number()).returns(M.arrayOf(EntryShape)),
    getName: M.call().returns(M.string()),
    getMembers: M.call().returns(M.arrayOf(M.string())),
  }),
  desk: M.interface('Desk', {
    post: M.call(M.string(), M.string()).returns(M.number()),
    leave: M.call(M.string()).returns(M.boolean()),
  }),
};
const MemberI = M.interface('Member', {
  say: M.call(M.string()).returns(M.number()),
  leave: M.call().returns(M.boolean()),
  getNick: M.call().returns(M.string()),
});
const ChatI = M.interface('Chat', {
  getRoom: M.call(M.string()).returns(M.remotable()),
  listRooms: M.call().returns(M.arrayOf(M.string())),
});

/** Membership of one room; a nick without a durable listener holds null. */
type RoomState = {
  readonly name: string;
  readonly history: MapStore<number, Entry>;
  readonly members: MapStore<string, Listener | null>;
  count: number;
};

const openRoom = (name: string): RoomState => ({
  name,
  history: makeScalarBigMapStore('history', { durable: true }),
  members: makeScalarBigMapStore('members', { durable: true }),
  count: 0,
});

/** What dies with the worker: the listeners that were not given for good. */
const makeEphemeralListeners = () => {
  const rooms = new Map<string, Map<string, ERef<Listener>>>();
  const ofRoom = (room: string) => {
    const found = rooms.get(room) ?? new Map<string, ERef<Listener>>();
    rooms.set(room, found);
    return found;
  };
  return harden({
    add: (room: string, nick: string, listener: ERef<Listener>) => {
      ofRoom(room).set(nick, listener);
    },
    delete: (room: string, nick: string) => ofRoom(room).delete(nick),
    values: (room: string) => [...ofRoom(room).values()],
  });
};

const prepareMember = (baggage: Baggage) =>
  prepareExoClass(
    baggage,
    'Member',
    MemberI,
    (desk: Desk, nick: string) => ({ desk, nick }),
    {
      /** Returns the number of the entry. */
      say(text: string) {
        return this.state.desk.post(this.state.nick, text);
      },
      leave() {
        return this.state.desk.leave(this.state.nick);
      },
      getNick() {
        return this.state.nick;
      },
    },
  );

type Desk = {
  post(nick: string, text: string): number;
  leave(nick: string): boolean;
};

/** Adds to the history, and forgets what is older than its bound. */
const record = (
  state: RoomState,
  said: { readonly by: string; readonly text: string },
  limit: number,
): Entry => {
  state.count += 1;
  const entry = harden({ number: state.count, ...said });
  state.history.init(entry.number, entry);
  const expired = entry.number - limit;
  if (state.history.has(expired)) {
    state.history.delete(expired);
  }
  return entry;
};

const tell = (listeners: Iterable<ERef<Listener> | null>, entry: Entry) => {
  for (const listener of listeners) {
    if (listener !== null) {
      E(listener)
        .said(entry)
        .catch(() => undefined); // one who does not listen stops nobody
    }
  }
};

const admit = (state: RoomState, nick: string, listener: Listener | null) => {
  if (state.members.has(nick)) {
    throw Error(`${nick} is in ${state.name} already: take another name`);
  }
  state.members.init(nick, listener);
};

const prepareRoom = (baggage: Baggage, historyLimit: number) => {
  const ephemeral = makeEphemeralListeners();
  const makeMember = prepareMember(baggage);

  return prepareExoClassKit(baggage, 'Room', RoomGuards, openRoom, {
    room: {
      /** The listener, if any, hears what is said until this worker ends. */
      join(nick: string, listener?: ERef<Listener>) {
        admit(this.state, nick, null);
        if (listener !== undefined) {
          ephemeral.add(this.state.name, nick, listener);
        }
        return makeMember(this.facets.desk, nick);
      },
      /** The listener is durable in its own vat, and hears for good. */
      joinForGood(nick: string, listener: Listener) {
        admit(this.state, nick, listener);
        return makeMember(this.facets.desk, nick);
      },
      /** The last entries, oldest first. */
      history(last = historyLimit) {
        const entries = [...this.state.history.values()];
        return harden(entries.slice(Math.max(0, entries.length - last)));
      },
      getName() {
        return this.state.name;
      },
      getMembers() {
        return harden([...this.state.members.keys()]);
      },
    },
    desk: {
      post(nick: string, text: string) {
        const { members, name } = this.state;
        if (!members.has(nick)) {
          throw Error(`${nick} has left ${name}`);
        }
        const entry = record(this.state, { by: nick, text }, historyLimit);
        tell([...members.values(), ...ephemeral.values(name)], entry);
        return entry.number;
      },
      leave(nick: string) {
        const { members, name } = this.state;
        ephemeral.delete(name, nick);
        const isMember = members.has(nick);
        if (isMember) {
          members.delete(nick);
        }
        return isMember;
      },
    },
  });
};

export const buildRootObject = (
  _vatPowers: unknown,
  { historyLimit = 100 }: Parameters,
  baggage: Baggage,
) => {
  const makeRoom = prepareRoom(baggage, historyLimit);
  type Room = ReturnType<typeof makeRoom>['room'];
  const rooms = provideDurableMapStore<string, Room>(baggage, 'rooms');

  return makeExo('Chat', ChatI, {
    /** The room of that name; the first who asks opens it. */
    getRoom(name: string) {
      if (!rooms.has(name)) {
        rooms.init(name, makeRoom(name).room);
      }
      return rooms.get(name);
    },
    listRooms() {
      return harden([...rooms.keys()]);
    },
  });
};
