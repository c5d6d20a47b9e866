/** What a policy's check has left running outside of its process group, where the end of a run does not reach it. */
export type LeftOutside = {
  /** How many processes; at least one. */
  readonly processes: number;
  /** The command line of one of them. */
  readonly example: string;
};
