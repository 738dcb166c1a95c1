/** What the whole must show, as scenarios that any platform's tests run. */
import { CHAT_SCENARIOS } from './chat-suite.ts';
import { COUNTER_SCENARIOS } from './counter-suite.ts';
import { DEMO_SCENARIOS } from './demo-suite.ts';
import { EVERYTHING_SCENARIOS } from './everything-suite.ts';
import { GC_SCENARIOS } from './gc-suite.ts';
import { LAUNCH_SCENARIOS } from './launch-suite.ts';
import { MARKET_SCENARIOS } from './market-suite.ts';
import { REMINDERS_SCENARIOS } from './reminders-suite.ts';
import { ROGUE_SCENARIOS } from './rogue-suite.ts';
import { WORKSHOP_SCENARIOS } from './workshop-suite.ts';
import type { Scenario } from './scenario.ts';

export type { Scenario, Step } from './scenario.ts';
export { TEST_CONFIGS } from './test-configs.ts';
export {
  makeWorld,
  type Configs,
  type ConsoleRealm,
  type World,
} from './world.ts';

/** The scenarios by what they are about. */
export const SUITES = {
  demo: DEMO_SCENARIOS,
  counter: COUNTER_SCENARIOS,
  market: MARKET_SCENARIOS,
  chat: CHAT_SCENARIOS,
  everything: EVERYTHING_SCENARIOS,
  garbage: GC_SCENARIOS,
  launch: LAUNCH_SCENARIOS,
  reminders: REMINDERS_SCENARIOS,
  rogue: ROGUE_SCENARIOS,
  workshop: WORKSHOP_SCENARIOS,
} satisfies Record<string, readonly Scenario[]>;

export const SCENARIOS: readonly Scenario[] = Object.values(SUITES).flat();
