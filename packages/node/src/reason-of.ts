/** `fetch` says "fetch failed" and hides the reason in its cause. */
export const reasonOf = (problem: unknown): string => {
  if (!(problem instanceof Error)) {
    return String(problem);
  }
  return problem.cause === undefined
    ? problem.message
    : `${problem.message}: ${reasonOf(problem.cause)}`;
};
