/** Another node as an LWP of this one: what a home tells its processes there, over the link between the two. */

import type { Link } from "../cluster/link.ts";
import type { Answer, Question, ToLwp } from "../kernel/protocol.ts";
import type { Lwp } from "./lwp.ts";

export class RemoteLwp implements Lwp {
  readonly nodeName: string;
  readonly index = -1;
  processes = 0;
  readonly link: Link;

  constructor(link: Link) {
    this.nodeName = link.peer;
    this.link = link;
  }

  tell(message: ToLwp): void {
    this.link.tell("lwp", message);
  }

  async ask<K extends Question["kind"]>(
    pid: number,
    question: Extract<Question, { kind: K }>,
  ): Promise<Extract<Answer, { kind: K }>> {
    return (await this.link.request("ask", { pid, question })) as Extract<Answer, { kind: K }>;
  }

  async restore(message: Omit<Extract<ToLwp, { op: "restore" }>, "request">): Promise<{ name: string }> {
    return (await this.link.request("restore", message)) as { name: string };
  }
}
