import {
  textOfPhrase,
  wordsOfPower,
  type EndpointInspection,
  type Json,
} from '@cooperage/protocol';
import { expect, it } from 'vitest';
import { makeAdminStage } from '../testing/admin-stage.ts';
import { makeManualClock } from '../testing/manual-clock.ts';
import { call, makeServiceStage } from '../testing/service-stage.ts';
import { vref } from '../testing/stage.ts';

const GRANTS = [
  'timer',
  'console',
  'revocation',
  { service: 'fetch', hosts: ['a.org', '*.b.org'], pathPrefix: '/v1' },
];

it('the powers of a vat are the objects of services that its c-list holds, in words', async () => {
  const { clock } = makeManualClock();
  const { client, say, ask, told, refer, root, finish, settle } =
    await makeServiceStage(['alice'], GRANTS, {
      clock,
      collectMilliseconds: Infinity,
      wrap: platform => ({
        ...platform,
        fetch: () => ({ answer: new Promise(() => {}), cancel: () => {} }),
      }),
    });
  const powersOf = async (request: object): Promise<string[]> => {
    const answer = await client.rpc.call('inspect', request);
    const { vat } = answer as EndpointInspection;
    return (vat?.powers.items ?? []).map(power =>
      textOfPhrase(wordsOfPower(power)),
    );
  };
  const fetchWords =
    "the kernel's fetch (ko6) fetches from https://a.org/v1, https://*.b.org/v1 (GET, HEAD; at most 1,000,000 bytes within 30 s)";
  expect(await powersOf({ cluster: 'demo', vat: 'boot' })).toEqual([
    fetchWords,
    "the kernel's revocation (ko5)",
    "the kernel's console (ko4) writes into the log as demo",
    "the kernel's timer (ko3)",
  ]);
  // What alice was given is hers; the grants are not.
  expect(await powersOf({ cluster: 'demo', vat: 'alice' })).toEqual([]);
  const alice = root('alice');
  const give = async (...given: readonly string[]): Promise<void> => {
    await ask(
      alice,
      'take',
      given.map((_, at) => `$${at}`),
      ...given,
    );
  };
  const slotsOf = async (
    promise: Promise<string>,
  ): Promise<readonly string[]> => told(await promise)?.slots ?? [];
  const [narrow = ''] = await slotsOf(
    ask(await refer('fetch'), 'attenuate', [{ methods: ['GET'] }]),
  );
  const [ref = '', revoker = ''] = await slotsOf(
    ask(await refer('revocation'), 'makeRevocable', ['$0'], alice),
  );
  const [alarm = ''] = await slotsOf(
    ask(await refer('timer'), 'wakeAt', [1_000, '$0'], alice),
  );
  await give(narrow, ref, revoker, alarm);
  await finish('alice');
  expect(await powersOf({ cluster: 'demo', vat: 'alice' })).toEqual([
    "the kernel's alarm (ko10) cancels what is due at 1970-01-01T00:00:01.000Z",
    "the kernel's revoker (ko9) takes back the kernel's alias (ko8), which stands for demo.alice (ko2)",
    "the kernel's alias (ko8) stands for demo.alice (ko2), revocably",
    `${fetchWords.replace('ko6', 'ko7')}; and of that only GET`,
  ]);
  await ask(revoker, 'revoke');
  await ask(alarm, 'cancel');
  await settle();
  expect(await powersOf({ cluster: 'demo', vat: 'alice' })).toEqual([
    "the kernel's alarm (ko10) has nothing left to cancel",
    "the kernel's revoker (ko9) has nothing left to take back",
    "the kernel's alias (ko8) was revoked",
    `${fetchWords.replace('ko6', 'ko7')}; and of that only GET`,
  ]);
  await say(['dropImports', [vref(ref)]], call(alice, 'let go'));
  await finish('alice', ['dropImports', [vref('o-51')]]);
  await client.rpc.call('collect', {});
  expect(await powersOf({ cluster: 'demo', vat: 'alice' })).toEqual([
    "the kernel's alarm (ko10) has nothing left to cancel",
    "the kernel's revoker (ko9) has nothing left to take back",
    `${fetchWords.replace('ko6', 'ko7')}; and of that only GET`,
  ]);
});

it('of an administrator of any code it says no more, and when its cluster has ended only that', async () => {
  const { client, say, admin, launch, finish } = await makeAdminStage();
  const keeper = await launch('other', 'keeper');
  await say(call(keeper, 'take', ['$0'], null, admin));
  await finish('keeper');
  const powers = async () => {
    const answer = await client.rpc.call('inspect', {
      cluster: 'other',
      vat: 'keeper',
    });
    const { vat } = answer as EndpointInspection;
    return vat?.powers.items.map(power => [
      power.service,
      textOfPhrase(wordsOfPower(power)),
    ]);
  };
  expect(await powers()).toEqual([
    [
      'vatAdmin',
      "the kernel's administrator (ko4) makes vats in demo: 0 vats, 0 bytes stored",
    ],
  ]);
  await client.rpc.call('terminate', { cluster: 'demo' });
  expect(await powers()).toEqual([
    [
      'vatAdmin',
      "the kernel's administrator (ko4) has no cluster left to make vats in",
    ],
  ]);
});

it('of an administrator the quotas are told, and what code they allow, and of a node its vat', async () => {
  const { make, client, ask, told, admin, root, finish } = await makeAdminStage(
    {
      vats: 4,
      bytes: 2_000_000,
      bundles: ['helper'],
    },
  );
  const powersOf = async (vat: string): Promise<string[]> => {
    const answer = await client.rpc.call('inspect', { cluster: 'demo', vat });
    const { vat: facts } = answer as EndpointInspection;
    return (facts?.powers.items ?? [])
      .map(power => textOfPhrase(wordsOfPower(power)))
      .map(text => text.replace(/ \(ko\d+\)/, ''));
  };
  const attenuate = async (caveats: Json): Promise<string> =>
    told(await ask(admin, 'attenuate', [caveats]))?.slots[0] ?? '';
  const narrow = await attenuate({
    vats: 1,
    deadline: 2_000,
    bundles: ['a'.repeat(128)],
  });
  const none = await attenuate({ bundles: [] });
  const { slots: [, node = ''] = [] } =
    (await make('kid', { policy: { bytes: 300_000 } })) ?? {};
  await ask(root('alice'), 'take', ['$0', '$1', '$2'], narrow, none, node);
  await finish('alice');
  const above =
    '1 of 4 vats, 300,000 of 2,000,000 bytes stored, of helper alone';
  expect(await powersOf('boot')).toEqual([
    `the kernel's administrator makes vats in demo: ${above}`,
  ]);
  expect(await powersOf('alice')).toEqual([
    "the kernel's node governs demo.kid (v4)",
    `the kernel's administrator makes vats in demo: 0 vats, 0 bytes stored, of no code alone; and within ${above}`,
    `the kernel's administrator makes vats in demo: 0 of 1 vats, 0 bytes stored, deadlines of at most 2,000 ms, of ${'a'.repeat(128)} alone; and within ${above}`,
  ]);
  await ask(node, 'terminate');
  const [words = ''] = await powersOf('alice');
  expect(words).toBe("the kernel's node governed a vat that has ended");
});
