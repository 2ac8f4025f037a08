/** The name servers of teams: each answers the names of one team's instances, to that team alone. */
export interface Resolvers {
  /**
   * Makes the team's name server answer exactly what the hosts file says, in one step: at no moment a
   * name that both the old and the new file have is unknown. Starts the server where it does not run;
   * leaves alone a team whose network is not there yet. Cheap when nothing has to be done.
   */
  publish(teamId: string, hosts: string): Promise<void>;

  /**
   * Ends the team's name server, where there is one: nothing of the team runs any more. The next one that
   * does, or that is published, has one again.
   */
  dismiss(teamId: string): Promise<void>;

  /** What is known of servers may be wrong: they are looked at again. */
  distrust(): void;
}
