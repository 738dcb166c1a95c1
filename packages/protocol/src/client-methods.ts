/** What the kernel asks a client. */
export type ClientMethods = {
  /**
   * Asked behind each `state`, `log` and `trace`: an answer, whatever it is, says
   * that the client has read so far. A client need not offer it, for a refusal
   * is an answer. While three of them are unread it is told no more; what is new
   * by then is told together, without what is out of date or too much.
   */
  heard: { params: Record<string, never>; result: null };
};
