/** In this time finalizers have run, and what they had to say has been said. */
const MILLISECONDS = 200;

/** What is dead is collected, and what finalizers let go of then. */
export const collectTwice = async (
  collect: () => Promise<unknown>,
): Promise<void> => {
  await collect();
  await new Promise(resolve => setTimeout(resolve, MILLISECONDS));
  await collect();
};
