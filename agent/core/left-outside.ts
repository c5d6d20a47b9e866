/** What a policy's check has left running outside of its process group, where the end of a run does not reach it. */
export type LeftOutside = {
  /** How many processes; at least one. */
  readonly processes: number;
  /** The name of one of their programs, at most 15 bytes of whatever it likes to be called. */
  readonly example: string;
};
