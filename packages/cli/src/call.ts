import { inspect } from 'node:util';
import type { Place } from './open-kernel.ts';
import { Problem } from './problem.ts';
import { reachKernel } from './reach-kernel.ts';

const parseArguments = (json: string): readonly unknown[] => {
  let args: unknown;
  try {
    args = JSON.parse(json);
  } catch {
    args = undefined;
  }
  if (!Array.isArray(args)) {
    throw new Problem(
      `the arguments are a JSON array such as '["x", 1]', and not ${json}`,
    );
  }
  return args;
};

const isJson = (value: unknown): boolean => {
  if (Array.isArray(value)) {
    return value.every(isJson);
  }
  if (typeof value === 'object' && value !== null) {
    return (
      Object.getPrototypeOf(value) === Object.prototype &&
      Object.values(value).every(isJson)
    );
  }
  return (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    Number.isFinite(value)
  );
};

/** JSON for what JSON can say; anything else as Node shows it. */
const formatAnswer = (answer: unknown): string =>
  isJson(answer)
    ? JSON.stringify(answer, undefined, 2)
    : inspect(answer, { depth: 8 });

export type Call = {
  readonly cluster: string;
  readonly vat: string;
  readonly method: string;
  /** A JSON array. */
  readonly json: string;
};

/** Sends one message to the root of a vat and prints the answer; rejects with what the vat rejects with. */
export const call = async (
  { cluster, vat, method, json }: Call,
  place: Place,
): Promise<void> => {
  const args = parseArguments(json);
  const reached = await reachKernel(place);
  try {
    const { E, kernel } = reached.console;
    const root = await kernel.root(cluster, vat);
    const methods: Record<string, (...args: readonly unknown[]) => unknown> = E(
      Object(root),
    );
    console.log(formatAnswer(await methods[method]?.(...args)));
  } finally {
    await reached.leave();
  }
};
